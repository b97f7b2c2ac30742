with

    source as (select * from {{ source('social_care_conferences', 'strategy_discussions') }}),

    current_rows as ({{ current_rows('source', ['discussion_id', 'source_person_id']) }}),

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
            discussion_id,
            source_person_id,
            s47_id,
            threshold_reached_at,
            held_at,
            outcome_code
        from current_rows

    )

select *
from renamed
