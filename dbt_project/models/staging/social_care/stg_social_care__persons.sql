with

    source as (select * from {{ source('social_care', 'persons') }}),

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
            forename,
            middle_names,
            surname,
            preferred_name,
            birth_date,
            expected_birth_date,
            is_unborn,
            death_date,
            sex,
            ethnicity_code,
            ethnicity_code_system,
            nhs_number,
            upn,
            former_upn,
            preferred_language,
            family_group_id,
            is_sealed,
            mother_source_person_id,
            upn_unknown_code,
            disability_codes,
            is_mother,
            own_child_birth_date
        from current_rows

    )

select *
from renamed
