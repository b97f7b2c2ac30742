with

    -- 1. Every NHS number a source holds of a person, in force or not
    sourced as (

        select record_key, identifier_value as nhs_number
        from {{ ref('stg_health_adt__identifiers') }}
        where identifier_type in ('NH', 'NHS', 'NI') or assigning_authority = 'NHS'

        union all

        select record_key, identifier_value as nhs_number
        from {{ ref('stg_health_fhir__identifiers') }}
        where identifier_type = 'nhs_number'

        union all

        select record_key, identifier_value as nhs_number
        from {{ ref('stg_social_care__identifiers') }}
        where identifier_type in ('nhs_number', 'former_nhs_number')

        union all

        select record_key, nhs_number
        from {{ ref('int_person_states') }}

    ),

    valid as (

        select distinct record_key, {{ nhs_number_valid('nhs_number') }} as nhs_number
        from sourced
        where {{ nhs_number_valid('nhs_number') }} is not null

    ),

    -- 2. The numbers of a record that was merged live on in the record that stands
    inherited as (

        select record_key, nhs_number
        from valid

        union

        select merges.merged_into_record_key as record_key, valid.nhs_number
        from valid
        inner join {{ ref('int_person_merges') }} as merges on valid.record_key = merges.record_key

    )

select *
from inherited
