with

    referrals as (select * from {{ ref('int_referrals') }}),

    visits as (select * from {{ ref('int_referral_visits') }}),

    steps as (select * from {{ ref('int_referral_steps') }} where step = 'assessment'),

    calendar as (select calendar_date, working_day_number from {{ ref('int_working_calendar') }}),

    -- The rule on the decision has a name of its own in each jurisdiction; one of them is in force
    decision_rule as (

        select max(rule_id) as rule_id
        from {{ ref('int_rules_in_force') }}
        where rule_id in ('report_decision', 'referral_decision')

    ),

    -- 1. What the feed of a referral never sends cannot be missed
    feeds_with_decisions as (select distinct system, feed from referrals where decision_date is not null),

    feeds_with_assessments as (

        select distinct system, feed
        from {{ ref('stg_social_care__assessments') }}
        where completed_date is not null

    ),

    assessed as (select referral_key, min(completed_date) as completed_date from steps group by referral_key),

    -- 2. The clocks; all of them start when the referral is received
    clocks as (

        select
            referrals.referral_key,
            'decision' as clock,
            decision_rule.rule_id,
            referrals.referral_date as clock_start_date,
            referrals.decision_date as done_date,
            false as is_not_required,
            false as is_ended,
            case
                when referrals.decision_date is not null
                then null
                when
                    referrals.decision_code is not null
                    or referrals.is_no_further_action
                    or referrals.closed_date is not null
                then 'done_without_date'
                when feeds_with_decisions.feed is null
                then 'event_not_supplied'
            end as why_unknown
        from referrals
        cross join decision_rule
        left join
            feeds_with_decisions
            on referrals.system = feeds_with_decisions.system
            and referrals.feed = feeds_with_decisions.feed

        union all

        select
            referrals.referral_key,
            'visit_alert' as clock,
            'first_visit_alert' as rule_id,
            referrals.referral_date as clock_start_date,
            visits.first_seen_date as done_date,
            referrals.is_no_further_action or referrals.is_before_birth as is_not_required,
            referrals.closed_date is not null as is_ended,
            case when not visits.are_visits_supplied then 'event_not_supplied' end as why_unknown
        from referrals
        inner join visits on referrals.referral_key = visits.referral_key

        union all

        select
            referrals.referral_key,
            'assessment' as clock,
            'assessment_due' as rule_id,
            referrals.referral_date as clock_start_date,
            assessed.completed_date as done_date,
            referrals.is_no_further_action as is_not_required,
            referrals.closed_date is not null as is_ended,
            case when feeds_with_assessments.feed is null then 'event_not_supplied' end as why_unknown
        from referrals
        left join assessed on referrals.referral_key = assessed.referral_key
        left join
            feeds_with_assessments
            on referrals.system = feeds_with_assessments.system
            and referrals.feed = feeds_with_assessments.feed

    ),

    due as ({{ clock_due_dates('clocks') }}),

    -- 3. What is dated before the referral cannot have answered it
    reasoned as (

        select
            due.*,
            done_days.working_day_number - start_days.working_day_number as working_days,
            case
                when due.why_unknown is not null
                then due.why_unknown
                when due.done_date < due.clock_start_date
                then 'event_before_anchor'
                else {{ clock_reason_without_due('due.clock_start_date', 'due.rule_source', 'due.due_date') }}
            end as why_not_computable
        from due
        left join calendar as start_days on due.clock_start_date = start_days.calendar_date
        left join calendar as done_days on due.done_date = done_days.calendar_date

    )

select
    referral_key,
    clock,
    rule_id,
    rule_unit,
    rule_status,
    rule_source,
    is_local_rule,
    due_date,
    done_date,
    case when is_not_required then null else why_not_computable end as why_not_computable,
    case when done_date >= clock_start_date then working_days end as working_days,
    case
        when is_not_required
        then 'not_required'
        when why_not_computable is null and done_date is null and is_ended
        then 'ended'
        else {{ clock_status('due_date', 'done_date', not_computable='why_not_computable') }}
    end as status
from reasoned
