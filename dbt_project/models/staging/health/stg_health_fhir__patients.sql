with

    source as (select * from {{ source('health_fhir', 'patients') }}),

    current_rows as ({{ current_rows('source', ['source_person_id']) }}),

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
            source_person_id,
            id_namespace,
            forename,
            middle_names,
            surname,
            birth_date,
            birth_date_precision,
            sex,
            gender,
            nhs_number,
            nhs_number_status,
            ethnicity_code,
            ethnicity_code_system,
            death_at,
            is_deceased,
            is_active,
            multiple_birth,
            birth_order,
            preferred_language,
            gp_code,
            practice_code,
            managing_organisation,
            address_line,
            town,
            postcode,
            replaced_by_id,
            replaces_id,
            telephone
        from current_rows

    )

select *
from renamed
