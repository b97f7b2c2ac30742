with

    source as (select * from {{ source('training', 'staff_courses') }}),

    current_rows as (

        {{
            current_rows(
                'source', ['employee_number', 'assignment_number', 'course_name', 'completed_date']
            )
        }}

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

            -- facts
            employee_number,
            assignment_number,
            organisation,
            directorate,
            staff_group,
            role_title,
            role_started_date,
            role_ended_date,
            is_on_leave,
            course_name,
            completed_date,
            expires_date,
            is_exempt
        from current_rows

    )

select *
from renamed
