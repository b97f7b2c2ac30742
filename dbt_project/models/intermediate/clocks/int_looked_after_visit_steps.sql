with

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    periods as (select * from {{ ref('int_looked_after_periods') }}),

    placement_rows as (select * from {{ ref('stg_social_care__placements') }}),

    visit_rows as (select * from {{ ref('stg_social_care__visits') }}),

    episodes as (select * from {{ ref('stg_social_care__looked_after_episodes') }}),

    legal_statuses as (select * from {{ ref('stg_social_care__legal_statuses') }}),

    review_steps as (select * from {{ ref('int_looked_after_review_steps') }}),

    variants as (

        select *
        from {{ ref('looked_after_visit_variants') }}
        where jurisdiction = '{{ var("jurisdiction") }}'

    ),

    first_year_rule as (

        select rule_unit, rule_value
        from {{ ref('int_rules_in_force') }}
        where rule_id = 'visit_first_year_length'

    ),

    first_reviews as (

        select child_id, period_number, done_date as first_review_date
        from review_steps
        where event_number = 1 and not is_short_break

    ),

    -- 1. Placements begun by as_of, one a child and first day whoever sent it
    ranked_placements as (

        select
            records.child_id,
            placement_rows.record_key,
            placement_rows.placement_id,
            placement_rows.placement_type_code,
            placement_rows.is_long_term,
            placement_rows.started_date,
            case
                when placement_rows.ended_date <= {{ as_of() }} then placement_rows.ended_date
            end as ended_date,
            placement_rows.delivery_id,
            row_number() over (
                partition by records.child_id, placement_rows.started_date
                order by
                    case when placement_rows.ended_date is null then 0 else 1 end,
                    placement_rows.ended_date desc,
                    placement_rows.record_key,
                    placement_rows.placement_id
            ) as preference
        from placement_rows
        inner join records on placement_rows.record_key = records.record_key
        where placement_rows.started_date <= {{ as_of() }}

    ),

    sequenced as (

        select *, lead(started_date) over (partition by child_id order by started_date) as next_started_date
        from ranked_placements
        where preference = 1

    ),

    -- 2. A child lives in one place: a placement ends at the latest when the next begins or the duty ends.
    -- One that began before the period belongs to the newest period begun by its first day
    placed as (

        select
            sequenced.child_id,
            periods.period_number,
            sequenced.record_key,
            sequenced.placement_id,
            sequenced.placement_type_code,
            sequenced.is_long_term,
            sequenced.started_date,
            least(sequenced.ended_date, sequenced.next_started_date, periods.duty_ended_date) as ended_date,
            sequenced.delivery_id,
            row_number() over (
                partition by sequenced.child_id, sequenced.started_date
                order by
                    case when periods.started_date <= sequenced.started_date then 0 else 1 end,
                    periods.started_date desc
            ) as preference
        from sequenced
        inner join
            periods
            on sequenced.child_id = periods.child_id
            and not periods.is_short_break
            and sequenced.started_date <= coalesce(periods.duty_ended_date, {{ as_of() }})
            and coalesce(sequenced.ended_date, {{ as_of() }}) >= periods.started_date

    ),

    placements as (

        select
            placed.*,
            {{ clock_add('placed.started_date', 'first_year_rule.rule_unit', 'first_year_rule.rule_value') }}
            as first_anniversary,
            first_reviews.first_review_date
        from placed
        left join first_year_rule on true
        left join
            first_reviews
            on placed.child_id = first_reviews.child_id
            and placed.period_number = first_reviews.period_number
        where placed.preference = 1

    ),

    -- 3. Visits at which the child was seen, as far as the record says; each belongs to the placement of
    -- the day
    visit_days as (

        select records.child_id, visit_rows.visit_date, min(visit_rows.delivery_id) as delivery_id
        from visit_rows
        inner join records on visit_rows.record_key = records.record_key
        where
            visit_rows.visit_type = 'looked_after'
            and coalesce(visit_rows.was_seen, true)
            and visit_rows.visit_date <= {{ as_of() }}
        group by records.child_id, visit_rows.visit_date

    ),

    matched as (

        select
            visit_days.child_id,
            visit_days.visit_date,
            visit_days.delivery_id,
            placements.started_date as placement_started_date,
            row_number() over (
                partition by visit_days.child_id, visit_days.visit_date order by placements.started_date desc
            ) as preference
        from visit_days
        inner join
            placements
            on visit_days.child_id = placements.child_id
            and visit_days.visit_date
            between placements.started_date and coalesce(placements.ended_date, {{ as_of() }})

    ),

    held as (

        select
            child_id,
            visit_date,
            delivery_id,
            placement_started_date,
            row_number() over (
                partition by child_id, placement_started_date order by visit_date
            ) as event_number
        from matched
        where preference = 1

    ),

    -- 4. A visit in no placement was before the next one began: shown there, never used
    before_anchor as (

        select distinct child_id, placement_started_date
        from
            (
                select visit_days.child_id, min(placements.started_date) as placement_started_date
                from visit_days
                inner join
                    placements
                    on visit_days.child_id = placements.child_id
                    and visit_days.visit_date < placements.started_date
                left join
                    held on visit_days.child_id = held.child_id and visit_days.visit_date = held.visit_date
                where held.child_id is null
                group by visit_days.child_id, visit_days.visit_date
            ) as strays

    ),

    -- 5. A clock for each visit and one for the next. A period of which no placement is known has one clock
    -- without a start, and says so when its feeds never send a visit
    visited_periods as (

        select distinct period_feeds.child_id, period_feeds.is_short_break, period_feeds.period_number
        from
            (
                select child_id, is_short_break, period_number, {{ clock_split_list('feeds') }} as feed
                from periods
            ) as period_feeds
        inner join
            (select distinct feed from visit_rows) as visit_feeds on period_feeds.feed = visit_feeds.feed

    ),

    anchors as (

        select
            child_id,
            false as is_short_break,
            period_number,
            started_date as placement_started_date,
            1 as event_number,
            'placement_start' as anchor_event,
            started_date as clock_start_date,
            delivery_id as anchor_delivery_id,
            cast(null as varchar) as why_not_computable
        from placements

        union all

        select
            held.child_id,
            false as is_short_break,
            placements.period_number,
            held.placement_started_date,
            held.event_number + 1 as event_number,
            'previous_visit' as anchor_event,
            held.visit_date as clock_start_date,
            held.delivery_id as anchor_delivery_id,
            cast(null as varchar) as why_not_computable
        from held
        inner join
            placements
            on held.child_id = placements.child_id
            and held.placement_started_date = placements.started_date

        union all

        select
            periods.child_id,
            periods.is_short_break,
            periods.period_number,
            cast(null as date) as placement_started_date,
            1 as event_number,
            'placement_start' as anchor_event,
            cast(null as date) as clock_start_date,
            cast(null as varchar) as anchor_delivery_id,
            case
                when periods.is_short_break
                then 'interval_agreed'
                when visited_periods.child_id is null
                then 'event_not_supplied'
                else 'no_anchor'
            end as why_not_computable
        from periods
        left join
            placements
            on periods.child_id = placements.child_id
            and periods.period_number = placements.period_number
            and not periods.is_short_break
        left join
            visited_periods
            on periods.child_id = visited_periods.child_id
            and periods.is_short_break = visited_periods.is_short_break
            and periods.period_number = visited_periods.period_number
        where placements.child_id is null

    ),

    -- 6. The legal status of the day on which the clock starts
    legal_spells as (

        select records.child_id, spells.legal_status_code, spells.started_date, spells.ended_date
        from
            (
                select record_key, legal_status_code, started_date, ended_date
                from episodes
                where legal_status_code is not null
                union
                select record_key, legal_status_code, started_date, ended_date
                from legal_statuses
            ) as spells
        inner join records on spells.record_key = records.record_key

    ),

    legal_on_day as (

        select
            anchors.child_id,
            anchors.clock_start_date,
            legal_spells.legal_status_code,
            row_number() over (
                partition by anchors.child_id, anchors.clock_start_date
                order by legal_spells.started_date desc, legal_spells.legal_status_code
            ) as preference
        from (select distinct child_id, clock_start_date from anchors) as anchors
        inner join
            legal_spells
            on anchors.child_id = legal_spells.child_id
            and anchors.clock_start_date >= legal_spells.started_date
            and anchors.clock_start_date <= coalesce(legal_spells.ended_date, anchors.clock_start_date)

    ),

    -- 7. Which duty holds: a row of the variants with the legal status before one for any
    described as (

        select
            anchors.*,
            placements.record_key,
            placements.placement_id,
            placements.ended_date as placement_ended_date,
            placements.placement_type_code,
            placements.is_long_term,
            legal_on_day.legal_status_code,
            case
                when anchors.is_short_break
                then 'short_break'
                when placements.child_id is not null
                then coalesce(by_status.variant, by_type.variant, 'ordinary')
            end as visit_variant,
            coalesce(by_status.status, by_type.status) as variant_status,
            case
                when placements.first_review_date <= anchors.clock_start_date
                then coalesce(by_status.rule_id_after_review, by_type.rule_id_after_review)
                else coalesce(by_status.rule_id_to_review, by_type.rule_id_to_review)
            end as variant_rule_id,
            anchors.clock_start_date < placements.first_anniversary as is_first_year
        from anchors
        left join
            placements
            on anchors.child_id = placements.child_id
            and anchors.placement_started_date = placements.started_date
        left join
            legal_on_day
            on anchors.child_id = legal_on_day.child_id
            and anchors.clock_start_date = legal_on_day.clock_start_date
            and legal_on_day.preference = 1
        left join
            variants as by_status
            on placements.placement_type_code = by_status.placement_type_code
            and legal_on_day.legal_status_code = by_status.legal_status_code
        left join
            variants as by_type
            on placements.placement_type_code = by_type.placement_type_code
            and by_type.legal_status_code is null

    ),

    clocks as (

        select
            *,
            case
                when is_short_break
                then 'visit_short_breaks'
                when anchor_event = 'placement_start'
                then 'visit_first'
                when variant_rule_id is not null
                then variant_rule_id
                when is_first_year
                then 'visit_year1'
                when is_first_year is null
                then null
                when is_long_term
                then 'visit_later_longterm'
                else 'visit_later_other'
            end as rule_id
        from described

    ),

    due as ({{ clock_due_dates('clocks') }}),

    -- 8. A clock that runs when the placement ends is over with it
    judged as (

        select
            due.child_id,
            due.is_short_break,
            due.period_number,
            due.record_key,
            due.placement_id,
            due.placement_started_date,
            due.placement_ended_date,
            due.placement_type_code,
            due.is_long_term,
            due.legal_status_code,
            due.visit_variant,
            due.variant_status,
            due.is_first_year,
            cast(due.event_number as integer) as event_number,
            due.rule_id,
            due.rule_status,
            due.rule_source,
            due.is_local_rule,
            due.anchor_event,
            due.clock_start_date,
            due.due_date,
            held.visit_date as done_date,
            coalesce(
                due.why_not_computable,
                {{ clock_reason_without_due('due.clock_start_date', 'due.rule_source', 'due.due_date') }}
            ) as why_not_computable,
            case
                when
                    held.visit_date is null
                    and due.placement_ended_date is not null
                    and due.due_date is not null
                then 'ended'
                else {{ clock_status('due.due_date', 'held.visit_date') }}
            end as status,
            coalesce(held.visit_date, due.placement_ended_date, {{ as_of() }}) as judged_on_date,
            before_anchor.child_id is not null and due.event_number = 1 as has_event_before_anchor,
            due.anchor_delivery_id,
            held.delivery_id as done_delivery_id
        from due
        left join
            held
            on due.child_id = held.child_id
            and due.placement_started_date = held.placement_started_date
            and due.event_number = held.event_number
        left join
            before_anchor
            on due.child_id = before_anchor.child_id
            and due.placement_started_date = before_anchor.placement_started_date

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
