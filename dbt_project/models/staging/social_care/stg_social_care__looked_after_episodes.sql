with

    source as (select * from {{ source('social_care', 'looked_after_episodes') }}),

    current_rows as ({{ current_rows('source', ['episode_id']) }}),

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
            episode_id,
            source_person_id,
            started_date,
            start_reason_code,
            legal_status_code,
            need_code,
            placement_type_code,
            placement_provider_code,
            ended_date,
            end_reason_code,
            place_change_reason_code,
            home_postcode,
            placement_postcode,
            placement_urn
        from current_rows

    )

select *
from renamed
