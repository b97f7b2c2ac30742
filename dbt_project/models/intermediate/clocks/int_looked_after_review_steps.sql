with

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    periods as (select * from {{ ref('int_looked_after_periods') }}),

    review_rows as (select * from {{ ref('stg_social_care__looked_after_reviews') }}),

    -- 1. Reviews held by as_of, one a day whoever sent it
    review_days as (

        select records.child_id, review_rows.review_date, min(review_rows.delivery_id) as delivery_id
        from review_rows
        inner join records on review_rows.record_key = records.record_key
        where review_rows.review_date <= {{ as_of() }}
        group by records.child_id, review_rows.review_date

    ),

    matched as (

        select
            periods.child_id,
            periods.is_short_break,
            periods.period_number,
            periods.started_date,
            review_days.review_date,
            review_days.delivery_id
        from periods
        inner join
            review_days
            on periods.child_id = review_days.child_id
            and review_days.review_date <= coalesce(periods.duty_ended_date, {{ as_of() }})
            and (periods.previous_ended_date is null or review_days.review_date > periods.previous_ended_date)
        where not periods.is_short_break

    ),

    -- 2. A review on or before the first day in care is no review of this period: counted apart, never used
    held as (

        select
            *,
            row_number() over (
                partition by child_id, is_short_break, period_number order by review_date
            ) as event_number
        from matched
        where review_date > started_date

    ),

    before_anchor as (

        select distinct child_id, is_short_break, period_number from matched where review_date <= started_date

    ),

    -- 3. A clock for each review held and one for the next. Short breaks have no interval among the rules
    clocks as (

        select
            child_id,
            is_short_break,
            period_number,
            1 as event_number,
            case when not is_short_break then 'lac_review_1' end as rule_id,
            'became_looked_after' as anchor_event,
            started_date as clock_start_date,
            cast(null as varchar) as anchor_delivery_id
        from periods

        union all

        select
            child_id,
            is_short_break,
            period_number,
            event_number + 1 as event_number,
            case when event_number = 1 then 'lac_review_2' else 'lac_review_n' end as rule_id,
            case when event_number = 1 then 'first_lac_review' else 'previous_lac_review' end as anchor_event,
            review_date as clock_start_date,
            delivery_id as anchor_delivery_id
        from held

    ),

    due as ({{ clock_due_dates('clocks') }}),

    -- 4. A clock that runs when the duty ends is over with it
    judged as (

        select
            due.child_id,
            due.is_short_break,
            due.period_number,
            cast(due.event_number as integer) as event_number,
            due.rule_id,
            due.rule_status,
            due.rule_source,
            due.is_local_rule,
            due.anchor_event,
            due.clock_start_date,
            due.due_date,
            held.review_date as done_date,
            periods.duty_ended_date,
            {{ clock_reason_without_due('due.clock_start_date', 'due.rule_source', 'due.due_date') }}
            as why_not_computable,
            case
                when
                    held.review_date is null
                    and periods.duty_ended_date is not null
                    and due.due_date is not null
                then 'ended'
                else {{ clock_status('due.due_date', 'held.review_date') }}
            end as status,
            coalesce(held.review_date, periods.duty_ended_date, {{ as_of() }}) as judged_on_date,
            before_anchor.child_id is not null and due.event_number = 1 as has_event_before_anchor,
            due.anchor_delivery_id,
            held.delivery_id as done_delivery_id
        from due
        inner join
            periods
            on due.child_id = periods.child_id
            and due.is_short_break = periods.is_short_break
            and due.period_number = periods.period_number
        left join
            held
            on due.child_id = held.child_id
            and due.is_short_break = held.is_short_break
            and due.period_number = held.period_number
            and due.event_number = held.event_number
        left join
            before_anchor
            on due.child_id = before_anchor.child_id
            and due.is_short_break = before_anchor.is_short_break
            and due.period_number = before_anchor.period_number

    )

select
    *,
    case
        when judged_on_date > due_date
        then {{ clock_days_between('due_date', 'judged_on_date') }}
        when due_date is not null
        then 0
    end as days_late
from judged
