with

    source as (select * from {{ source('social_care', 'looked_after_reviews') }}),

    current_rows as ({{ current_rows('source', ['review_id']) }}),

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
            review_id,
            source_person_id,
            review_date,
            participation_code
        from current_rows

    )

select *
from renamed
