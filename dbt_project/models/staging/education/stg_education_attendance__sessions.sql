with

    source as (select * from {{ source('education_attendance', 'sessions') }}),

    current_rows as ({{ current_rows('source', ['upn', 'school_id', 'from_date']) }}),

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

            -- facts
            upn,
            school_id,
            from_date,
            to_date,
            sessions_possible,
            sessions_attended,
            sessions_authorised_absent,
            sessions_unauthorised_absent
        from current_rows

    )

select *
from renamed
