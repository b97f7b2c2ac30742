with

    source as (select * from {{ source('social_care', 'addresses') }}),

    current_rows as (

        {{ current_rows('source', ['source_person_id', 'address_type', 'postcode', 'valid_from']) }}

    ),

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
            source_person_id,
            address_type,
            address_line,
            town,
            postcode,
            valid_from,
            valid_to,
            is_confidential
        from current_rows

    )

select *
from renamed
