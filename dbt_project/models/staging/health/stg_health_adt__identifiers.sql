with

    source as (select * from {{ source('health_adt', 'identifiers') }}),

    current_rows as ({{ current_rows('source', ['message_hash', 'source_person_id', 'sequence']) }}),

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
            sequence,
            identifier_type,
            assigning_authority,
            identifier_value,
            identifier_status,
            is_deleted,
            source_field
        from current_rows

    )

select *
from renamed
