with

    review_steps as (select * from {{ ref('int_looked_after_review_steps') }}),

    visit_steps as (select * from {{ ref('int_looked_after_visit_steps') }}),

    periods as (select * from {{ ref('int_looked_after_periods') }}),

    children as (select * from {{ ref('int_clock_children') }}),

    records as (select record_key, system from {{ ref('int_record_children') }}),

    labels as (select * from {{ ref('status_labels') }}),

    -- 1. Reviews belong to a period, visits to a placement of it
    steps as (

        select
            child_id,
            is_short_break,
            period_number,
            'review' as event_kind,
            event_number,
            cast(null as varchar) as record_key,
            cast(null as varchar) as placement_id,
            cast(null as date) as placement_started_date,
            cast(null as date) as placement_ended_date,
            cast(null as varchar) as placement_type_code,
            cast(null as boolean) as is_long_term,
            cast(null as varchar) as legal_status_code,
            cast(null as varchar) as visit_variant,
            cast(null as varchar) as variant_status,
            cast(null as boolean) as is_first_year,
            rule_id,
            rule_status,
            rule_source,
            is_local_rule,
            anchor_event,
            clock_start_date,
            due_date,
            done_date,
            why_not_computable,
            status,
            days_late,
            has_event_before_anchor,
            anchor_delivery_id,
            done_delivery_id
        from review_steps

        union all

        select
            child_id,
            is_short_break,
            period_number,
            'visit' as event_kind,
            event_number,
            record_key,
            placement_id,
            placement_started_date,
            placement_ended_date,
            placement_type_code,
            is_long_term,
            legal_status_code,
            visit_variant,
            variant_status,
            is_first_year,
            rule_id,
            rule_status,
            rule_source,
            is_local_rule,
            anchor_event,
            clock_start_date,
            due_date,
            done_date,
            why_not_computable,
            status,
            days_late,
            has_event_before_anchor,
            anchor_delivery_id,
            done_delivery_id
        from visit_steps

    ),

    keyed as (

        select
            steps.*,
            steps.child_id
            || '|'
            || case when steps.is_short_break then 'short_break' else 'period' end
            || '|'
            || cast(steps.period_number as varchar)
            || '|'
            || steps.event_kind
            || '|'
            || coalesce(cast(steps.placement_started_date as varchar) || '|', '')
            || cast(steps.event_number as varchar) as due_event_key
        from steps

    ),

    -- 2. Where the facts of a row came from
    deliveries as (

        select keyed.due_event_key, {{ clock_split_list('periods.delivery_ids') }} as delivery_id
        from keyed
        inner join
            periods
            on keyed.child_id = periods.child_id
            and keyed.is_short_break = periods.is_short_break
            and keyed.period_number = periods.period_number

        union all

        select due_event_key, anchor_delivery_id as delivery_id
        from keyed
        where anchor_delivery_id is not null

        union all

        select due_event_key, done_delivery_id as delivery_id
        from keyed
        where done_delivery_id is not null

    ),

    sources_of_row as (

        select due_event_key, {{ clock_distinct_list('delivery_id') }} as source_delivery_ids
        from deliveries
        group by due_event_key

    ),

    assembled as (

        select
            keyed.due_event_key,
            keyed.child_id,
            records.system as council_system,
            coalesce(keyed.record_key, periods.record_key) as council_record_key,
            keyed.event_kind,
            kind_labels.label_en as event_kind_label_en,
            kind_labels.label_cy as event_kind_label_cy,
            keyed.event_number,
            periods.started_date as looked_after_since_date,
            periods.ended_date as looked_after_ended_date,
            periods.is_counted as is_looked_after,
            keyed.is_short_break,
            keyed.placement_id,
            keyed.placement_started_date,
            keyed.placement_ended_date,
            keyed.placement_type_code,
            keyed.is_long_term,
            coalesce(keyed.legal_status_code, periods.legal_status_code) as legal_status_code,
            keyed.visit_variant,
            variant_labels.label_en as visit_variant_label_en,
            variant_labels.label_cy as visit_variant_label_cy,
            keyed.variant_status,
            keyed.is_first_year,
            keyed.anchor_event,
            keyed.clock_start_date,
            keyed.due_date,
            keyed.done_date,
            keyed.status,
            status_labels.label_en as status_label_en,
            status_labels.label_cy as status_label_cy,
            keyed.why_not_computable,
            keyed.days_late,
            {{ clock_days_overdue('keyed.status', 'keyed.due_date') }} as days_overdue,
            keyed.has_event_before_anchor,
            keyed.rule_id,
            keyed.rule_status,
            keyed.rule_source,
            keyed.is_local_rule,
            children.link_confidence,
            sources_of_row.source_delivery_ids,
            children.social_care_data_current_to as data_current_to,
            {{ as_of() }} as as_of_date
        from keyed
        inner join
            periods
            on keyed.child_id = periods.child_id
            and keyed.is_short_break = periods.is_short_break
            and keyed.period_number = periods.period_number
        left join records on coalesce(keyed.record_key, periods.record_key) = records.record_key
        left join children on keyed.child_id = children.child_id
        left join sources_of_row on keyed.due_event_key = sources_of_row.due_event_key
        left join
            labels as kind_labels
            on keyed.event_kind = kind_labels.code
            and kind_labels.code_set = 'looked_after_due_event'
        left join
            labels as variant_labels
            on keyed.visit_variant = variant_labels.code
            and variant_labels.code_set = 'visit_variant'
        left join
            labels as status_labels
            on keyed.status = status_labels.code
            and status_labels.code_set = 'clock_status'

    )

select *
from assembled
order by due_event_key
