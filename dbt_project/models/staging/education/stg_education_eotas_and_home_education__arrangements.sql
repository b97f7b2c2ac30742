with

    source as (select * from {{ source('education_eotas_and_home_education', 'arrangements') }}),

    current_rows as ({{ current_rows('source', ['upn', 'arrangement_kind', 'started_date']) }}),

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
            upn,
            upper(arrangement_kind) as arrangement_kind,
            started_date,
            ended_date,
            authority_code,
            provider
        from current_rows

    )

select *
from renamed
