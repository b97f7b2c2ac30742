with

    source as (select * from {{ source('health_fhir', 'organizations') }}),

    current_rows as ({{ current_rows('source', ['resource_id']) }}),

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
            resource_id,
            name,
            type_code,
            ods_code,
            is_active,
            postcode
        from current_rows

    )

select *
from renamed
