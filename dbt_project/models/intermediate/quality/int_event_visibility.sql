with

    notifications as (select * from {{ ref('stg_police_ppn__notification_persons') }}),

    contacts as (select * from {{ ref('stg_social_care__contacts') }}),

    referrals as (select * from {{ ref('stg_social_care__referrals') }}),

    attendances as (select * from {{ ref('stg_health_adt__attendances') }}),

    deliveries as (

        select agency, feed, system, min(as_at_date) as history_as_at_date
        from {{ ref('stg_landing__deliveries') }}
        where state = 'landed'
        group by agency, feed, system

    ),

    -- 1. Events with their day and the date of the delivery that first had them. A message is an event by
    -- itself, so its
    -- one delivery is the first.
    events as (

        select agency, feed, system, {{ london_date('incident_at') }} as event_date, first_as_at_date
        from notifications

        union all

        select agency, feed, system, contact_date as event_date, first_as_at_date
        from contacts

        union all

        select agency, feed, system, referral_date as event_date, first_as_at_date
        from referrals

        union all

        select
            agency,
            feed,
            system,
            {{ london_date('attended_at') }} as event_date,
            as_at_date as first_as_at_date
        from attendances

    )

-- 2. The first delivery of a feed brings years of history, which says nothing about how long an event takes
select
    events.agency,
    events.feed,
    events.system,
    events.event_date,
    events.first_as_at_date,
    {{ clock_days_between('events.event_date', 'events.first_as_at_date') }} as days_to_visible
from events
inner join
    deliveries
    on events.agency = deliveries.agency
    and events.feed = deliveries.feed
    and events.system = deliveries.system
where events.first_as_at_date > deliveries.history_as_at_date and events.event_date <= events.first_as_at_date
