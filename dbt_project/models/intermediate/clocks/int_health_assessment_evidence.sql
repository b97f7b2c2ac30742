with

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    social_care_rows as (select * from {{ ref('stg_social_care__health_assessments') }}),

    health_rows as (select * from {{ ref('int_health_events') }}),

    same_event as (

        select coalesce(max(rule_value), 0) as days
        from {{ ref('int_rules_in_force') }}
        where rule_id = 'health_assessment_same_event'

    ),

    pair_window as (

        select coalesce(max(rule_value), 0) as days
        from {{ ref('int_rules_in_force') }}
        where rule_id = 'health_assessment_pair_window'

    ),

    -- 1. Completed assessments with a date on or before as_of, in the words of both agencies
    completed as (

        select
            records.child_id,
            'social_care' as agency,
            social_care_rows.assessment_kind as kind,
            social_care_rows.assessment_date as done_date,
            social_care_rows.assessor_role as done_by_role,
            social_care_rows.requested_date,
            social_care_rows.record_key,
            social_care_rows.delivery_id
        from social_care_rows
        inner join records on social_care_rows.record_key = records.record_key
        where
            social_care_rows.assessment_kind in ('initial', 'review')
            and social_care_rows.status = 'completed'
            and social_care_rows.assessment_date <= {{ as_of() }}

        union all

        select
            child_id,
            'health' as agency,
            case event_kind when 'initial_health_assessment' then 'initial' else 'review' end as kind,
            event_date as done_date,
            performer_role as done_by_role,
            null as requested_date,
            record_key,
            delivery_id
        from health_rows
        where
            event_kind in ('initial_health_assessment', 'review_health_assessment')
            and event_status = 'completed'
            and event_date <= {{ as_of() }}

    ),

    -- 2. Within one agency, rows a few days apart are one assessment, by its first date
    with_previous as (

        select
            completed.*,
            lag(done_date) over (
                partition by child_id, agency order by done_date, kind, record_key, delivery_id
            ) as previous_done_date
        from completed

    ),

    numbered as (

        select
            with_previous.*,
            sum(
                case
                    when with_previous.previous_done_date is null
                    then 1
                    when
                        {{ clock_days_between('with_previous.previous_done_date', 'with_previous.done_date') }}
                        > same_event.days
                    then 1
                    else 0
                end
            ) over (
                partition by with_previous.child_id, with_previous.agency
                order by
                    with_previous.done_date,
                    with_previous.kind,
                    with_previous.record_key,
                    with_previous.delivery_id
                rows between unbounded preceding and current row
            ) as event_number
        from with_previous
        cross join same_event

    ),

    events as (

        select
            child_id,
            agency,
            event_number,
            min(done_date) as done_date,
            min(kind) as kind,
            min(done_by_role) as done_by_role,
            min(requested_date) as requested_date,
            min(record_key) as record_key,
            {{ clock_distinct_list('delivery_id') }} as delivery_ids
        from numbered
        group by child_id, agency, event_number

    ),

    -- 3. The two agencies' events pair when each is the other's nearest: any kind within the same-
    -- event days, the same kind within the wider window
    candidates as (

        select
            social_care.child_id,
            social_care.event_number as social_care_event,
            health.event_number as health_event,
            abs({{ clock_days_between('social_care.done_date', 'health.done_date') }}) as days_apart
        from (select * from events where agency = 'social_care') as social_care
        inner join
            (select * from events where agency = 'health') as health on social_care.child_id = health.child_id
        cross join same_event
        cross join pair_window
        where
            abs({{ clock_days_between('social_care.done_date', 'health.done_date') }}) <= same_event.days
            or (
                social_care.kind = health.kind
                and abs({{ clock_days_between('social_care.done_date', 'health.done_date') }})
                <= pair_window.days
            )

    ),

    ranked as (

        select
            *,
            row_number() over (
                partition by child_id, social_care_event order by days_apart, health_event
            ) as social_care_rank,
            row_number() over (
                partition by child_id, health_event order by days_apart, social_care_event
            ) as health_rank
        from candidates

    ),

    pairs as (select * from ranked where social_care_rank = 1 and health_rank = 1),

    -- 4. One row an assessment: pairs, then what only one agency has
    assembled as (

        select social_care.child_id, social_care.event_number as social_care_event, pairs.health_event
        from events as social_care
        left join
            pairs
            on social_care.child_id = pairs.child_id
            and social_care.event_number = pairs.social_care_event
        where social_care.agency = 'social_care'

        union all

        select health.child_id, null as social_care_event, health.event_number as health_event
        from events as health
        left join pairs on health.child_id = pairs.child_id and health.event_number = pairs.health_event
        where health.agency = 'health' and pairs.health_event is null

    ),

    -- 5. Health carried it out, so its date is the done date when both have one
    described as (

        select
            assembled.child_id,
            coalesce(health.done_date, social_care.done_date) as done_date,
            social_care.done_date as social_care_date,
            health.done_date as health_date,
            case
                when health.done_date is null
                then 'social_care_only'
                when social_care.done_date is null
                then 'health_only'
                when
                    abs({{ clock_days_between('social_care.done_date', 'health.done_date') }})
                    <= same_event.days
                then 'both_agree'
                else 'dates_differ'
            end as agreement,
            coalesce(health.kind, social_care.kind) as recorded_kind,
            coalesce(health.done_by_role, social_care.done_by_role) as done_by_role,
            social_care.requested_date,
            social_care.record_key as social_care_record_key,
            health.record_key as health_record_key,
            social_care.delivery_ids as social_care_delivery_ids,
            health.delivery_ids as health_delivery_ids
        from assembled
        cross join same_event
        left join
            events as social_care
            on assembled.child_id = social_care.child_id
            and assembled.social_care_event = social_care.event_number
            and social_care.agency = 'social_care'
        left join
            events as health
            on assembled.child_id = health.child_id
            and assembled.health_event = health.event_number
            and health.agency = 'health'

    )

select *
from described
