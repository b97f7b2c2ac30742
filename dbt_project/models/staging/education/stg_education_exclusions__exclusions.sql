with

    source as (select * from {{ source('education_exclusions', 'exclusions') }}),

    current_rows as ({{ current_rows('source', ['upn', 'school_id', 'started_date', 'category_code']) }}),

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
            started_date,
            upper(category_code) as category_code,
            sessions,
            upper(reason_code) as reason_code
        from current_rows

    )

select *
from renamed
