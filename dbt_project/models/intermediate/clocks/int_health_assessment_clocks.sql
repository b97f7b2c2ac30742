with

    steps as (select * from {{ ref('int_health_assessment_steps') }}),

    periods as (select * from {{ ref('int_looked_after_periods') }} where is_counted),

    attempts as (select * from {{ ref('int_health_assessment_attempts') }}),

    evidence as (select * from {{ ref('int_health_assessment_evidence') }}),

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    flag_rows as (select * from {{ ref('stg_social_care__health_flags') }}),

    flag_rule as (

        select rule_unit, rule_value from {{ ref('int_rules_in_force') }} where rule_id = 'health_flag_period'

    ),

    -- 1. Yearly answers: a yes from any council wins; the year is the one that ends on the period
    -- end
    flags as (

        select
            records.child_id,
            flag_rows.period_end_date,
            {{ clock_add_days(
            clock_add('flag_rows.period_end_date', 'flag_rule.rule_unit', '-flag_rule.rule_value'), '1'
        ) }} as period_start_date,
            max(case when flag_rows.health_assessment_done then 1 else 0 end) as is_yes,
            {{ clock_distinct_list('flag_rows.delivery_id') }} as delivery_ids
        from flag_rows
        inner join records on flag_rows.record_key = records.record_key
        cross join flag_rule
        where flag_rows.health_assessment_done is not null and flag_rows.period_end_date <= {{ as_of() }}
        group by 1, 2, 3

    ),

    -- 2. A yes is explained when an assessment with a date falls in its year; then it says nothing
    -- about another one
    explained as (

        select flags.child_id, flags.period_end_date
        from flags
        inner join
            evidence
            on flags.child_id = evidence.child_id
            and evidence.done_date between flags.period_start_date and flags.period_end_date
        group by flags.child_id, flags.period_end_date

    ),

    step_flags as (

        select
            steps.child_id,
            steps.assessment_number,
            flags.period_end_date,
            flags.is_yes = 1 as health_assessment_done,
            flags.delivery_ids,
            flags.is_yes = 1 and explained.child_id is null and steps.done_date is null as is_undated_yes,
            flags.is_yes = 0
            and steps.due_date between flags.period_start_date and flags.period_end_date as is_no_on_due_day,
            row_number() over (
                partition by steps.child_id, steps.assessment_number
                order by
                    case
                        when flags.is_yes = 1 and explained.child_id is null and steps.done_date is null
                        then 0
                        else 1
                    end,
                    case
                        when steps.due_date between flags.period_start_date and flags.period_end_date
                        then 0
                        else 1
                    end,
                    flags.period_end_date desc
            ) as preference
        from steps
        inner join
            flags on steps.child_id = flags.child_id and steps.clock_start_date <= flags.period_end_date
        left join
            explained
            on flags.child_id = explained.child_id
            and flags.period_end_date = explained.period_end_date

    ),

    flag_shown as (select * from step_flags where preference = 1),

    -- 3. Attempts belong to the first clock they fall into
    attempts_in_step as (

        select
            attempts.*,
            steps.assessment_number,
            steps.done_date,
            row_number() over (
                partition by
                    attempts.child_id,
                    attempts.agency,
                    attempts.outcome,
                    attempts.attempt_date,
                    attempts.record_key,
                    attempts.delivery_id,
                    attempts.requested_date,
                    attempts.booked_date,
                    attempts.offered_date
                order by steps.assessment_number
            ) as preference
        from attempts
        inner join
            steps
            on attempts.child_id = steps.child_id
            and attempts.attempt_date >= steps.clock_start_date
            and (steps.done_date is null or attempts.attempt_date <= steps.done_date)

    ),

    attempts_ranked as (

        select
            *,
            row_number() over (
                partition by child_id, assessment_number, agency
                order by attempt_date desc, outcome, record_key, delivery_id
            ) as newest_of_agency,
            row_number() over (
                partition by child_id, assessment_number
                order by attempt_date desc, case outcome when 'refused' then 0 else 1 end, agency, record_key
            ) as newest
        from attempts_in_step
        where preference = 1

    ),

    attempts_by_step as (

        select
            child_id,
            assessment_number,
            max(
                case when agency = 'social_care' and newest_of_agency = 1 then outcome end
            ) as social_care_outcome,
            max(
                case when agency = 'social_care' and newest_of_agency = 1 then attempt_date end
            ) as social_care_date,
            max(case when agency = 'health' and newest_of_agency = 1 then outcome end) as health_outcome,
            max(case when agency = 'health' and newest_of_agency = 1 then attempt_date end) as health_date,
            max(case when newest = 1 then outcome end) as newest_outcome,
            max(case when outcome = 'refused' then attempt_date end) as refused_date,
            max(case when outcome = 'not_brought' then attempt_date end) as last_not_brought_date,
            cast(
                count(distinct case when outcome = 'not_brought' then attempt_date end) as integer
            ) as times_not_brought,
            max(case when outcome = 'completed_undated' then 1 else 0 end) as has_undated_completion,
            min(booked_date) as booked_date,
            max(requested_date) as requested_date,
            {{ clock_distinct_list('delivery_id') }} as delivery_ids
        from attempts_ranked
        group by child_id, assessment_number

    ),

    -- 4. What the evidence allows to say; a silent source without dates is no evidence of absence
    weighed as (

        select
            steps.*,
            periods.record_key,
            periods.started_date as looked_after_since_date,
            attempts_by_step.newest_outcome = 'refused' and steps.done_date is null as is_refused,
            attempts_by_step.refused_date,
            attempts_by_step.last_not_brought_date,
            coalesce(attempts_by_step.times_not_brought, 0) as times_not_brought,
            attempts_by_step.booked_date,
            coalesce(steps.requested_date, attempts_by_step.requested_date) as first_requested_date,
            case
                when steps.social_care_date is not null
                then 'completed'
                else attempts_by_step.social_care_outcome
            end as social_care_status,
            coalesce(steps.social_care_date, attempts_by_step.social_care_date) as social_care_shown_date,
            case
                when steps.health_date is not null then 'completed' else attempts_by_step.health_outcome
            end as health_status,
            coalesce(steps.health_date, attempts_by_step.health_date) as health_shown_date,
            attempts_by_step.delivery_ids as attempt_delivery_ids,
            flag_shown.period_end_date as flag_period_end_date,
            flag_shown.health_assessment_done as flag_health_assessment_done,
            flag_shown.delivery_ids as flag_delivery_ids,
            case
                when steps.why_no_due_date is not null
                then steps.why_no_due_date
                when steps.done_date is not null
                then null
                when coalesce(attempts_by_step.has_undated_completion, 0) = 1
                then 'done_without_date'
                when coalesce(flag_shown.is_undated_yes, false)
                then 'yearly_flag_only'
                when attempts_by_step.newest_outcome = 'refused'
                then null
                when steps.due_date >= {{ as_of() }}
                then null
                when not periods.has_dated_assessments and not coalesce(flag_shown.is_no_on_due_day, false)
                then 'dates_not_supplied'
            end as why_not_computable
        from steps
        inner join periods on steps.child_id = periods.child_id
        left join
            attempts_by_step
            on steps.child_id = attempts_by_step.child_id
            and steps.assessment_number = attempts_by_step.assessment_number
        left join
            flag_shown
            on steps.child_id = flag_shown.child_id
            and steps.assessment_number = flag_shown.assessment_number

    ),

    judged as (

        select
            weighed.*,
            {{ clock_status(
            'weighed.due_date', 'weighed.done_date', 'coalesce(weighed.is_refused, false)',
            'weighed.why_not_computable'
        ) }} as status
        from weighed

    ),

    -- 5. How late, in calendar days, and in working days where the rule counts in them
    measured as (

        select
            judged.*,
            {{ clock_days_overdue('judged.status', 'judged.due_date') }} as days_overdue,
            case
                when judged.status = 'overdue' and judged.rule_unit = 'working_day'
                then today.working_day_number - due_day.working_day_number
            end as working_days_overdue
        from judged
        left join {{ ref('int_working_calendar') }} as due_day on judged.due_date = due_day.calendar_date
        left join {{ ref('int_working_calendar') }} as today on today.calendar_date = {{ as_of() }}

    )

select
    child_id,
    assessment_number,
    kind,
    recorded_kind,
    record_key,
    looked_after_since_date,
    anchor_event,
    clock_start_date,
    due_date,
    done_date,
    done_by_role,
    status,
    why_not_computable,
    days_overdue,
    working_days_overdue,
    agreement,
    social_care_status,
    social_care_shown_date as social_care_date,
    health_status,
    health_shown_date as health_date,
    refused_date,
    times_not_brought,
    last_not_brought_date,
    booked_date,
    first_requested_date as requested_date,
    flag_period_end_date,
    flag_health_assessment_done,
    has_event_before_anchor,
    rule_id,
    rule_unit,
    rule_status,
    rule_source,
    is_local_rule,
    social_care_delivery_ids,
    health_delivery_ids,
    attempt_delivery_ids,
    flag_delivery_ids
from measured
