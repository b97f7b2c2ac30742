with

    source as (select * from {{ source('health_fhir', 'observations') }}),

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

            -- source record
            {{ record_key() }} as record_key,

            -- facts
            resource_id,
            source_person_id,
            status,
            code,
            code_system,
            category_code,
            effective_start_at,
            effective_end_at,
            value_text,
            value_code,
            value_number,
            value_unit
        from current_rows

    )

select *
from renamed
