with

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    children as (select child_id, birth_date, expected_birth_date from {{ ref('int_clock_children') }}),

    referral_rows as (select * from {{ ref('stg_social_care__referrals') }}),

    -- A record that several feeds of one council describe is in one family all the same
    families as (

        select record_key, max(family_group_id) as family_group_id
        from {{ ref('stg_social_care__persons') }}
        group by record_key

    ),

    window_rule as (

        select rule_id, rule_unit, rule_value, rule_status
        from {{ ref('int_rules_in_force') }}
        where rule_id = 're_referral_window'

    ),

    -- 1. Referrals received by as_of; a decision or an end after it has not happened
    received as (

        select
            referral_rows.system
            || '|'
            || referral_rows.feed
            || '|'
            || referral_rows.referral_id as referral_key,
            referral_rows.referral_id,
            referral_rows.record_key,
            records.child_id,
            referral_rows.system,
            referral_rows.feed,
            referral_rows.delivery_id,
            referral_rows.referral_date,
            referral_rows.source_code,
            referral_rows.primary_need_code,
            case
                when referral_rows.decision_date <= {{ as_of() }} then referral_rows.decision_date
            end as decision_date,
            case
                when coalesce(referral_rows.decision_date, {{ as_of() }}) <= {{ as_of() }}
                then referral_rows.decision_code
            end as decision_code,
            case
                when coalesce(referral_rows.decision_date, {{ as_of() }}) <= {{ as_of() }}
                then coalesce(referral_rows.is_no_further_action, false)
                else false
            end as is_no_further_action,
            case
                when referral_rows.closed_date <= {{ as_of() }} then referral_rows.closed_date
            end as closed_date,
            case
                when referral_rows.closed_date <= {{ as_of() }} then referral_rows.closure_reason_code
            end as closure_reason_code
        from referral_rows
        inner join records on referral_rows.record_key = records.record_key
        where referral_rows.referral_date <= {{ as_of() }}

    ),

    -- 2. The referral before, of the same child to the same council: two on one day are no
    -- re-referral
    referral_days as (select distinct child_id, system, referral_date from received),

    previous as (

        select
            child_id,
            system,
            referral_date,
            lag(referral_date) over (
                partition by child_id, system order by referral_date
            ) as previous_referral_date
        from referral_days

    ),

    -- 3. The referral of a family is one event: same council, same day, same family, else the child's
    -- own
    described as (

        select
            received.*,
            received.system
            || '|'
            || coalesce('family|' || families.family_group_id, 'child|' || received.record_key)
            || '|'
            || cast(received.referral_date as varchar) as referral_event_key,
            coalesce(
                children.birth_date > received.referral_date, children.expected_birth_date is not null
            ) as is_before_birth,
            previous.previous_referral_date,
            received.referral_date
            <= {{ clock_add(
            'previous.previous_referral_date', 'window_rule.rule_unit', 'window_rule.rule_value'
        ) }} as is_re_referral,
            window_rule.rule_status as re_referral_rule_status
        from received
        left join families on received.record_key = families.record_key
        left join children on received.child_id = children.child_id
        left join
            previous
            on received.child_id = previous.child_id
            and received.system = previous.system
            and received.referral_date = previous.referral_date
        left join window_rule on window_rule.rule_id = 're_referral_window'

    )

select *
from described
