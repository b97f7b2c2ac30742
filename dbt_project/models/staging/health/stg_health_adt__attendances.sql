with

    source as (select * from {{ source('health_adt', 'attendances') }}),

    current_rows as ({{ current_rows('source', ['message_hash', 'source_person_id']) }}),

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
            message_hash,
            source_person_id,
            trigger_event,
            patient_class,
            is_emergency,
            admission_type,
            visit_number,
            location,
            attended_at,
            discharged_at,
            discharge_code,
            reason,
            event_at
        from current_rows

    )

select *
from renamed
