with

    source as (select * from {{ source('education_school_census', 'additional_needs') }}),

    current_rows as ({{ current_rows('source', ['need_id']) }}),

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
            need_id,
            pupil_record_id,
            roll_status,
            rank,
            need_code
        from current_rows

    )

select *
from renamed
