with

    source as (select * from {{ source('social_care', 'care_support_plans') }}),

    current_rows as ({{ current_rows('source', ['care_support_plan_id']) }}),

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
            care_support_plan_id,
            source_person_id,
            referral_id,
            started_date,
            ended_date
        from current_rows

    )

select *
from renamed
