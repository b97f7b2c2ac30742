with

    configured as (select * from {{ ref('stg_landing__configured_feeds') }}),

    deliveries as (select * from {{ ref('stg_landing__deliveries') }}),

    -- 1. Every feed and system that should deliver or has delivered
    feeds as (

        select agency, feed, system
        from configured

        union

        select agency, feed, system
        from deliveries

    ),

    -- 2. What has arrived
    counts as (

        select
            agency,
            feed,
            system,
            cast(count(case when state = 'landed' then 1 end) as integer) as deliveries_landed,
            cast(
                count(case when state = 'landed' and is_superseded then 1 end) as integer
            ) as deliveries_replaced,
            cast(count(case when state = 'held' then 1 end) as integer) as deliveries_held,
            cast(count(case when is_in_force then 1 end) as integer) as deliveries_in_force,
            cast(coalesce(sum(case when state = 'landed' then records_in end), 0) as bigint) as records_in,
            cast(
                coalesce(sum(case when state = 'landed' then records_landed end), 0) as bigint
            ) as records_landed,
            cast(
                coalesce(sum(case when state = 'landed' then records_quarantined end), 0) as bigint
            ) as records_quarantined,
            cast(
                coalesce(sum(case when state = 'landed' then records_duplicate end), 0) as bigint
            ) as records_duplicate,
            max(case when is_in_force then as_at_date end) as data_current_to
        from deliveries
        group by agency, feed, system

    ),

    ranked_deliveries as (

        select
            agency,
            feed,
            system,
            delivery_id,
            mode,
            as_at_date,
            received_at,
            hold_rule,
            state,
            row_number() over (
                partition by agency, feed, system, state
                order by as_at_date <= {{ as_of() }} desc, as_at_date desc, received_at desc, delivery_id
            ) as preference
        from deliveries

    ),

    last_landed as (select * from ranked_deliveries where state = 'landed' and preference = 1),

    last_held as (select * from ranked_deliveries where state = 'held' and preference = 1),

    -- 3. Why rows were rejected, most frequent first
    rejects as (

        select agency, feed, system, {{ rule_counts('rejects_by_rule') }}
        from deliveries
        where state = 'landed' and rejects_by_rule is not null

    ),

    reject_totals as (

        select agency, feed, system, rule_id, cast(sum(rule_count) as bigint) as rule_count
        from rejects
        group by agency, feed, system, rule_id

    ),

    reject_texts as (

        select
            agency,
            feed,
            system,
            max_by(rule_id, rule_count) as top_reject_rule,
            {{ joined_set("rule_id || ': ' || cast(rule_count as varchar)") }} as rejects_by_rule
        from reject_totals
        group by agency, feed, system

    ),

    -- 4. Deliveries that should have come: between two dates, or since the last one, each whole cadence
    -- beyond the days of
    -- grace without a delivery is one
    landed_dates as (

        select
            deliveries.agency,
            deliveries.feed,
            deliveries.system,
            deliveries.as_at_date,
            lead(deliveries.as_at_date) over (
                partition by deliveries.agency, deliveries.feed, deliveries.system
                order by deliveries.as_at_date
            ) as next_as_at_date
        from
            (
                select distinct agency, feed, system, as_at_date
                from deliveries
                where state = 'landed' and as_at_date <= {{ as_of() }}
            ) as deliveries

    ),

    gaps as (

        select
            landed_dates.agency,
            landed_dates.feed,
            landed_dates.system,
            case
                when landed_dates.next_as_at_date is null
                then
                    floor(
                        (
                            {{ clock_days_between('landed_dates.as_at_date', as_of()) }}
                            - configured.arrival_deadline_days
                            - 1
                        )
                        / configured.cadence_days
                    )
                else
                    floor(
                        (
                            {{ clock_days_between('landed_dates.as_at_date', 'landed_dates.next_as_at_date') }}
                            + configured.arrival_deadline_days
                        )
                        / configured.cadence_days
                    )
                    - 1
            end as missing
        from landed_dates
        inner join
            configured
            on landed_dates.agency = configured.agency
            and landed_dates.feed = configured.feed
            and landed_dates.system = configured.system

    ),

    missing_counts as (

        select
            agency,
            feed,
            system,
            cast(sum(case when missing > 0 then missing else 0 end) as integer) as deliveries_missing
        from gaps
        group by agency, feed, system

    ),

    -- 5. How long an event takes from its day to the delivery that first had it
    visibility as (

        select
            agency,
            feed,
            system,
            cast(median(days_to_visible) as double) as median_days_to_visible,
            cast(count(*) as integer) as events_measured
        from {{ ref('int_event_visibility') }}
        group by agency, feed, system

    ),

    joined as (

        select
            feeds.agency || '|' || feeds.feed || '|' || feeds.system as feed_key,
            feeds.agency,
            feeds.feed,
            feeds.system,
            configured.agency is not null as is_configured,
            configured.cadence,
            cast(configured.cadence_days as integer) as cadence_days,
            cast(configured.arrival_deadline_days as integer) as arrival_deadline_days,
            last_landed.delivery_id as last_delivery_id,
            last_landed.mode as last_mode,
            last_landed.as_at_date as last_as_at_date,
            {{ clock_days_between('last_landed.as_at_date', as_of()) }} as age_days,
            {{ clock_add_days(
            'last_landed.as_at_date', 'configured.cadence_days + configured.arrival_deadline_days'
        ) }} as next_expected_by_date,
            coalesce(counts.deliveries_landed, 0) as deliveries_landed,
            coalesce(counts.deliveries_in_force, 0) as deliveries_in_force,
            coalesce(counts.deliveries_replaced, 0) as deliveries_replaced,
            coalesce(counts.deliveries_held, 0) as deliveries_held,
            last_held.hold_rule as last_hold_rule,
            coalesce(counts.records_in, 0) as records_in,
            coalesce(counts.records_landed, 0) as records_landed,
            coalesce(counts.records_quarantined, 0) as records_quarantined,
            coalesce(counts.records_duplicate, 0) as records_duplicate,
            reject_texts.top_reject_rule,
            reject_texts.rejects_by_rule,
            missing_counts.deliveries_missing,
            visibility.median_days_to_visible,
            coalesce(visibility.events_measured, 0) as events_measured,
            counts.data_current_to
        from feeds
        left join
            configured
            on feeds.agency = configured.agency
            and feeds.feed = configured.feed
            and feeds.system = configured.system
        left join
            counts
            on feeds.agency = counts.agency
            and feeds.feed = counts.feed
            and feeds.system = counts.system
        left join
            last_landed
            on feeds.agency = last_landed.agency
            and feeds.feed = last_landed.feed
            and feeds.system = last_landed.system
        left join
            last_held
            on feeds.agency = last_held.agency
            and feeds.feed = last_held.feed
            and feeds.system = last_held.system
        left join
            reject_texts
            on feeds.agency = reject_texts.agency
            and feeds.feed = reject_texts.feed
            and feeds.system = reject_texts.system
        left join
            missing_counts
            on feeds.agency = missing_counts.agency
            and feeds.feed = missing_counts.feed
            and feeds.system = missing_counts.system
        left join
            visibility
            on feeds.agency = visibility.agency
            and feeds.feed = visibility.feed
            and feeds.system = visibility.system

    )

-- 6. Late from the day after the last day of grace; a feed that has never come has no day to count from
select
    feed_key,
    agency,
    feed,
    system,
    is_configured,
    cadence,
    cadence_days,
    arrival_deadline_days,
    last_delivery_id,
    last_mode,
    last_as_at_date,
    age_days,
    next_expected_by_date,
    case
        when deliveries_landed = 0
        then 'never_delivered'
        when last_as_at_date > {{ as_of() }}
        then 'after_as_of'
        when next_expected_by_date is null
        then 'not_configured'
        when next_expected_by_date < {{ as_of() }}
        then 'late'
        else 'on_time'
    end as freshness,
    coalesce(next_expected_by_date < {{ as_of() }}, false) as is_late,
    coalesce(last_as_at_date > {{ as_of() }}, false) as is_after_as_of,
    deliveries_landed,
    deliveries_in_force,
    deliveries_replaced,
    deliveries_held,
    deliveries_missing,
    last_hold_rule,
    records_in,
    records_landed,
    records_quarantined,
    records_duplicate,
    top_reject_rule,
    rejects_by_rule,
    median_days_to_visible,
    events_measured,
    data_current_to,
    {{ as_of() }} as as_of_date
from joined
order by feed_key
