with

    events as (select * from {{ ref('int_child_events') }}),

    event_types as (select event_type, label_en, label_cy from {{ ref('event_types') }}),

    agencies as (select agency, label_en, label_cy from {{ ref('agencies') }}),

    feeds as (

        select agency, feed, system, max(as_at_date) as data_current_to
        from {{ ref('stg_landing__deliveries') }}
        where is_in_force
        group by agency, feed, system

    ),

    -- 1. Written down later than the rule allows
    clocks as (select event_key, event_date as clock_start_date, 'late_entry' as rule_id from events),

    due as ({{ clock_due_dates('clocks') }}),

    -- 2. The nearest record of the same kind of event by another agency: on the same day they agree, on
    -- another day within the window they conflict
    same_event_rule as (

        select rule_value, rule_unit, rule_status
        from {{ ref('int_rules_in_force') }}
        where rule_id = 'same_event_window'

    ),

    counterparts as (

        select
            events.event_key,
            others.agency as other_agency,
            others.event_date as other_event_date,
            row_number() over (
                partition by events.event_key
                order by
                    abs({{ clock_days_between('events.event_date', 'others.event_date') }}), others.event_key
            ) as preference
        from events
        inner join
            events as others
            on events.child_id = others.child_id
            and events.event_type = others.event_type
            and events.agency != others.agency
        cross join same_event_rule
        where
            others.event_date
            <= {{ clock_add(
            'events.event_date', 'same_event_rule.rule_unit', 'same_event_rule.rule_value'
        ) }}
            and events.event_date
            <= {{ clock_add(
            'others.event_date', 'same_event_rule.rule_unit', 'same_event_rule.rule_value'
        ) }}

    ),

    assembled as (

        select
            events.event_key,
            events.child_id,
            events.event_date,
            events.event_type,
            event_types.label_en as event_label_en,
            event_types.label_cy as event_label_cy,
            events.detail_code,
            events.agency,
            agencies.label_en as agency_label_en,
            agencies.label_cy as agency_label_cy,
            events.system as recorded_by_system,
            events.raised_by,
            events.recorded_date,
            {{ clock_days_between('events.event_date', 'events.recorded_date') }} as days_to_record,
            case
                when events.recorded_date is null then null else events.recorded_date > due.due_date
            end as is_late_entry,
            case
                when counterparts.other_event_date is null
                then 'one_agency'
                when counterparts.other_event_date = events.event_date
                then 'agencies_agree'
                else 'dates_differ'
            end as agreement,
            counterparts.other_agency,
            counterparts.other_event_date,
            events.confidentiality_class,
            events.is_signal,
            events.group_key,
            events.record_key as source_record_key,
            events.source_id as source_row_id,
            events.delivery_id as source_delivery_ids,
            events.source_file,
            events.row_number as source_row_number,
            due.rule_id as late_entry_rule_id,
            due.rule_status as late_entry_rule_status,
            same_event_rule.rule_status as same_event_rule_status,
            events.link_confidence,
            feeds.data_current_to,
            {{ as_of() }} as as_of_date
        from events
        inner join event_types on events.event_type = event_types.event_type
        inner join agencies on events.agency = agencies.agency
        inner join due on events.event_key = due.event_key
        cross join same_event_rule
        left join counterparts on events.event_key = counterparts.event_key and counterparts.preference = 1
        left join
            feeds
            on events.agency = feeds.agency
            and events.feed = feeds.feed
            and events.system = feeds.system

    )

select *
from assembled
order by child_id, event_date, event_key
