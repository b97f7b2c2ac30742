with

    periods as (select * from {{ ref('int_looked_after_periods') }} where is_counted),

    children as (select * from {{ ref('int_clock_children') }}),

    health_care as (select * from {{ ref('int_looked_after_health_care') }}),

    assessments as (select * from {{ ref('looked_after_health_assessments') }}),

    events as (select * from {{ ref('int_health_events') }}),

    flag_rows as (select * from {{ ref('stg_social_care__health_flags') }}),

    appointments as (select * from {{ ref('int_appointments') }} where service_group = 'camhs'),

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    rules as (select * from {{ ref('int_rules_in_force') }}),

    labels as (select * from {{ ref('status_labels') }}),

    -- 1. The open health assessment, as looked_after_health_assessments has it
    open_assessments as (

        select
            *,
            row_number() over (partition by child_id order by assessment_number desc) as newest
        from assessments
        where done_date is null

    ),

    -- 2. Strengths and difficulties: the newest questionnaire or yearly score, by either agency
    scores as (

        select
            records.child_id,
            flag_rows.period_end_date,
            flag_rows.sdq_score,
            flag_rows.sdq_reason_code,
            flag_rows.delivery_id,
            row_number() over (
                partition by records.child_id
                order by flag_rows.period_end_date desc, flag_rows.sdq_score, flag_rows.record_key
            ) as newest
        from flag_rows
        inner join records on flag_rows.record_key = records.record_key
        where
            flag_rows.period_end_date <= {{ as_of() }}
            and (flag_rows.sdq_score is not null or flag_rows.sdq_reason_code is not null)

    ),

    taken as (

        select child_id, event_date as sdq_date, 'questionnaire' as sdq_evidence
        from events
        where event_kind = 'sdq' and event_status = 'completed' and event_date <= {{ as_of() }}

        union all

        select child_id, period_end_date as sdq_date, 'yearly_return' as sdq_evidence
        from scores
        where sdq_score is not null

    ),

    newest_taken as (

        select
            *,
            row_number() over (partition by child_id order by sdq_date desc, sdq_evidence) as newest
        from taken

    ),

    -- From when the rules ask for it: so long looked after and old enough, until the birthday after the
    -- last age
    qualifying as (

        select
            periods.child_id,
            newest_taken.sdq_date,
            newest_taken.sdq_evidence,
            {{ clock_add('periods.started_date', 'long_rule.rule_unit', 'long_rule.rule_value') }}
            as long_enough_date,
            {{ clock_add('children.birth_date', 'min_rule.rule_unit', 'min_rule.rule_value') }}
            as old_enough_date,
            {{ clock_add('children.birth_date', 'max_rule.rule_unit', '(max_rule.rule_value + 1)') }}
            as too_old_date,
            children.birth_date
        from periods
        left join children on periods.child_id = children.child_id
        left join newest_taken on periods.child_id = newest_taken.child_id and newest_taken.newest = 1
        left join rules as long_rule on long_rule.rule_id = 'sdq_qualifying_period'
        left join rules as min_rule on min_rule.rule_id = 'sdq_age_min'
        left join rules as max_rule on max_rule.rule_id = 'sdq_age_max'

    ),

    sdq_clocks as (

        select
            child_id,
            sdq_date,
            sdq_evidence,
            birth_date,
            coalesce(
                long_enough_date <= {{ as_of() }}
                and old_enough_date <= {{ as_of() }}
                and too_old_date > {{ as_of() }},
                false
            ) as is_asked_for,
            'sdq_collection_interval' as rule_id,
            coalesce(
                sdq_date,
                case when long_enough_date > old_enough_date then long_enough_date else old_enough_date end
            ) as clock_start_date
        from qualifying

    ),

    sdq_due as ({{ clock_due_dates('sdq_clocks') }}),

    sdq as (

        select
            *,
            case
                when rule_source is null
                then 'no_rule'
                when birth_date is null
                then 'no_birth_date'
                when is_asked_for
                then {{ clock_reason_without_due('clock_start_date', 'rule_source', 'due_date') }}
            end as why_not_computable
        from sdq_due

    ),

    sdq_judged as (

        select
            *,
            case
                when why_not_computable is not null or is_asked_for
                then {{ clock_status('due_date', 'cast(null as date)', not_computable='why_not_computable') }}
            end as status
        from sdq

    ),

    -- 3. Waiting for CAMHS: made and still to come, since it was first made; who has been seen since waits
    -- no more
    camhs_seen as (

        select child_id, max(starts_at) as seen_at
        from appointments
        where outcome = 'attended'
        group by child_id

    ),

    camhs as (

        select
            appointments.child_id,
            min(case when appointments.outcome = 'booked' then appointments.appointment_date end) as next_date,
            min(appointments.made_date) as since_date,
            cast(count(case when appointments.outcome = 'missed' then 1 end) as integer) as missed,
            max(appointments.delivery_ids) as delivery_ids
        from appointments
        left join camhs_seen on appointments.child_id = camhs_seen.child_id
        where
            appointments.outcome != 'cancelled'
            and (camhs_seen.seen_at is null or appointments.starts_at > camhs_seen.seen_at)
        group by appointments.child_id

    ),

    -- 4. The deliveries behind the row: those of the period, the open assessment, the score and CAMHS
    rows_behind as (

        select
            periods.child_id,
            periods.delivery_ids
            || coalesce(',' || open_assessments.source_delivery_ids, '')
            || coalesce(',' || scores.delivery_id, '')
            || coalesce(',' || camhs.delivery_ids, '') as delivery_ids
        from periods
        left join
            open_assessments on periods.child_id = open_assessments.child_id and open_assessments.newest = 1
        left join scores on periods.child_id = scores.child_id and scores.newest = 1
        left join camhs on periods.child_id = camhs.child_id

    ),

    sources_of_row as (

        select child_id, {{ clock_distinct_list('delivery_id') }} as source_delivery_ids
        from (select child_id, {{ clock_split_list('delivery_ids') }} as delivery_id from rows_behind) as single
        group by child_id

    )

