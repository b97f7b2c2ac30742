with

    source as (select * from {{ source('health_fhir', 'resources') }}),

    current_rows as ({{ current_rows('source', ['resource_type', 'resource_id']) }}),

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
            resource_type,
            resource_id,
            version_id,
            last_updated,
            profile,
            container,
            is_repaired
        from current_rows

    )

select *
from renamed
