with

    source as (select * from {{ source('education_school_census', 'session_absences') }}),

    current_rows as ({{ current_rows('source', ['session_detail_id']) }}),

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
            session_detail_id,
            pupil_record_id,
            roll_status,
            sessions,
            absence_reason_code
        from current_rows

    )

select *
from renamed