select
    periods.child_id,
    periods.record_key as council_record_key,
    periods.started_date as looked_after_since_date,
    periods.legal_status_code,
    open_assessments.kind as health_assessment_kind,
    open_assessments.due_date as health_assessment_due_date,
    open_assessments.status as health_assessment_status,
    open_assessments.rule_id as health_assessment_rule_id,
    open_assessments.rule_status as health_assessment_rule_status,
    health_care.dentist_seen_due_date,
    health_care.dentist_seen_date,
    health_care.dentist_seen_status,
    dentist_labels.label_en as dentist_seen_status_label_en,
    dentist_labels.label_cy as dentist_seen_status_label_cy,
    health_care.why_dentist_seen_not_computable,
    'dentist_seen' as dentist_seen_rule_id,
    health_care.dentist_seen_rule_status,
    health_care.last_dental_check_date,
    health_care.dental_check_due_date,
    children.dental_birthday <= {{ as_of() }} as is_dental_check_asked_for,
    health_care.is_dental_check_current,
    health_care.dental_flag_period_end_date,
    health_care.flag_dental_check_done,
    'dental_check_current' as dental_check_rule_id,
    health_care.dental_check_rule_status,
    periods.latest_stay_started_date as placement_started_date,
    health_care.gp_registration_due_date,
    health_care.gp_registered_date,
    health_care.gp_registration_status,
    gp_labels.label_en as gp_registration_status_label_en,
    gp_labels.label_cy as gp_registration_status_label_cy,
    'gp_registered' as gp_registration_rule_id,
    health_care.gp_registration_rule_status,
    health_care.is_immunisation_up_to_date,
    health_care.immunisation_status_date,
    health_care.immunisation_evidence,
    immunisation_labels.label_en as immunisation_evidence_label_en,
    immunisation_labels.label_cy as immunisation_evidence_label_cy,
    sdq_judged.sdq_date as last_sdq_date,
    coalesce(sdq_judged.sdq_evidence, 'none') as sdq_evidence,
    sdq_labels.label_en as sdq_evidence_label_en,
    sdq_labels.label_cy as sdq_evidence_label_cy,
    scores.sdq_score,
    scores.period_end_date as sdq_score_period_end_date,
    scores.sdq_reason_code,
    sdq_judged.is_asked_for as is_sdq_asked_for,
    case when sdq_judged.status is not null then sdq_judged.due_date end as sdq_due_date,
    sdq_judged.status as sdq_status,
    sdq_judged.why_not_computable as why_sdq_not_computable,
    sdq_judged.rule_id as sdq_rule_id,
    sdq_judged.rule_status as sdq_rule_status,
    camhs.next_date is not null as is_waiting_for_camhs,
    camhs.next_date as camhs_next_appointment_date,
    case when camhs.next_date is not null then camhs.since_date end as camhs_waiting_since_date,
    case
        when camhs.next_date is not null then {{ clock_days_between('camhs.since_date', as_of()) }}
    end as camhs_waiting_days,
    coalesce(camhs.missed, 0) as camhs_appointments_missed,
    -- No feed carries the actions of a health plan: of a FHIR CarePlan only its being there lands
    cast(null as integer) as health_plan_actions_open,
    'not_supplied' as why_health_plan_not_known,
    children.link_confidence,
    sources_of_row.source_delivery_ids,
    children.care_data_current_to as data_current_to,
    {{ as_of() }} as as_of_date
from periods
inner join sources_of_row on periods.child_id = sources_of_row.child_id
inner join sdq_judged on periods.child_id = sdq_judged.child_id
left join children on periods.child_id = children.child_id
left join health_care on periods.child_id = health_care.child_id
left join open_assessments on periods.child_id = open_assessments.child_id and open_assessments.newest = 1
left join scores on periods.child_id = scores.child_id and scores.newest = 1
left join camhs on periods.child_id = camhs.child_id
left join
    labels as dentist_labels
    on dentist_labels.code_set = 'clock_status'
    and health_care.dentist_seen_status = dentist_labels.code
left join
    labels as gp_labels
    on gp_labels.code_set = 'clock_status'
    and health_care.gp_registration_status = gp_labels.code
left join
    labels as immunisation_labels
    on immunisation_labels.code_set = 'immunisation_evidence'
    and health_care.immunisation_evidence = immunisation_labels.code
left join
    labels as sdq_labels
    on sdq_labels.code_set = 'sdq_evidence'
    and coalesce(sdq_judged.sdq_evidence, 'none') = sdq_labels.code
order by periods.child_id
