with

    source as (select * from {{ source('social_care', 'visits') }}),

    current_rows as ({{ current_rows('source', ['visit_id']) }}),

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
            visit_id,
            source_person_id,
            visit_date,
            visit_type,
            was_seen,
            seen_alone,
            seen_at_home,
            bedroom_seen
        from current_rows

    )

select *
from renamed
