with

    events as (select * from {{ ref('int_child_events') }} where is_signal),

    children as (

        select child_id, is_looked_after, is_on_register, link_confidence, data_current_to
        from {{ ref('child_index') }}

    ),

    rules as (select * from {{ ref('int_rules_in_force') }}),

    independent_rule as (select rule_value, rule_status from rules where rule_id = 'signal_agencies_least'),

    -- 1. The windows, each a rule; all end on as_of
    windows as (

        select
            rule_id as window_rule_id,
            rule_status as window_rule_status,
            {{ clock_add(as_of(), 'rule_unit', '-rule_value') }} as window_after_date
        from rules
        where rule_id in ('signal_window_short', 'signal_window_long')

    ),

    -- 2. A signal belongs to the agency that raised it: a referral that the police made is no second
    -- agency beside the notification it came from. Nobody's agency (the public, housing) is kept in the
    -- list and not counted
    placed as (

        select
            windows.window_rule_id,
            windows.window_rule_status,
            windows.window_after_date,
            events.child_id,
            events.event_key,
            events.event_type,
            events.event_date,
            events.raised_by,
            case
                when events.raised_by in ('social_care', 'health', 'education', 'police')
                then events.raised_by
            end as counted_agency,
            events.delivery_id,
            events.link_confidence
        from events
        inner join windows on events.event_date > windows.window_after_date

    ),

    grouped as (

        select
            child_id,
            window_rule_id,
            window_rule_status,
            window_after_date,
            cast(count(*) as integer) as signals_count,
            cast(count(distinct event_type) as integer) as signal_kinds_count,
            cast(count(distinct counted_agency) as integer) as agencies_count,
            {{ clock_distinct_list('counted_agency') }} as agencies,
            {{ clock_distinct_list(
            "cast(event_date as varchar) || ' ' || raised_by || ' ' || event_type"
        ) }} as signals,
            {{ clock_distinct_list('event_key') }} as signal_event_keys,
            cast(count(case when raised_by = 'social_care' then 1 end) as integer) as social_care_signals,
            cast(count(case when raised_by = 'health' then 1 end) as integer) as health_signals,
            cast(count(case when raised_by = 'education' then 1 end) as integer) as education_signals,
            cast(count(case when raised_by = 'police' then 1 end) as integer) as police_signals,
            cast(
                count(
                    case when raised_by not in ('social_care', 'health', 'education', 'police') then 1 end
                ) as integer
            ) as other_signals,
            max(case when raised_by = 'social_care' then event_date end) as last_social_care_signal_date,
            max(case when raised_by = 'health' then event_date end) as last_health_signal_date,
            max(case when raised_by = 'education' then event_date end) as last_education_signal_date,
            max(case when raised_by = 'police' then event_date end) as last_police_signal_date,
            min(event_date) as first_signal_date,
            max(event_date) as last_signal_date,
            {{ clock_distinct_list('delivery_id') }} as source_delivery_ids,
            min(link_confidence) as link_confidence
        from placed
        group by child_id, window_rule_id, window_rule_status, window_after_date

    ),

    assembled as (

        select
            grouped.child_id || '|' || grouped.window_rule_id as signal_window_key,
            grouped.child_id,
            grouped.window_rule_id,
            grouped.window_after_date,
            {{ as_of() }} as window_end_date,
            grouped.agencies_count,
            grouped.agencies_count >= independent_rule.rule_value as is_multi_agency,
            grouped.agencies,
            grouped.signals_count,
            grouped.signal_kinds_count,
            grouped.signals,
            grouped.signal_event_keys,
            grouped.social_care_signals,
            grouped.health_signals,
            grouped.education_signals,
            grouped.police_signals,
            grouped.other_signals,
            grouped.last_social_care_signal_date,
            grouped.last_health_signal_date,
            grouped.last_education_signal_date,
            grouped.last_police_signal_date,
            grouped.first_signal_date,
            grouped.last_signal_date,
            children.is_looked_after,
            children.is_on_register,
            grouped.window_rule_status as rule_status,
            independent_rule.rule_status as agencies_rule_status,
            grouped.link_confidence,
            grouped.source_delivery_ids,
            children.data_current_to,
            {{ as_of() }} as as_of_date
        from grouped
        inner join children on grouped.child_id = children.child_id
        cross join independent_rule

    )

select *
from assembled
order by signal_window_key
