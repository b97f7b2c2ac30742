with

    registrations as (select * from {{ ref('int_registrations') }}),

    children as (select * from {{ ref('int_clock_children') }}),

    review_steps as (select * from {{ ref('int_register_review_steps') }}),

    clocks as (select * from {{ ref('int_register_clocks') }}),

    lengths as (select * from {{ ref('int_register_lengths') }}),

    labels as (

        select code, label_en, label_cy from {{ ref('status_labels') }} where code_set = 'clock_status'

    ),

    re_registration_rule as (

        select rule_id, rule_unit, rule_value, rule_status
        from {{ ref('int_rules_in_force') }}
        where rule_id = 're_registration'

    ),

    -- 1. Reviews: the first, the last held, the next due, and the worst delay so far
    reviews as (

        select
            registration_key,
            cast(count(done_date) as integer) as reviews_held,
            cast(count(case when done_date > due_date then 1 end) as integer) as reviews_held_late,
            max(case when review_number = 1 then due_date end) as first_review_due_date,
            max(case when review_number = 1 then done_date end) as first_review_date,
            max(case when review_number = 1 then status end) as first_review_status,
            max(done_date) as last_review_date,
            max(case when done_date is null and status != 'ended' then due_date end) as next_review_due_date,
            max(case when done_date is null then status end) as review_status,
            max(case when done_date is null then why_not_computable end) as why_review_not_computable,
            max(days_late) as max_review_days_late,
            max(case when done_date is null then rule_id end) as review_rule_id,
            max(case when done_date is null then rule_status end) as review_rule_status,
            max(case when done_date is null then rule_source end) as review_rule_source,
            max(case when is_local_rule then 1 else 0 end) = 1 as is_local_review_rule,
            max(case when has_event_before_anchor then 1 else 0 end) = 1 as has_event_before_anchor
        from review_steps
        group by registration_key

    ),

    -- 2. The other clocks, one row each, side by side
    others as (

        select
            registration_key,
            max(case when clock = 'conference' then due_date end) as conference_due_date,
            max(case when clock = 'conference' then status end) as conference_status,
            max(case when clock = 'conference' then why_not_computable end) as why_conference_not_computable,
            max(case when clock = 'conference' then rule_id end) as conference_rule_id,
            max(case when clock = 'conference' then rule_status end) as conference_rule_status,
            max(case when clock = 'core_group_first' then due_date end) as first_core_group_due_date,
            max(case when clock = 'core_group_first' then done_date end) as first_core_group_date,
            max(case when clock = 'core_group_first' then status end) as first_core_group_status,
            max(case when clock = 'core_group' then times_done end) as core_groups_held,
            max(case when clock = 'core_group' then last_done_date end) as last_core_group_date,
            max(
                case when clock = 'core_group' and status != 'ended' then due_date end
            ) as next_core_group_due_date,
            max(case when clock = 'core_group' then status end) as core_group_status,
            max(case when clock = 'core_group' then rule_id end) as core_group_rule_id,
            max(case when clock = 'core_group' then rule_status end) as core_group_rule_status,
            max(case when clock = 'seen_alone' then last_done_date end) as last_seen_alone_date,
            max(
                case when clock = 'seen_alone' and status != 'ended' then due_date end
            ) as next_seen_alone_due_date,
            max(case when clock = 'seen_alone' then status end) as seen_alone_status,
            max(case when clock = 'seen_alone' then rule_id end) as seen_alone_rule_id,
            max(case when clock = 'seen_alone' then rule_status end) as seen_alone_rule_status,
            max(case when clock = 'seen_at_home' then last_done_date end) as last_seen_at_home_date,
            max(
                case when clock = 'seen_at_home' and status != 'ended' then due_date end
            ) as next_seen_at_home_due_date,
            max(case when clock = 'seen_at_home' then status end) as seen_at_home_status,
            max(case when clock = 'seen_at_home' then rule_id end) as seen_at_home_rule_id,
            max(case when clock = 'seen_at_home' then rule_status end) as seen_at_home_rule_status
        from clocks
        group by registration_key

    ),

    -- 3. How many children the same conference put on the register
    conferences as (

        select conference_key, cast(count(distinct child_id) as integer) as children_in_conference
        from registrations
        group by conference_key

    ),

    assembled as (

        select
            registrations.registration_key,
            registrations.child_id,
            registrations.system as council_system,
            registrations.record_key as council_record_key,
            registrations.registration_id,
            registrations.category_code,
            registrations.initial_category_code,
            registrations.registered_date,
            registrations.deregistered_date,
            registrations.deregistration_reason_code,
            registrations.deregistered_date is null as is_on_register,
            registrations.is_registered_before_birth,
            registrations.conference_date as initial_conference_date,
            registrations.conference_type as initial_conference_type,
            registrations.conference_outcome_code as initial_conference_outcome_code,
            registrations.strategy_discussion_date,
            others.conference_due_date,
            others.conference_status,
            others.why_conference_not_computable,
            registrations.review_anchor_event,
            registrations.review_anchor_date,
            reviews.first_review_due_date,
            reviews.first_review_date,
            reviews.first_review_status,
            reviews.reviews_held,
            reviews.reviews_held_late,
            reviews.last_review_date,
            reviews.next_review_due_date,
            reviews.review_status,
            labels.label_en as review_status_label_en,
            labels.label_cy as review_status_label_cy,
            reviews.why_review_not_computable,
            {{ clock_days_overdue('reviews.review_status', 'reviews.next_review_due_date') }}
            as review_days_overdue,
            reviews.max_review_days_late,
            coalesce(
                reviews.reviews_held = 1 and registrations.deregistered_date = reviews.first_review_date,
                false
            ) as is_deregistered_at_first_review,
            {{ clock_days_between(
            'registrations.registered_date', 'coalesce(registrations.deregistered_date, ' ~ as_of() ~ ')'
        ) }} as days_on_register,
            lengths.length_band,
            lengths.length_band_label_en,
            lengths.length_band_label_cy,
            lengths.long_register_alerts,
            registrations.previous_registered_date,
            registrations.previous_deregistered_date,
            registrations.registered_date
            <= {{ clock_add(
            'registrations.previous_deregistered_date', 're_registration_rule.rule_unit',
            're_registration_rule.rule_value'
        ) }} as is_re_registration,
            cast(registrations.previous_registrations as integer) as previous_registrations_reported,
            others.first_core_group_due_date,
            others.first_core_group_date,
            others.first_core_group_status,
            others.core_groups_held,
            others.last_core_group_date,
            others.next_core_group_due_date,
            others.core_group_status,
            others.last_seen_alone_date,
            others.next_seen_alone_due_date,
            others.seen_alone_status,
            others.last_seen_at_home_date,
            others.next_seen_at_home_due_date,
            others.seen_at_home_status,
            registrations.conference_key,
            conferences.children_in_conference,
            conferences.children_in_conference - 1 as siblings_in_conference,
            reviews.has_event_before_anchor,
            reviews.review_rule_id as rule_id,
            reviews.review_rule_status as rule_status,
            reviews.review_rule_source as rule_source,
            reviews.is_local_review_rule as is_local_rule,
            others.conference_rule_id,
            others.conference_rule_status,
            others.core_group_rule_id,
            others.core_group_rule_status,
            others.seen_alone_rule_id,
            others.seen_alone_rule_status,
            others.seen_at_home_rule_id,
            others.seen_at_home_rule_status,
            lengths.band_rule_id,
            lengths.band_rule_status,
            re_registration_rule.rule_status as re_registration_rule_status,
            children.link_confidence,
            registrations.source_delivery_ids,
            children.social_care_data_current_to as data_current_to,
            {{ as_of() }} as as_of_date
        from registrations
        left join children on registrations.child_id = children.child_id
        left join reviews on registrations.registration_key = reviews.registration_key
        left join others on registrations.registration_key = others.registration_key
        left join lengths on registrations.registration_key = lengths.registration_key
        left join conferences on registrations.conference_key = conferences.conference_key
        left join re_registration_rule on re_registration_rule.rule_id = 're_registration'
        left join labels on reviews.review_status = labels.code

    )

select *
from assembled
order by registration_key
