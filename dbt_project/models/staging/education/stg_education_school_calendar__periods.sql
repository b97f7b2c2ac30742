with

    source as (select * from {{ source('education_school_calendar', 'periods') }}),

    current_rows as ({{ current_rows('source', ['school_id', 'period_kind', 'first_date']) }}),

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
            school_id,
            authority_code,
            establishment_number,
            period_kind,
            first_date,
            last_date
        from current_rows

    )

select *
from renamed
