with

    source as (select * from {{ source('police_domestic_abuse', 'notices') }}),

    current_rows as ({{ current_rows('source', ['notice_reference']) }}),

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
            {{ record_key('police_person_id') }} as record_key,

            -- facts
            notice_reference,
            incident_reference,
            police_person_id,
            incident_at,
            school_name,
            recipient_kind,
            recipient_school_id,
            sent_at,
            received_at,
            is_undeliverable,
            exempt_reason
        from current_rows

    )

select *
from renamed
