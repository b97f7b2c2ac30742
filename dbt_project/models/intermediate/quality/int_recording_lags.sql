with

    assessments as (select * from {{ ref('stg_social_care__health_assessments') }}),

    notifications as (select * from {{ ref('stg_police_ppn__notification_persons') }}),

    -- 1. Events of which a feed says when they were and when somebody wrote them down or received them. A
    -- notification
    -- is one event however many persons it names.
    pairs as (

        select
            agency,
            feed,
            system,
            as_at_date,
            'health_assessment_recorded' as event,
            assessment_date as event_date,
            recorded_date
        from assessments

        union all

        select
            agency,
            feed,
            system,
            max(as_at_date) as as_at_date,
            'incident_notified' as event,
            {{ london_date('min(incident_at)') }} as event_date,
            {{ london_date('max(sent_at)') }} as recorded_date
        from notifications
        group by agency, feed, system, notification_reference

        union all

        select
            agency,
            feed,
            system,
            max(as_at_date) as as_at_date,
            'notification_acknowledged' as event,
            {{ london_date('min(sent_at)') }} as event_date,
            {{ london_date('max(acknowledged_at)') }} as recorded_date
        from notifications
        group by agency, feed, system, notification_reference

    ),

    -- 2. Only what has both days and had happened by as_of
    dated as (

        select pairs.*, pairs.event_date as clock_start_date, 'recorded_within' as rule_id
        from pairs
        where
            pairs.event_date is not null
            and pairs.recorded_date is not null
            and pairs.event_date <= {{ as_of() }}
            and pairs.recorded_date <= {{ as_of() }}

    ),

    due as ({{ clock_due_dates('dated') }})

select
    agency,
    feed,
    system,
    as_at_date,
    event,
    event_date,
    recorded_date,
    due_date,
    {{ clock_days_between('event_date', 'recorded_date') }} as lag_days,
    recorded_date >= event_date as is_in_order,
    recorded_date >= event_date and recorded_date <= due_date as is_in_time,
    rule_id,
    rule_status
from due
