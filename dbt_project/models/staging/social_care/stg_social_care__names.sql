with

    source as (select * from {{ source('social_care', 'names') }}),

    current_rows as ({{ current_rows('source', ['source_person_id', 'name_type', 'surname']) }}),

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
            name_type,
            forename,
            middle_names,
            surname,
            valid_from,
            valid_to
        from current_rows

    )

select *
from renamed
