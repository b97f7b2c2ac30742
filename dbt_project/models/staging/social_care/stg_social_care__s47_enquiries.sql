with

    source as (select * from {{ source('social_care', 's47_enquiries') }}),

    current_rows as ({{ current_rows('source', ['s47_id']) }}),

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
            s47_id,
            source_person_id,
            referral_id,
            strategy_discussion_date,
            started_date,
            completed_date,
            outcome_code,
            conference_not_required,
            conference_target_date
        from current_rows

    )

select *
from renamed
