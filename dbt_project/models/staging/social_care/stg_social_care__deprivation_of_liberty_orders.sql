with

    source as (select * from {{ source('social_care', 'deprivation_of_liberty_orders') }}),

    current_rows as ({{ current_rows('source', ['source_person_id', 'started_date']) }}),

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
            started_date,
            ended_date
        from current_rows

    )

select *
from renamed
