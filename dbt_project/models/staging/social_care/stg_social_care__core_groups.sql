with

    source as (select * from {{ source('social_care', 'core_groups') }}),

    current_rows as ({{ current_rows('source', ['core_group_id', 'source_person_id']) }}),

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
            core_group_id,
            registration_id,
            source_person_id,
            core_group_date
        from current_rows

    )

select *
from renamed
