with

    source as (select * from {{ source('police_ppn', 'notification_persons') }}),

    current_rows as (

        {{ current_rows('source', ['notification_reference', 'person_role', 'police_person_id'], true) }}

    ),

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
            first_as_at_date,

            -- facts
            notification_reference,
            person_role,
            police_person_id,
            created_at,
            sent_at,
            incident_at,
            notification_type,
            risk_grade,
            given_name,
            middle_name,
            surname,
            date_of_birth,
            date_of_birth_known,
            estimated_age,
            sex,
            self_defined_ethnicity,
            officer_defined_ethnicity,
            address_line,
            postcode,
            school_name,
            is_child,
            was_present,
            acknowledged_at,
            circumstances_code
        from current_rows

    )

select *
from renamed
