with

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    periods as (select * from {{ ref('int_looked_after_periods') }}),

    registrations as (select * from {{ ref('int_registrations') }}),

    referrals as (select * from {{ ref('int_referrals') }}),

    assessments as (select * from {{ ref('stg_social_care__assessments') }}),

    requests as (select * from {{ ref('int_early_help_requests') }}),

    notifications as (select * from {{ ref('stg_police_ppn__notification_persons') }}),

    pupils as (select * from {{ ref('stg_education_school_census__pupils') }}),

    health_events as (select * from {{ ref('int_health_events') }}),

    -- 1. Every kind of episode with its days. A referral without further action that nobody closed was
    -- over when that was decided; a notification is open until it was acknowledged
    spans as (

        select
            'looked_after' as episode_kind,
            child_id || '|' || cast(period_number as varchar) as source_key,
            child_id,
            started_date,
            ended_date,
            delivery_ids
        from periods
        where is_counted

        union all

        select
            'on_register' as episode_kind,
            registration_key as source_key,
            child_id,
            registered_date as started_date,
            deregistered_date as ended_date,
            source_delivery_ids as delivery_ids
        from registrations

        union all

        select
            'open_referral' as episode_kind,
            referral_key as source_key,
            child_id,
            referral_date as started_date,
            coalesce(
                closed_date, case when is_no_further_action then coalesce(decision_date, referral_date) end
            ) as ended_date,
            delivery_id as delivery_ids
        from referrals

        union all

        select
            'open_assessment' as episode_kind,
            assessments.system || '|' || assessments.feed || '|' || assessments.assessment_id as source_key,
            records.child_id,
            assessments.started_date,
            assessments.completed_date as ended_date,
            assessments.delivery_id as delivery_ids
        from assessments
        inner join records on assessments.record_key = records.record_key

        union all

        select
            'early_help' as episode_kind,
            request_key as source_key,
            child_id,
            requested_date as started_date,
            closed_date as ended_date,
            source_delivery_ids as delivery_ids
        from requests

        union all

        select
            'police_notification' as episode_kind,
            notifications.system
            || '|'
            || notifications.notification_reference
            || '|'
            || records.child_id as source_key,
            records.child_id,
            {{ london_date('coalesce(notifications.sent_at, notifications.created_at)') }} as started_date,
            {{ london_date('notifications.acknowledged_at') }} as ended_date,
            notifications.delivery_id as delivery_ids
        from notifications
        inner join
            records
            on notifications.agency || '|' || notifications.system || '|' || notifications.police_person_id
            = records.record_key
        where notifications.is_child

        union all

        select
            'school_roll' as episode_kind,
            pupils.system || '|' || pupils.pupil_record_id as source_key,
            records.child_id,
            pupils.entry_date as started_date,
            pupils.leaving_date as ended_date,
            pupils.delivery_id as delivery_ids
        from pupils
        inner join records on pupils.record_key = records.record_key
        where pupils.roll_status = 'on_roll' or pupils.leaving_date is not null

        union all

        select
            'gp_registration' as episode_kind,
            event_key as source_key,
            child_id,
            event_date as started_date,
            ended_date,
            delivery_id as delivery_ids
        from health_events
        where event_kind = 'gp_registration' and event_status = 'completed'

    ),

    -- 2. Open on as_of; a notification that names a child in two roles is one
    open_spans as (

        select
            episode_kind || '|' || source_key as episode_key,
            episode_kind,
            child_id,
            min(started_date) as started_date,
            {{ clock_distinct_list('delivery_ids') }} as delivery_ids
        from spans
        where started_date <= {{ as_of() }} and (ended_date is null or ended_date > {{ as_of() }})
        group by episode_kind, source_key, child_id

    )

select *
from open_spans
