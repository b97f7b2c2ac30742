with

    contacts as (select * from {{ ref('int_contacts') }}),

    referrals as (select * from {{ ref('int_referrals') }}),

    steps as (select * from {{ ref('int_referral_steps') }}),

    requests as (select * from {{ ref('int_early_help_requests') }}),

    registrations as (select * from {{ ref('int_registrations') }}),

    children as (select * from {{ ref('int_clock_children') }}),

    calendar as (select calendar_date, working_day_number from {{ ref('int_working_calendar') }}),

    labels as (select code_set, code, label_en, label_cy from {{ ref('status_labels') }}),

    rules as (select rule_id, rule_value, rule_status from {{ ref('int_rules_in_force') }}),

    -- 1. How far down the funnel: the referral of the contact and what followed it
    reached as (

        select
            referral_key,
            min(case when step = 'assessment' then step_date end) as assessment_started_date,
            min(case when step = 'strategy_discussion' then step_date end) as strategy_discussion_date,
            min(case when step = 'conference' then step_date end) as conference_date,
            min(case when step = 'registered' then step_date end) as registered_date
        from steps
        group by referral_key

    ),

    -- 2. The windows: up from early help after its decision, down after a referral was closed, the
    -- hub again
    clocks as (

        select
            contact_key,
            child_id,
            system,
            referral_key,
            'early_help_step_up_window' as rule_id,
            coalesce(decision_date, contact_date) as clock_start_date
        from contacts
        where route = 'early_help'

        union all

        select
            contacts.contact_key,
            contacts.child_id,
            contacts.system,
            contacts.referral_key,
            'early_help_step_down_window' as rule_id,
            referrals.closed_date as clock_start_date
        from contacts
        inner join referrals on contacts.referral_key = referrals.referral_key
        where referrals.closed_date is not null

        union all

        select
            contact_key,
            child_id,
            system,
            referral_key,
            'mash_nfa_repeat_window' as rule_id,
            contact_date as clock_start_date
        from contacts
        where route = 'mash' and is_no_further_action

    ),

    windows as ({{ clock_due_dates('clocks') }}),

    -- 3. Up: a referral or a strategy discussion of the child in the same council. A contact that was
    -- itself decided to
    -- be a referral did not go up by what followed
    raised as (

        select child_id, system, referral_key, referral_date, referral_date as raised_date
        from referrals

        union all

        select
            referrals.child_id,
            referrals.system,
            referrals.referral_key,
            referrals.referral_date,
            steps.step_date as raised_date
        from steps
        inner join referrals on steps.referral_key = referrals.referral_key
        where steps.step = 'strategy_discussion'

    ),

    ups as (

        select windows.contact_key, min(raised.raised_date) as step_up_date
        from windows
        inner join
            raised
            on windows.rule_id = 'early_help_step_up_window'
            and windows.child_id = raised.child_id
            and windows.system = raised.system
            and raised.raised_date > windows.clock_start_date
            and raised.raised_date <= windows.due_date
            and (
                windows.referral_key is null
                or windows.referral_key != raised.referral_key
                or raised.referral_date > windows.clock_start_date
            )
        group by windows.contact_key

    ),

    -- 4. Down: early help asked for, in whichever system
    downs as (

        select windows.contact_key, min(requests.requested_date) as step_down_date
        from windows
        inner join
            requests
            on windows.rule_id = 'early_help_step_down_window'
            and windows.child_id = requests.child_id
            and requests.requested_date between windows.clock_start_date and windows.due_date
        group by windows.contact_key

    ),

    -- 5. Signs of a wrong route: to early help while on a register, on the day of leaving it no
    -- longer;
    -- to the hub without action so many days within the window
    on_register as (

        select distinct contacts.contact_key
        from contacts
        inner join
            registrations
            on contacts.child_id = registrations.child_id
            and registrations.registered_date <= contacts.contact_date
            and (
                registrations.deregistered_date is null
                or contacts.contact_date < registrations.deregistered_date
            )

    ),

    repeats as (

        select
            here.contact_key,
            cast(count(distinct earlier.clock_start_date) as integer) as mash_without_action_days
        from windows as here
        inner join
            windows as earlier
            on here.rule_id = 'mash_nfa_repeat_window'
            and earlier.rule_id = 'mash_nfa_repeat_window'
            and here.child_id = earlier.child_id
            and here.clock_start_date between earlier.clock_start_date and earlier.due_date
        group by here.contact_key

    ),

    events as (

        select contact_event_key, cast(count(distinct child_id) as integer) as children_in_contact
        from contacts
        group by contact_event_key

    ),

    -- 6. The deliveries behind a row, as one list
    rows_behind as (

        select contact_key, delivery_id
        from contacts

        union all

        select contacts.contact_key, referrals.delivery_id
        from contacts
        inner join referrals on contacts.referral_key = referrals.referral_key

        union all

        select contacts.contact_key, steps.delivery_id
        from contacts
        inner join steps on contacts.referral_key = steps.referral_key

    ),

    sources_of_row as (

        select contact_key, {{ clock_distinct_list('delivery_id') }} as source_delivery_ids
        from rows_behind
        group by contact_key

    ),

    staged as (

        select
            contacts.*,
            referrals.referral_date,
            referrals.previous_referral_date,
            referrals.is_re_referral,
            reached.assessment_started_date,
            reached.strategy_discussion_date,
            reached.conference_date,
            reached.registered_date,
            case
                when reached.registered_date is not null
                then 'registered'
                when reached.conference_date is not null
                then 'conference'
                when reached.strategy_discussion_date is not null
                then 'strategy_discussion'
                when reached.assessment_started_date is not null
                then 'assessment'
                when contacts.referral_key is not null
                then 'referral'
                else 'contact'
            end as funnel_stage,
            coalesce(contacts.decision_date < contacts.contact_date, false) as has_event_before_anchor
        from contacts
        left join referrals on contacts.referral_key = referrals.referral_key
        left join reached on contacts.referral_key = reached.referral_key

    ),

    assembled as (

        select
            staged.contact_key,
            staged.child_id,
            staged.contact_event_key,
            events.children_in_contact,
            staged.system as council_system,
            staged.record_key as council_record_key,
            staged.contact_id,
            staged.contact_date,
            staged.source_code,
            staged.route,
            route_labels.label_en as route_label_en,
            route_labels.label_cy as route_label_cy,
            staged.outcome_code,
            staged.is_no_further_action,
            staged.decision_date,
            case
                when not staged.has_event_before_anchor
                then {{ clock_days_between('staged.contact_date', 'staged.decision_date') }}
            end as decision_days,
            case
                when not staged.has_event_before_anchor
                then decision_days.working_day_number - contact_days.working_day_number
            end as decision_working_days,
            staged.referral_key,
            staged.referral_date,
            staged.assessment_started_date,
            staged.strategy_discussion_date,
            staged.conference_date,
            staged.registered_date,
            staged.funnel_stage,
            stage_labels.label_en as funnel_stage_label_en,
            stage_labels.label_cy as funnel_stage_label_cy,
            staged.previous_referral_date,
            staged.is_re_referral,
            ups.step_up_date,
            downs.step_down_date,
            coalesce(staged.route = 'early_help', false)
            and on_register.contact_key is not null as is_early_help_on_register,
            coalesce(repeats.mash_without_action_days, 0) as mash_without_action_days,
            coalesce(
                repeats.mash_without_action_days >= repeat_rule.rule_value, false
            ) as is_repeat_without_action,
            staged.has_event_before_anchor,
            link_rule.rule_id as referral_rule_id,
            link_rule.rule_status as referral_rule_status,
            up_rule.rule_id as step_up_rule_id,
            up_rule.rule_status as step_up_rule_status,
            down_rule.rule_id as step_down_rule_id,
            down_rule.rule_status as step_down_rule_status,
            repeat_rule.rule_id as repeat_rule_id,
            repeat_rule.rule_status as repeat_rule_status,
            re_referral_rule.rule_status as re_referral_rule_status,
            children.link_confidence,
            sources_of_row.source_delivery_ids,
            children.social_care_data_current_to as data_current_to,
            {{ as_of() }} as as_of_date
        from staged
        left join children on staged.child_id = children.child_id
        left join events on staged.contact_event_key = events.contact_event_key
        left join sources_of_row on staged.contact_key = sources_of_row.contact_key
        left join calendar as contact_days on staged.contact_date = contact_days.calendar_date
        left join calendar as decision_days on staged.decision_date = decision_days.calendar_date
        left join ups on staged.contact_key = ups.contact_key
        left join downs on staged.contact_key = downs.contact_key
        left join on_register on staged.contact_key = on_register.contact_key
        left join repeats on staged.contact_key = repeats.contact_key
        left join rules as link_rule on link_rule.rule_id = 'contact_referral_window'
        left join rules as up_rule on up_rule.rule_id = 'early_help_step_up_window'
        left join rules as down_rule on down_rule.rule_id = 'early_help_step_down_window'
        left join rules as repeat_rule on repeat_rule.rule_id = 'mash_nfa_repeat'
        left join rules as re_referral_rule on re_referral_rule.rule_id = 're_referral_window'
        left join
            labels as route_labels
            on route_labels.code_set = 'contact_route'
            and staged.route = route_labels.code
        left join
            labels as stage_labels
            on stage_labels.code_set = 'funnel_stage'
            and staged.funnel_stage = stage_labels.code

    )

select *
from assembled
order by contact_key
