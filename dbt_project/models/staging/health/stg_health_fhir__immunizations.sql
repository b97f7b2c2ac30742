with

    source as (select * from {{ source('health_fhir', 'immunizations') }}),

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
            vaccine_code,
            vaccine_system,
            procedure_code,
            occurred_at,
            occurred_text,
            dose_number,
            target_disease_code,
            not_done_reason_code
        from current_rows

    )

select *
from renamed
