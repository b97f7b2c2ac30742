with

    source as (select * from {{ source('social_care', 'health_assessments') }}),

    current_rows as ({{ current_rows('source', ['health_assessment_id']) }}),

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
            health_assessment_id,
            source_person_id,
            assessment_kind,
            requested_date,
            offered_date,
            assessment_date,
            status,
            assessor_role,
            assessor_organisation,
            recorded_date
        from current_rows

    )

select *
from renamed
