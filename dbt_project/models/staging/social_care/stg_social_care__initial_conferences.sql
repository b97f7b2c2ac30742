with

    source as (select * from {{ source('social_care', 'initial_conferences') }}),

    current_rows as ({{ current_rows('source', ['conference_id', 'source_person_id']) }}),

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
            conference_id,
            source_person_id,
            s47_id,
            conference_date,
            conference_type,
            outcome_code,
            meeting_id
        from current_rows

    )

select *
from renamed
