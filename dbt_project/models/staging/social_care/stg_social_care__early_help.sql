with

    source as (select * from {{ source('social_care', 'early_help') }}),

    current_rows as ({{ current_rows('source', ['early_help_id']) }}),

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
            early_help_id,
            source_person_id,
            requested_date,
            allocated_date,
            started_date,
            closed_date,
            team,
            outcome_code,
            ward,
            request_source,
            council_person_id
        from current_rows

    )

select *
from renamed
