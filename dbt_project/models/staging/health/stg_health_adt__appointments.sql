with

    source as (select * from {{ source('health_adt', 'appointments') }}),

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
            message_hash,
            source_person_id,
            trigger_event,
            appointment_id,
            status_code,
            is_did_not_attend,
            starts_at,
            reason_code,
            service
        from current_rows

    )

select *
from renamed
