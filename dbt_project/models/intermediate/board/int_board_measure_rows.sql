with

    assessments as (

        select *, child_id || '|' || cast(assessment_number as varchar) as row_key
        from {{ ref('looked_after_health_assessments') }}

    ),

    register as (select * from {{ ref('register_reviews') }}),

    children as (select * from {{ ref('child_index') }}),

    -- A clock that cannot be worked out, was refused or ended is in no denominator; one that is still
    -- running is in none either, until its due day has passed
    united as (

        {{ measure_rows(
            'initial_health_assessment_in_time',
            'assessments',
            'row_key',
            "status = 'done_in_time'",
            condition="kind = 'initial' and status in ('done_in_time', 'done_late', 'overdue')",
            counted_on='due_date',
            rule_status='rule_status',
        ) }}
        union all
        {{ measure_rows(
            'review_health_assessment_in_time',
            'assessments',
            'row_key',
            "status = 'done_in_time'",
            condition="kind = 'review' and status in ('done_in_time', 'done_late', 'overdue')",
            counted_on='due_date',
            rule_status='rule_status',
        ) }}
        union all
        select
            'health_assessment_overdue' as measure_id,
            child_id as row_key,
            child_id,
            child_id as event_key,
            cast(null as date) as counted_date,
            max(case when status = 'overdue' then 1 else 0 end) = 1 as is_met,
            max(rule_status) as rule_status
        from assessments
        group by child_id
        union all
        {{ measure_rows(
            'initial_conference_in_time',
            'register',
            'registration_key',
            "conference_status = 'done_in_time'",
            condition="conference_status in ('done_in_time', 'done_late')",
            counted_on='conference_due_date',
            event_key='conference_key',
            rule_status='conference_rule_status',
        ) }}
        union all
        {{ measure_rows(
            'first_review_conference_in_time',
            'register',
            'registration_key',
            "first_review_status = 'done_in_time'",
            condition="first_review_status in ('done_in_time', 'done_late', 'overdue')",
            counted_on='first_review_due_date',
            event_key='conference_key',
            rule_status='rule_status',
        ) }}
        union all
        {{ measure_rows(
            'register_review_overdue',
            'register',
            'registration_key',
            "review_status = 'overdue'",
            condition='is_on_register',
            event_key='conference_key',
            rule_status='rule_status',
        ) }}
        union all
        {{ measure_rows(
            'long_on_register',
            'register',
            'registration_key',
            'long_register_alerts > 0',
            condition='is_on_register',
            event_key='conference_key',
            rule_status='band_rule_status',
        ) }}
        union all
        {{ measure_rows(
            're_registration',
            'register',
            'registration_key',
            'is_re_registration',
            counted_on='registered_date',
            event_key='conference_key',
            rule_status='re_registration_rule_status',
        ) }}
        union all
        {{ measure_rows(
            'nhs_number_verified',
            'children',
            'child_id',
            'is_nhs_number_verified',
            condition='social_care_person_ids is not null',
        ) }}
        union all
        {{ measure_rows('known_to_several_agencies', 'children', 'child_id', 'agencies_count > 1') }}

    )

select *
from united
