with

    source as (select * from {{ source('social_care', 'health_flags') }}),

    current_rows as ({{ current_rows('source', ['source_person_id', 'period_end_date']) }}),

    renamed as (

        select
            -- lineage
            agency,
            feed,
            system,
            delivery_id,
            source_file,
            row_number,
            record_hash,
            extracted_at,
            record_action,
            as_at_date,

            -- source record
            {{ record_key() }} as record_key,

            -- facts
            source_person_id,
            period_end_date,
            health_surveillance_current,
            immunisations_current,
            dental_check_done,
            health_assessment_done,
            sdq_score,
            sdq_reason_code,
            is_convicted,
            substance_misuse,
            intervention_received,
            intervention_offered
        from current_rows

    )

select *
from renamed
