with

    referrals as (select * from {{ ref('int_referrals') }}),

    assessments as (select * from {{ ref('stg_social_care__assessments') }}),

    enquiries as (select * from {{ ref('stg_social_care__s47_enquiries') }}),

    conferences as (select * from {{ ref('stg_social_care__initial_conferences') }}),

    registrations as (select * from {{ ref('stg_social_care__registrations') }}),

    -- 1. What may follow a referral, with the referral it names, itself or through what led to it
    conference_referrals as (

        select
            conferences.system,
            conferences.feed,
            conferences.conference_id,
            conferences.record_key,
            conferences.conference_date,
            conferences.delivery_id,
            enquiries.referral_id
        from conferences
        left join
            enquiries
            on conferences.system = enquiries.system
            and conferences.feed = enquiries.feed
            and conferences.s47_id = enquiries.s47_id

    ),

    events as (

        select
            system,
            feed,
            record_key,
            'assessment' as step,
            assessment_id as event_id,
            coalesce(started_date, completed_date) as step_date,
            case when completed_date <= {{ as_of() }} then completed_date end as completed_date,
            referral_id,
            delivery_id
        from assessments

        union all

        select
            system,
            feed,
            record_key,
            'strategy_discussion' as step,
            s47_id as event_id,
            coalesce(strategy_discussion_date, started_date) as step_date,
            cast(null as date) as completed_date,
            referral_id,
            delivery_id
        from enquiries

        union all

        select
            system,
            feed,
            record_key,
            'conference' as step,
            conference_id || '|' || record_key as event_id,
            conference_date as step_date,
            cast(null as date) as completed_date,
            referral_id,
            delivery_id
        from conference_referrals

        union all

        select
            registrations.system,
            registrations.feed,
            registrations.record_key,
            'registered' as step,
            registrations.registration_id as event_id,
            registrations.registered_date as step_date,
            cast(null as date) as completed_date,
            conference_referrals.referral_id,
            registrations.delivery_id
        from registrations
        left join
            conference_referrals
            on registrations.system = conference_referrals.system
            and registrations.feed = conference_referrals.feed
            and registrations.record_key = conference_referrals.record_key
            and registrations.conference_id = conference_referrals.conference_id

    ),

    -- 2. The referral it belongs to: the one it names, else the last that was open on the day
    candidates as (

        select
            events.step,
            events.event_id,
            events.step_date,
            events.completed_date,
            events.delivery_id,
            referrals.referral_key,
            row_number() over (
                partition by events.system, events.feed, events.step, events.event_id
                order by
                    case when events.referral_id = referrals.referral_id then 0 else 1 end,
                    referrals.referral_date desc,
                    referrals.referral_key
            ) as preference
        from events
        inner join
            referrals
            on events.record_key = referrals.record_key
            and events.feed = referrals.feed
            and (
                events.referral_id = referrals.referral_id
                or events.step_date
                between referrals.referral_date and coalesce(referrals.closed_date, {{ as_of() }})
            )
        where events.step_date <= {{ as_of() }}

    )

select referral_key, step, event_id, step_date, completed_date, delivery_id
from candidates
where preference = 1
