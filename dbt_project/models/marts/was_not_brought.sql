with

    appointments as (select * from {{ ref('int_appointments') }}),

    encounters as (select * from {{ ref('stg_health_fhir__encounters') }}),

    visits as (select * from {{ ref('stg_health_adt__attendances') }}),

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    events as (select * from {{ ref('int_health_events') }}),

    involvement as (select * from {{ ref('int_social_care_involvement') }}),

    children as (select * from {{ ref('int_clock_children') }}),

    rules as (select * from {{ ref('int_rules_in_force') }}),

    labels as (select * from {{ ref('status_labels') }}),

    missed as (select * from appointments where outcome = 'missed'),

    -- 1. What happened to the child in order. A kept appointment ends a run of missed ones, and so does
    -- another sign that the child was seen by arrangement; an emergency attendance does not
    happenings as (

        select child_id, starts_at as happened_at, outcome as happening, appointment_key
        from appointments
        where outcome in ('missed', 'attended', 'unknown')

        union all

        select records.child_id, encounters.started_at, 'attended', cast(null as varchar)
        from encounters
        inner join records on encounters.record_key = records.record_key
        where
            encounters.status = 'finished'
            and encounters.class_code = 'AMB'
            and not coalesce(encounters.is_emergency, false)

        union all

        select records.child_id, visits.attended_at, 'attended', cast(null as varchar)
        from visits
        inner join records on visits.record_key = records.record_key
        where visits.patient_class = 'O' and visits.trigger_event in ('A01', 'A03', 'A04')

    ),

    -- At the same moment the missed one comes first: being seen then ends the run
    runs as (

        select
            *,
            coalesce(
                sum(case when happening = 'attended' then 1 else 0 end) over (
                    partition by child_id
                    order by happened_at, case when happening = 'missed' then 0 else 1 end, appointment_key
                    rows between unbounded preceding and 1 preceding
                ),
                0
            ) as run_number
        from happenings
        where happened_at is not null

    ),

    in_runs as (

        select
            appointment_key,
            happening,
            cast(
                sum(case when happening = 'missed' then 1 else 0 end) over (
                    partition by child_id, run_number
                    order by happened_at, appointment_key
                    rows between unbounded preceding and current row
                ) as integer
            ) as missed_in_a_row,
            cast(
                sum(case when happening = 'unknown' then 1 else 0 end) over (
                    partition by child_id, run_number
                    order by happened_at, appointment_key
                    rows between unbounded preceding and current row
                ) as integer
            ) as unknown_in_between
        from runs

    ),

    -- 2. How many were missed in the time up to it, itself included
    window_clocks as (

        select
            appointment_key,
            child_id,
            starts_at,
            'was_not_brought_window' as rule_id,
            appointment_date as clock_start_date
        from missed

    ),

    window_due as ({{ clock_due_dates('window_clocks') }}),

    in_window as (

        select
            missed.appointment_key,
            cast(count(earlier.appointment_key) as integer) as missed_in_window,
            max(earlier.rule_id) as window_rule_id,
            max(earlier.rule_status) as window_rule_status
        from missed
        inner join
            window_due as earlier
            on missed.child_id = earlier.child_id
            and missed.starts_at >= earlier.starts_at
            and missed.appointment_date <= earlier.due_date
        group by missed.appointment_key

    ),

    -- 3. What the policy asks for: a review from so many missed in a row, a discussion from so many more
    asked as (

        select
            missed.appointment_key,
            missed.child_id,
            missed.appointment_date as clock_start_date,
            'was_not_brought_review' as action_kind,
            'was_not_brought_review_by' as rule_id
        from missed
        inner join in_runs on missed.appointment_key = in_runs.appointment_key
        inner join
            rules on rules.rule_id = 'was_not_brought_review' and in_runs.missed_in_a_row >= rules.rule_value

        union all

        select
            missed.appointment_key,
            missed.child_id,
            missed.appointment_date as clock_start_date,
            'was_not_brought_discussion' as action_kind,
            'was_not_brought_discussion_by' as rule_id
        from missed
        inner join in_runs on missed.appointment_key = in_runs.appointment_key
        inner join
            rules
            on rules.rule_id = 'was_not_brought_discussion'
            and in_runs.missed_in_a_row >= rules.rule_value

    ),

    asked_due as ({{ clock_due_dates('asked') }}),

    actions as (

        select child_id, event_kind, event_date
        from events
        where
            event_kind in ('was_not_brought_review', 'was_not_brought_discussion')
            and event_status = 'completed'
            and event_date <= {{ as_of() }}

    ),

    -- A feed that never tells of such actions says nothing about whether they were done
    supplied as (select event_kind, count(*) as actions_known from actions group by event_kind),

    done as (

        select
            asked_due.appointment_key,
            asked_due.action_kind,
            asked_due.due_date,
            asked_due.rule_id,
            asked_due.rule_status,
            max(supplied.actions_known) as actions_known,
            max(
                {{ clock_reason_without_due(
                    'asked_due.clock_start_date', 'asked_due.rule_source', 'asked_due.due_date'
                ) }}
            ) as reason_without_due,
            min(actions.event_date) as done_date
        from asked_due
        left join supplied on asked_due.action_kind = supplied.event_kind
        left join
            actions
            on asked_due.child_id = actions.child_id
            and asked_due.action_kind = actions.event_kind
            and actions.event_date >= asked_due.clock_start_date
        group by
            asked_due.appointment_key,
            asked_due.action_kind,
            asked_due.due_date,
            asked_due.rule_id,
            asked_due.rule_status

    ),

    judged as (

        select
            *,
            case
                when reason_without_due is not null
                then reason_without_due
                when actions_known is null
                then 'not_supplied'
            end as why_not_computable,
            {{ clock_status(
                'due_date', 'done_date',
                not_computable="case when actions_known is null then 'not_supplied' end"
            ) }} as status
        from done

    ),

    reviews as (select * from judged where action_kind = 'was_not_brought_review'),

    discussions as (select * from judged where action_kind = 'was_not_brought_discussion'),

    -- 4. What social care had open on the day
    known as (

        select
            missed.appointment_key,
            max(case when involvement.involvement = 'looked_after' then 1 else 0 end) = 1 as is_looked_after,
            max(case when involvement.involvement = 'on_register' then 1 else 0 end) = 1 as is_on_register,
            max(case when involvement.involvement is not null then 1 else 0 end)
            = 1 as is_known_to_social_care
        from missed
        left join
            involvement
            on missed.child_id = involvement.child_id
            and missed.appointment_date >= involvement.started_date
            and (involvement.ended_date is null or missed.appointment_date < involvement.ended_date)
        group by missed.appointment_key

    )

