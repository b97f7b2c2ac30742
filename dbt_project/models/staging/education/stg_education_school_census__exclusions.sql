with

    source as (select * from {{ source('education_school_census', 'exclusions') }}),

    current_rows as ({{ current_rows('source', ['exclusion_id']) }}),

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
            exclusion_id,
            pupil_record_id,
            roll_status,
            started_date,
            sessions,
            reason_code_1,
            reason_code_2,
            reason_code_3,
            category_code,
            aln_provision_code
        from current_rows

    )

select *
from renamed
