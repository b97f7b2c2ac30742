with

    source as (select * from {{ source('social_care', 'assessments') }}),

    current_rows as ({{ current_rows('source', ['assessment_id']) }}),

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
            assessment_id,
            source_person_id,
            referral_id,
            started_date,
            completed_date,
            factors,
            internal_review_date
        from current_rows

    )

select *
from renamed