select
    missed.appointment_key,
    missed.child_id,
    missed.starts_at as missed_at,
    missed.appointment_date as missed_date,
    missed.service_code,
    missed.service_group,
    missed.reason_code,
    in_runs.missed_in_a_row,
    in_runs.unknown_in_between,
    in_window.missed_in_window,
    in_window.window_rule_id,
    in_window.window_rule_status,
    reviews.due_date as review_due_date,
    reviews.done_date as review_done_date,
    reviews.status as review_status,
    review_labels.label_en as review_status_label_en,
    review_labels.label_cy as review_status_label_cy,
    reviews.why_not_computable as why_review_not_computable,
    {{ clock_days_overdue('reviews.status', 'reviews.due_date') }} as review_days_overdue,
    reviews.rule_id as review_rule_id,
    reviews.rule_status as review_rule_status,
    discussions.due_date as discussion_due_date,
    discussions.done_date as discussion_done_date,
    discussions.status as discussion_status,
    discussion_labels.label_en as discussion_status_label_en,
    discussion_labels.label_cy as discussion_status_label_cy,
    discussions.why_not_computable as why_discussion_not_computable,
    {{ clock_days_overdue('discussions.status', 'discussions.due_date') }} as discussion_days_overdue,
    discussions.rule_id as discussion_rule_id,
    discussions.rule_status as discussion_rule_status,
    known.is_looked_after,
    known.is_on_register,
    known.is_known_to_social_care,
    missed.is_disputed,
    missed.reported_by,
    missed.record_key as source_record_key,
    children.link_confidence,
    missed.delivery_ids as source_delivery_ids,
    children.care_data_current_to as data_current_to,
    {{ as_of() }} as as_of_date
from missed
inner join in_runs on missed.appointment_key = in_runs.appointment_key and in_runs.happening = 'missed'
inner join known on missed.appointment_key = known.appointment_key
left join in_window on missed.appointment_key = in_window.appointment_key
left join children on missed.child_id = children.child_id
left join reviews on missed.appointment_key = reviews.appointment_key
left join discussions on missed.appointment_key = discussions.appointment_key
left join
    labels as review_labels on review_labels.code_set = 'clock_status' and reviews.status = review_labels.code
left join
    labels as discussion_labels
    on discussion_labels.code_set = 'clock_status'
    and discussions.status = discussion_labels.code
order by missed.appointment_key
