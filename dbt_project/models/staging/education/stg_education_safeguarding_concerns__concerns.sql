with

    source as (select * from {{ source('education_safeguarding_concerns', 'concerns') }}),

    current_rows as ({{ current_rows('source', ['concern_reference', 'school_id']) }}),

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
            concern_reference,
            school_id,
            upn,
            local_pupil_id,
            concern_date,
            lower(regexp_replace(category, '[ \-]+', '_', 'g')) as category,
            lower(action) as action,
            is_dsp_informed,
            dsp_informed_date
        from current_rows

    )

select *
from renamed
