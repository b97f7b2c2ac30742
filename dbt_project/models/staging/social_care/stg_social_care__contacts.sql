with

    source as (select * from {{ source('social_care', 'contacts') }}),

    current_rows as ({{ current_rows('source', ['contact_id'], true) }}),

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
            first_as_at_date,

            -- source record
            {{ record_key() }} as record_key,

            -- facts
            contact_id,
            source_person_id,
            contact_date,
            source_code,
            route,
            outcome_code,
            decision_date
        from current_rows

    )

select *
from renamed
