with

    source as (select * from {{ source('social_care_conferences', 'strategy_attendances') }}),

    current_rows as ({{ current_rows('source', ['discussion_id', 'attending_agency', 'role_code']) }}),

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
            discussion_id,
            attending_agency,
            role_code,
            was_present
        from current_rows

    )

select *
from renamed
