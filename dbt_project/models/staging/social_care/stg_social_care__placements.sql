with

    source as (select * from {{ source('social_care', 'placements') }}),

    current_rows as ({{ current_rows('source', ['placement_id']) }}),

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
            placement_id,
            source_person_id,
            started_date,
            ended_date,
            placement_type_code,
            provider_code,
            postcode,
            is_long_term,
            end_reason_code
        from current_rows

    )

select *
from renamed
