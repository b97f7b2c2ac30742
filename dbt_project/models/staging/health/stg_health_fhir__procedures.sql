with

    source as (select * from {{ source('health_fhir', 'procedures') }}),

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
            performed_start_at,
            performed_end_at,
            performer
        from current_rows

    )

select *
from renamed
