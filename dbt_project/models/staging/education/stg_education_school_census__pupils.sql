with

    source as (select * from {{ source('education_school_census', 'pupils') }}),

    current_rows as ({{ current_rows('source', ['pupil_record_id']) }}),

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
            pupil_record_id,
            source_person_id,
            school_id,
            school_name,
            roll_status,
            enrolment_status,
            upn,
            former_upn,
            uln,
            forename,
            middle_names,
            surname,
            preferred_surname,
            former_surname,
            birth_date,
            sex,
            ethnicity_code,
            ethnicity_code_system,
            first_language,
            entry_date,
            leaving_date,
            year_group,
            aln_provision_code,
            is_looked_after,
            address_line,
            town,
            postcode,
            sessions_possible,
            sessions_authorised_absent,
            sessions_unauthorised_absent
        from current_rows

    )

select *
from renamed
