with

    clocks as (select * from {{ ref('int_health_assessment_clocks') }}),

    periods as (select * from {{ ref('int_looked_after_periods') }} where is_counted),

    children as (select * from {{ ref('int_clock_children') }}),

    health_care as (select * from {{ ref('int_looked_after_health_care') }}),

    records as (select record_key, system from {{ ref('persons') }}),

    labels as (

        select code, label_en, label_cy from {{ ref('status_labels') }} where code_set = 'clock_status'

    ),

    -- 1. The delivery behind the period, and those behind the evidence, as one list
    rows_behind as (

        select
            clocks.child_id,
            clocks.assessment_number,
            periods.delivery_ids
            || coalesce(',' || clocks.social_care_delivery_ids, '')
            || coalesce(',' || clocks.health_delivery_ids, '')
            || coalesce(',' || clocks.attempt_delivery_ids, '')
            || coalesce(',' || clocks.flag_delivery_ids, '') as delivery_ids
        from clocks
        inner join periods on clocks.child_id = periods.child_id

    ),

    sources_of_row as (

        select child_id, assessment_number, {{ clock_distinct_list('delivery_id') }} as source_delivery_ids
        from
            (
                select child_id, assessment_number, {{ clock_split_list('delivery_ids') }} as delivery_id
                from rows_behind
            ) as single
        group by child_id, assessment_number

    ),

    -- 2. The assessment with what else is known of the child's health care
    assembled as (

        select
            clocks.child_id,
            clocks.assessment_number,
            clocks.kind,
            clocks.recorded_kind,
            records.system as council_system,
            clocks.record_key as council_record_key,
            clocks.looked_after_since_date,
            periods.legal_status_code,
            periods.derived_from as looked_after_derived_from,
            clocks.anchor_event,
            clocks.clock_start_date,
            clocks.due_date,
            clocks.done_date,
            clocks.done_by_role,
            clocks.status,
            labels.label_en as status_label_en,
            labels.label_cy as status_label_cy,
            clocks.why_not_computable,
            clocks.days_overdue,
            clocks.working_days_overdue,
            clocks.social_care_status,
            clocks.social_care_date,
            clocks.health_status,
            clocks.health_date,
            clocks.agreement,
            clocks.refused_date,
            clocks.times_not_brought,
            clocks.last_not_brought_date,
            clocks.requested_date,
            clocks.booked_date,
            {{ clock_days_between('clocks.clock_start_date', 'clocks.requested_date') }} as request_lag_days,
            {{ clock_days_between('clocks.requested_date', 'clocks.done_date') }} as capacity_lag_days,
            clocks.flag_period_end_date,
            clocks.flag_health_assessment_done,
            clocks.has_event_before_anchor,
            health_care.last_dental_check_date,
            health_care.dental_check_due_date,
            health_care.is_dental_check_current,
            health_care.dental_flag_period_end_date,
            health_care.flag_dental_check_done,
            health_care.gp_registered_date,
            health_care.gp_registration_due_date,
            health_care.gp_registration_status,
            health_care.is_immunisation_up_to_date,
            health_care.immunisation_status_date,
            health_care.immunisation_evidence,
            clocks.rule_id,
            clocks.rule_status,
            clocks.rule_source,
            clocks.is_local_rule,
            children.link_confidence,
            sources_of_row.source_delivery_ids,
            children.care_data_current_to as data_current_to,
            {{ as_of() }} as as_of_date
        from clocks
        inner join periods on clocks.child_id = periods.child_id
        left join records on clocks.record_key = records.record_key
        left join children on clocks.child_id = children.child_id
        left join health_care on clocks.child_id = health_care.child_id
        left join
            sources_of_row
            on clocks.child_id = sources_of_row.child_id
            and clocks.assessment_number = sources_of_row.assessment_number
        left join labels on clocks.status = labels.code

    )

select *
from assembled
order by child_id, assessment_number
