with

    source as (select * from {{ source('social_care', 'missing_episodes') }}),

    current_rows as ({{ current_rows('source', ['missing_episode_id']) }}),

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
            missing_episode_id,
            source_person_id,
            started_date,
            ended_date,
            category_code,
            interview_offered,
            interview_accepted,
            interview_date
        from current_rows

    )

select *
from renamed
