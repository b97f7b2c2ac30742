with

    notification_persons as (

        select *, agency || '|' || system || '|' || police_person_id as record_key
        from {{ ref('stg_police_ppn__notification_persons') }}

    ),

    united as (

        {{ event_rows(
            'notification_persons',
            "'notification_' || notification_type",
            london_date('coalesce(incident_at, created_at)'),
            'notification_reference',
            detail_code='person_role',
            recorded_date=london_date('created_at'),
            group_key="system || '|' || notification_reference",
        ) }}

    )

select *
from united
