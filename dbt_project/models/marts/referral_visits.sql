with

    referrals as (select * from {{ ref('int_referrals') }}),

    visits as (select * from {{ ref('int_referral_visits') }}),

    clocks as (select * from {{ ref('int_referral_clocks') }}),

    steps as (select * from {{ ref('int_referral_steps') }} where step = 'assessment'),

    children as (select * from {{ ref('int_clock_children') }}),

    -- 1. The clocks, one row each, side by side
    side_by_side as (

        select
            referral_key,
            max(case when clock = 'decision' then due_date end) as decision_due_date,
            max(case when clock = 'decision' then status end) as decision_status,
            max(case when clock = 'decision' then why_not_computable end) as why_decision_not_computable,
            max(case when clock = 'decision' then working_days end) as decision_working_days,
            max(case when clock = 'decision' then rule_id end) as decision_rule_id,
            max(case when clock = 'decision' then rule_status end) as decision_rule_status,
            max(case when clock = 'visit_alert' then due_date end) as visit_alert_date,
            max(case when clock = 'visit_alert' then status end) as visit_alert_status,
            max(
                case when clock = 'visit_alert' then why_not_computable end
            ) as why_visit_alert_not_computable,
            max(case when clock = 'visit_alert' then rule_id end) as visit_alert_rule_id,
            max(case when clock = 'visit_alert' then rule_status end) as visit_alert_rule_status,
            max(case when clock = 'assessment' then due_date end) as assessment_due_date,
            max(case when clock = 'assessment' then done_date end) as assessment_date,
            max(case when clock = 'assessment' then status end) as assessment_status,
            max(case when clock = 'assessment' then why_not_computable end) as why_assessment_not_computable,
            max(case when clock = 'assessment' then working_days end) as assessment_working_days,
            max(case when clock = 'assessment' then rule_id end) as assessment_rule_id,
            max(case when clock = 'assessment' then rule_status end) as assessment_rule_status,
            max(case when why_not_computable = 'event_before_anchor' then 1 else 0 end)
            = 1 as has_event_before_anchor
        from clocks
        group by referral_key

    ),

    -- 2. How many children the same referral is about
    events as (

        select referral_event_key, cast(count(distinct child_id) as integer) as children_in_referral
        from referrals
        group by referral_event_key

    ),

    -- 3. The deliveries behind a row, as one list
    rows_behind as (

        select referral_key, delivery_id
        from referrals

        union all

        select referral_key, delivery_id
        from steps

        union all

        select referral_key, {{ clock_split_list('delivery_ids') }} as delivery_id
        from visits
        where delivery_ids is not null

    ),

    sources_of_row as (

        select referral_key, {{ clock_distinct_list('delivery_id') }} as source_delivery_ids
        from rows_behind
        group by referral_key

    ),

    assembled as (

        select
            referrals.referral_key,
            referrals.child_id,
            referrals.referral_event_key,
            events.children_in_referral,
            referrals.system as council_system,
            referrals.record_key as council_record_key,
            referrals.referral_id,
            referrals.referral_date,
            referrals.source_code,
            referrals.primary_need_code,
            referrals.is_before_birth as is_referred_before_birth,
            referrals.decision_date,
            referrals.decision_code,
            referrals.is_no_further_action,
            side_by_side.decision_due_date,
            side_by_side.decision_status,
            side_by_side.why_decision_not_computable,
            side_by_side.decision_working_days,
            visits.first_visit_date,
            visits.first_visit_working_days,
            visits.first_seen_date,
            visits.first_seen_working_days,
            visits.first_seen_alone_date,
            visits.first_seen_alone_working_days,
            visits.visits as referral_visits,
            visits.visit_band,
            visits.visit_band_label_en,
            visits.visit_band_label_cy,
            case
                when visits.visit_band = 'not_seen' then visits.waited_working_days
            end as not_seen_working_days,
            side_by_side.visit_alert_date,
            side_by_side.visit_alert_status,
            side_by_side.why_visit_alert_not_computable,
            side_by_side.assessment_due_date,
            side_by_side.assessment_date,
            side_by_side.assessment_status,
            side_by_side.why_assessment_not_computable,
            side_by_side.assessment_working_days,
            referrals.closed_date,
            referrals.closure_reason_code,
            referrals.previous_referral_date,
            referrals.is_re_referral,
            side_by_side.has_event_before_anchor,
            side_by_side.decision_rule_id,
            side_by_side.decision_rule_status,
            side_by_side.visit_alert_rule_id,
            side_by_side.visit_alert_rule_status,
            visits.band_rule_id,
            visits.band_rule_status,
            side_by_side.assessment_rule_id,
            side_by_side.assessment_rule_status,
            referrals.re_referral_rule_status,
            children.link_confidence,
            sources_of_row.source_delivery_ids,
            children.social_care_data_current_to as data_current_to,
            {{ as_of() }} as as_of_date
        from referrals
        left join children on referrals.child_id = children.child_id
        left join visits on referrals.referral_key = visits.referral_key
        left join side_by_side on referrals.referral_key = side_by_side.referral_key
        left join events on referrals.referral_event_key = events.referral_event_key
        left join sources_of_row on referrals.referral_key = sources_of_row.referral_key

    )

select *
from assembled
order by referral_key
