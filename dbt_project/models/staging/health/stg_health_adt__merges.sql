with

    source as (select * from {{ source('health_adt', 'merges') }}),

    current_rows as ({{ current_rows('source', ['message_hash', 'sequence']) }}),

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

            -- facts
            message_hash,
            sequence,
            trigger_event,
            survivor_source_person_id,
            retired_source_person_id,
            merged_at
        from current_rows

    )

select *
from renamed
