with

    source as (select * from {{ source('education_school_census', 'addresses') }}),

    current_rows as ({{ current_rows('source', ['address_id']) }}),

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
            address_id,
            pupil_record_id,
            roll_status,
            address_line,
            town,
            postcode
        from current_rows

    )

select *
from renamed
