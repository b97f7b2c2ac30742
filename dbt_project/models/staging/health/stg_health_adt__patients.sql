with

    source as (select * from {{ source('health_adt', 'patients') }}),

    current_rows as ({{ current_rows('source', ['message_hash', 'patient_sequence']) }}),

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
            patient_sequence,
            source_person_id,
            id_namespace,
            trigger_event,
            event_at,
            forename,
            middle_names,
            surname,
            birth_date,
            birth_at,
            sex,
            nhs_number,
            nhs_number_status,
            ethnicity_code,
            ethnicity_code_system,
            death_at,
            is_deceased,
            multiple_birth,
            birth_order,
            preferred_language,
            gp_code,
            practice_code,
            address_line,
            town,
            postcode,
            telephone,
            processing_id,
            deleted_columns
        from current_rows

    )

select *
from renamed
