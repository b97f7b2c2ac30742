with

    periods as (select * from {{ ref('int_looked_after_periods') }} where is_counted),

    children as (select * from {{ ref('int_clock_children') }}),

    evidence as (select * from {{ ref('int_health_assessment_evidence') }}),

    -- 1. The assessments of the period, in order; the first is the initial one whatever a source
    -- calls it
    in_period as (

        select
            periods.started_date,
            evidence.*,
            row_number() over (
                partition by evidence.child_id
                order by
                    evidence.done_date,
                    evidence.social_care_record_key nulls last,
                    evidence.health_record_key nulls last
            ) as assessment_number
        from periods
        inner join
            evidence on periods.child_id = evidence.child_id and periods.started_date <= evidence.done_date

    ),

    -- 2. What came before the period began and belongs to no earlier one: shown, never used
    before_anchor as (

        select distinct periods.child_id
        from periods
        inner join
            evidence
            on periods.child_id = evidence.child_id
            and periods.started_date > evidence.done_date
            and (periods.previous_ended_date is null or periods.previous_ended_date < evidence.done_date)

    ),

    -- 3. A clock for each assessment done, and one for the next; reviews are tried under both
    -- intervals
    clocks as (

        select
            periods.child_id,
            1 as assessment_number,
            'initial' as kind,
            'iha_due' as rule_id,
            'became_looked_after' as anchor_event,
            periods.started_date as clock_start_date
        from periods

        union all

        select
            in_period.child_id,
            in_period.assessment_number + 1 as assessment_number,
            'review' as kind,
            intervals.rule_id,
            'previous_health_assessment' as anchor_event,
            in_period.done_date as clock_start_date
        from in_period
        cross join
            (
                select 'rha_under5' as rule_id
                union all
                select 'rha_5plus' as rule_id
            ) as intervals

    ),

    due as ({{ clock_due_dates('clocks') }}),

    -- 4. The short interval holds when it ends before the birthday of the switch; without a birth
    -- date neither is known
    with_birthday as (

        select
            due.*,
            children.birth_date,
            children.switch_birthday,
            max(case when due.rule_id = 'rha_under5' then due.due_date end) over (
                partition by due.child_id, due.assessment_number
            ) as short_due_date
        from due
        left join children on due.child_id = children.child_id

    ),

    chosen as (

        select
            *,
            case
                when kind = 'initial'
                then null
                when birth_date is null
                then 'no_birth_date'
                when switch_birthday is null or short_due_date is null
                then 'no_rule'
            end as why_no_interval
        from with_birthday
        where
            kind = 'initial'
            or rule_id = case when short_due_date < switch_birthday then 'rha_under5' else 'rha_5plus' end

    ),

    -- 5. Put the evidence beside its clock
    joined as (

        select
            chosen.child_id,
            cast(chosen.assessment_number as integer) as assessment_number,
            chosen.kind,
            case when chosen.why_no_interval is null then chosen.rule_id end as rule_id,
            chosen.anchor_event,
            chosen.clock_start_date,
            case when chosen.why_no_interval is null then chosen.rule_unit end as rule_unit,
            case when chosen.why_no_interval is null then chosen.rule_status end as rule_status,
            case when chosen.why_no_interval is null then chosen.rule_source end as rule_source,
            case when chosen.why_no_interval is null then chosen.is_local_rule end as is_local_rule,
            case when chosen.why_no_interval is null then chosen.due_date end as due_date,
            coalesce(
                chosen.why_no_interval,
                {{ clock_reason_without_due('chosen.clock_start_date', 'chosen.rule_source', 'chosen.due_date') }}
            ) as why_no_due_date,
            in_period.done_date,
            in_period.done_by_role,
            in_period.recorded_kind,
            in_period.social_care_date,
            in_period.health_date,
            coalesce(in_period.agreement, 'none') as agreement,
            in_period.requested_date,
            in_period.social_care_record_key,
            in_period.health_record_key,
            in_period.social_care_delivery_ids,
            in_period.health_delivery_ids,
            chosen.assessment_number = 1 and before_anchor.child_id is not null as has_event_before_anchor
        from chosen
        left join
            in_period
            on chosen.child_id = in_period.child_id
            and chosen.assessment_number = in_period.assessment_number
        left join before_anchor on chosen.child_id = before_anchor.child_id

    )

select *
from joined
