with

    source as (select * from {{ source('social_care', 'registrations') }}),

    current_rows as ({{ current_rows('source', ['registration_id']) }}),

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
            registration_id,
            source_person_id,
            registered_date,
            deregistered_date,
            category_code,
            initial_category_code,
            conference_id,
            previous_registrations,
            deregistration_reason_code
        from current_rows

    )

select *
from renamed
