with

    source as (select * from {{ source('social_care', 'unaccompanied_status') }}),

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
            ceased_date
        from current_rows

    )

select *
from renamed
