with

    source as (select * from {{ source('social_care', 'referrals') }}),

    current_rows as ({{ current_rows('source', ['referral_id'], true) }}),

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
            referral_id,
            source_person_id,
            referral_date,
            source_code,
            decision_date,
            decision_code,
            is_no_further_action,
            primary_need_code,
            closed_date,
            closure_reason_code
        from current_rows

    )

select *
from renamed
