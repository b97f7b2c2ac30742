with

    source as (select * from {{ source('social_care_conferences', 'conference_invitations') }}),

    current_rows as ({{ current_rows('source', ['invitation_id']) }}),

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
            invitation_id,
            meeting_id,
            conference_id,
            conference_date,
            invited_agency,
            role_code,
            invited_date,
            attended,
            apologies_sent,
            report_required,
            report_due_date,
            report_sent_date
        from current_rows

    )

select *
from renamed
