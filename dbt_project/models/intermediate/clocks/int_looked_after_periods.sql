with

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    children as (select child_id, adult_birthday from {{ ref('int_clock_children') }}),

    episodes as (select * from {{ ref('stg_social_care__looked_after_episodes') }}),

    placements as (select * from {{ ref('stg_social_care__placements') }}),

    legal_statuses as (select * from {{ ref('stg_social_care__legal_statuses') }}),

    short_break_codes as (

        select code from {{ ref('status_labels') }} where code_set = 'short_break_legal_status'

    ),

    undated_feeds as (select feed from {{ ref('feeds_without_assessment_dates') }}),

    gap_rule as (

        select coalesce(max(rule_value), 0) as allowed_days
        from {{ ref('int_rules_in_force') }}
        where rule_id = 'looked_after_gap'

    ),

    -- 1. Episodes as they are: one that its council has not ended is open, whatever came after it,
    -- because a child who is wrongly counted is asked about and one who is wrongly left out is not.
    -- Placements stand in only for a record that has no episode at all
    stays as (

        select
            record_key,
            feed,
            delivery_id,
            started_date,
            case when ended_date <= {{ as_of() }} then ended_date end as ended_date,
            start_reason_code,
            legal_status_code,
            'episodes' as derived_from
        from episodes
        where started_date <= {{ as_of() }}

        union all

        select
            placements.record_key,
            placements.feed,
            placements.delivery_id,
            placements.started_date,
            case when placements.ended_date <= {{ as_of() }} then placements.ended_date end as ended_date,
            null as start_reason_code,
            null as legal_status_code,
            'placements' as derived_from
        from placements
        left join
            (select distinct record_key from episodes) as with_episodes
            on placements.record_key = with_episodes.record_key
        where with_episodes.record_key is null and placements.started_date <= {{ as_of() }}

    ),

    -- 2. A stay that does not say its legal status takes the one of the record on the day it started
    legal_on_start as (

        select
            stays.record_key,
            stays.started_date,
            legal_statuses.legal_status_code,
            row_number() over (
                partition by stays.record_key, stays.started_date
                order by legal_statuses.started_date desc, legal_statuses.legal_status_code
            ) as preference
        from (select distinct record_key, started_date from stays where legal_status_code is null) as stays
        inner join
            legal_statuses
            on stays.record_key = legal_statuses.record_key
            and stays.started_date >= legal_statuses.started_date
            and (legal_statuses.ended_date is null or stays.started_date < legal_statuses.ended_date)

    ),

    -- 3. Short breaks are a stream of their own: they neither start nor continue a period of being
    -- looked after
    streamed as (

        select
            records.child_id,
            stays.record_key,
            stays.feed,
            stays.delivery_id,
            stays.started_date,
            case
                when stays.ended_date is null
                then cast('9999-12-31' as date)
                when stays.ended_date < stays.started_date
                then stays.started_date
                else stays.ended_date
            end as last_day,
            stays.start_reason_code,
            coalesce(stays.legal_status_code, legal_on_start.legal_status_code) as legal_status_code,
            stays.derived_from,
            short_break_codes.code is not null as is_short_break
        from stays
        inner join records on stays.record_key = records.record_key
        left join
            legal_on_start
            on stays.record_key = legal_on_start.record_key
            and stays.started_date = legal_on_start.started_date
            and legal_on_start.preference = 1
        left join
            short_break_codes
            on coalesce(stays.legal_status_code, legal_on_start.legal_status_code) = short_break_codes.code

    ),

    -- 4. One row a child and start day, so that the same episode from two feeds is one
    starts as (

        select
            child_id,
            is_short_break,
            started_date,
            max(last_day) as last_day,
            max(case when start_reason_code = 'S' then 1 else 0 end) as is_new_start
        from streamed
        group by child_id, is_short_break, started_date

    ),

    with_previous as (

        select
            *,
            max(last_day) over (
                partition by child_id, is_short_break
                order by started_date
                rows between unbounded preceding and 1 preceding
            ) as previous_last_day
        from starts

    ),

    -- 5. A gap, or a start marked as new on the day the last period ended, begins a period
    marked as (

        select
            with_previous.*,
            case
                when with_previous.previous_last_day is null
                then 1
                when
                    with_previous.is_new_start = 1
                    and with_previous.started_date >= with_previous.previous_last_day
                then 1
                when
                    {{ clock_days_between('with_previous.previous_last_day', 'with_previous.started_date') }}
                    > gap_rule.allowed_days
                then 1
                else 0
            end as begins_period
        from with_previous
        cross join gap_rule

    ),

    numbered as (

        select
            *,
            cast(
                sum(begins_period) over (
                    partition by child_id, is_short_break
                    order by started_date
                    rows between unbounded preceding and current row
                ) as integer
            ) as period_number
        from marked

    ),

    -- 6. What is known of a period comes from its newest stay
    period_stays as (

        select
            streamed.*,
            numbered.period_number,
            case when undated_feeds.feed is null then 1 else 0 end as is_from_dated_feed,
            row_number() over (
                partition by streamed.child_id, streamed.is_short_break, numbered.period_number
                order by
                    streamed.last_day desc,
                    streamed.started_date desc,
                    streamed.record_key,
                    streamed.delivery_id
            ) as newest
        from streamed
        inner join
            numbered
            on streamed.child_id = numbered.child_id
            and streamed.is_short_break = numbered.is_short_break
            and streamed.started_date = numbered.started_date
        left join undated_feeds on streamed.feed = undated_feeds.feed

    ),

    periods as (

        select
            child_id,
            is_short_break,
            period_number,
            min(started_date) as started_date,
            max(last_day) as last_day,
            max(case when newest = 1 then record_key end) as record_key,
            max(case when newest = 1 then legal_status_code end) as legal_status_code,
            max(case when newest = 1 then derived_from end) as derived_from,
            max(case when newest = 1 then started_date end) as latest_stay_started_date,
            max(is_from_dated_feed) as is_from_dated_feed,
            {{ clock_distinct_list('feed') }} as feeds,
            {{ clock_distinct_list('record_key') }} as record_keys,
            {{ clock_distinct_list('delivery_id') }} as delivery_ids,
            cast(count(distinct started_date) as integer) as episodes
        from period_stays
        group by child_id, is_short_break, period_number

    ),

    -- 7. Open periods, and why one is not in the headline
    described as (

        select
            periods.*,
            case when periods.last_day <= {{ as_of() }} then periods.last_day end as ended_date,
            -- the duties of care end with the period, at the latest when the child comes of age
            case
                when children.adult_birthday < periods.last_day and children.adult_birthday <= {{ as_of() }}
                then children.adult_birthday
                when periods.last_day <= {{ as_of() }}
                then periods.last_day
            end as duty_ended_date,
            lag(periods.last_day) over (
                partition by periods.child_id, periods.is_short_break order by periods.period_number
            ) as previous_ended_date,
            case
                when periods.last_day <= {{ as_of() }}
                then 'ended'
                when children.adult_birthday <= {{ as_of() }}
                then 'reached_age_limit'
                when periods.is_short_break
                then 'short_break'
            end as not_counted_because
        from periods
        left join children on periods.child_id = children.child_id

    )

select
    child_id,
    is_short_break,
    period_number,
    started_date,
    ended_date,
    duty_ended_date,
    previous_ended_date,
    not_counted_because is null as is_counted,
    not_counted_because,
    record_key,
    record_keys,
    legal_status_code,
    derived_from,
    latest_stay_started_date,
    episodes,
    is_from_dated_feed = 1 as has_dated_assessments,
    feeds,
    delivery_ids
from described
