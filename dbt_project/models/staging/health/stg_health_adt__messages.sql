with

    source as (select * from {{ source('health_adt', 'messages') }}),

    current_rows as ({{ current_rows('source', ['message_hash']) }}),

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
            message_control_id,
            message_hash,
            message_type,
            trigger_event,
            structure,
            hl7_version,
            sending_application,
            sending_facility,
            message_at,
            recorded_at,
            processing_id,
            source_person_id,
            namespace
        from current_rows

    )

select *
from renamed
