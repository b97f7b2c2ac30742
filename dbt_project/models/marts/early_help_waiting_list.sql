with

    requests as (select * from {{ ref('int_early_help_requests') }}),

    children as (select * from {{ ref('int_clock_children') }}),

    calendar as (select calendar_date, working_day_number from {{ ref('int_working_calendar') }}),

    labels as (select code_set, code, label_en, label_cy from {{ ref('status_labels') }}),

    -- 1. The wait: until a worker was found, else until it was closed, else until today
    clocks as (

        select
            requests.*,
            'early_help_allocation' as rule_id,
            requests.requested_date as clock_start_date,
            coalesce(requests.allocated_date, requests.started_date) as found_date,
            coalesce(
                requests.allocated_date, requests.started_date, requests.closed_date, {{ as_of() }}
            ) as wait_ended_date,
            case
                when requests.closed_date is not null and requests.started_date is null
                then 'closed_without_service'
                when requests.closed_date is not null
                then 'closed_after_service'
                when requests.started_date is not null
                then 'started'
                when requests.allocated_date is not null
                then 'allocated'
                else 'waiting'
            end as state
        from requests

    ),

    due as ({{ clock_due_dates('clocks') }}),

    -- 2. A rule without a number judges nobody; what is dated before the request has not ended its
    -- wait
    reasoned as (

        select
            due.*,
            coalesce(
                due.wait_ended_date < due.requested_date or due.started_date < due.requested_date, false
            ) as has_event_before_anchor,
            case
                when due.found_date < due.requested_date
                then 'event_before_anchor'
                when due.rule_source is not null and due.rule_value is null
                then 'no_number'
                else {{ clock_reason_without_due('due.clock_start_date', 'due.rule_source', 'due.due_date') }}
            end as why_not_computable
        from due

    ),

    events as (

        select request_event_key, cast(count(distinct child_id) as integer) as children_in_request
        from requests
        group by request_event_key

    ),

    assembled as (

        select
            reasoned.request_key,
            reasoned.child_id,
            reasoned.request_event_key,
            events.children_in_request,
            reasoned.reported_by,
            reported_labels.label_en as reported_by_label_en,
            reported_labels.label_cy as reported_by_label_cy,
            reasoned.system as early_help_system,
            reasoned.record_key as early_help_record_key,
            reasoned.early_help_id,
            reasoned.council_system,
            reasoned.council_record_key,
            reasoned.case_early_help_id,
            reasoned.do_dates_differ,
            reasoned.team,
            reasoned.ward,
            reasoned.request_source,
            reasoned.requested_date,
            reasoned.allocated_date,
            reasoned.started_date,
            reasoned.closed_date,
            reasoned.outcome_code,
            reasoned.state,
            state_labels.label_en as state_label_en,
            state_labels.label_cy as state_label_cy,
            reasoned.state = 'waiting' as is_waiting,
            case
                when not reasoned.has_event_before_anchor
                then {{ clock_days_between('reasoned.requested_date', 'reasoned.wait_ended_date') }}
            end as waiting_days,
            case
                when not reasoned.has_event_before_anchor
                then end_days.working_day_number - request_days.working_day_number
            end as waiting_working_days,
            case
                when not reasoned.has_event_before_anchor
                then {{ clock_days_between('reasoned.requested_date', 'reasoned.started_date') }}
            end as days_to_start,
            case
                when not reasoned.has_event_before_anchor
                then start_days.working_day_number - request_days.working_day_number
            end as working_days_to_start,
            reasoned.due_date as allocation_due_date,
            case
                when
                    reasoned.why_not_computable is null
                    and reasoned.found_date is null
                    and reasoned.closed_date is not null
                then 'ended'
                else
                    {{ clock_status(
                    'reasoned.due_date', 'reasoned.found_date', not_computable='reasoned.why_not_computable'
                ) }}
            end as allocation_status,
            reasoned.why_not_computable as why_allocation_not_computable,
            reasoned.has_event_before_anchor,
            reasoned.rule_id,
            reasoned.rule_status,
            reasoned.rule_source,
            reasoned.is_local_rule,
            children.link_confidence,
            reasoned.source_delivery_ids,
            children.social_care_data_current_to as data_current_to,
            {{ as_of() }} as as_of_date
        from reasoned
        left join children on reasoned.child_id = children.child_id
        left join events on reasoned.request_event_key = events.request_event_key
        left join calendar as request_days on reasoned.requested_date = request_days.calendar_date
        left join calendar as end_days on reasoned.wait_ended_date = end_days.calendar_date
        left join calendar as start_days on reasoned.started_date = start_days.calendar_date
        left join
            labels as state_labels
            on state_labels.code_set = 'early_help_state'
            and reasoned.state = state_labels.code
        left join
            labels as reported_labels
            on reported_labels.code_set = 'reported_by'
            and reasoned.reported_by = reported_labels.code

    )

select *
from assembled
order by request_key
