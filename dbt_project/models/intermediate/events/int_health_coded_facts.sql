with

    encounters as (select * from {{ ref('stg_health_fhir__encounters') }}),

    procedures as (select * from {{ ref('stg_health_fhir__procedures') }}),

    observations as (select * from {{ ref('stg_health_fhir__observations') }}),

    appointments as (select * from {{ ref('stg_health_fhir__appointments') }}),

    episodes_of_care as (select * from {{ ref('stg_health_fhir__episodes_of_care') }}),

    flags as (select * from {{ ref('stg_health_fhir__flags') }}),

    questionnaire_responses as (select * from {{ ref('stg_health_fhir__questionnaire_responses') }}),

    coded as (

        select
            agency,
            feed,
            system,
            delivery_id,
            source_file,
            row_number,
            record_key,
            'Encounter' as resource_type,
            resource_id,
            status,
            type_code as code,
            type_system as code_system,
            reason_code,
            started_at,
            cast(null as timestamptz) as ended_at,
            cast(null as varchar) as performer_code,
            organisation
        from encounters

        union all

        select
            agency,
            feed,
            system,
            delivery_id,
            source_file,
            row_number,
            record_key,
            'Procedure' as resource_type,
            resource_id,
            status,
            code,
            code_system,
            cast(null as varchar) as reason_code,
            performed_start_at as started_at,
            cast(null as timestamptz) as ended_at,
            performer as performer_code,
            cast(null as varchar) as organisation
        from procedures

        union all

        select
            agency,
            feed,
            system,
            delivery_id,
            source_file,
            row_number,
            record_key,
            'Observation' as resource_type,
            resource_id,
            status,
            code,
            code_system,
            cast(null as varchar) as reason_code,
            effective_start_at as started_at,
            effective_end_at as ended_at,
            cast(null as varchar) as performer_code,
            cast(null as varchar) as organisation
        from observations

        union all

        -- FHIR gives no code system with the service here as landed; the code map must name the supplier
        -- then.
        select
            agency,
            feed,
            system,
            delivery_id,
            source_file,
            row_number,
            record_key,
            'Appointment' as resource_type,
            resource_id,
            case when is_did_not_attend then 'noshow' else status end as status,
            service_code as code,
            cast(null as varchar) as code_system,
            reason_code,
            starts_at as started_at,
            cast(null as timestamptz) as ended_at,
            cast(null as varchar) as performer_code,
            cast(null as varchar) as organisation
        from appointments

        union all

        select
            agency,
            feed,
            system,
            delivery_id,
            source_file,
            row_number,
            record_key,
            'EpisodeOfCare' as resource_type,
            resource_id,
            status,
            type_code as code,
            type_system as code_system,
            cast(null as varchar) as reason_code,
            started_at,
            ended_at,
            cast(null as varchar) as performer_code,
            organisation
        from episodes_of_care

        union all

        select
            agency,
            feed,
            system,
            delivery_id,
            source_file,
            row_number,
            record_key,
            'Flag' as resource_type,
            resource_id,
            status,
            code,
            code_system,
            cast(null as varchar) as reason_code,
            started_at,
            ended_at,
            author as performer_code,
            cast(null as varchar) as organisation
        from flags

        union all

        -- A questionnaire is known by its canonical address, which is unique without a code system
        select
            agency,
            feed,
            system,
            delivery_id,
            source_file,
            row_number,
            record_key,
            'QuestionnaireResponse' as resource_type,
            resource_id,
            status,
            questionnaire as code,
            'questionnaire' as code_system,
            cast(null as varchar) as reason_code,
            authored_at as started_at,
            cast(null as timestamptz) as ended_at,
            cast(null as varchar) as performer_code,
            cast(null as varchar) as organisation
        from questionnaire_responses

    )

select *
from coded
