with

    contacts as (select * from {{ ref('stg_social_care__contacts') }}),

    referrals as (

        select referrals.*, coalesce(sources.raised_by, 'other') as raised_by
        from {{ ref('stg_social_care__referrals') }} as referrals
        left join {{ ref('referral_sources') }} as sources on referrals.source_code = sources.source_code

    ),

    assessments as (select * from {{ ref('stg_social_care__assessments') }}),

    visits as (select * from {{ ref('stg_social_care__visits') }}),

    enquiries as (select * from {{ ref('stg_social_care__s47_enquiries') }}),

    initial_conferences as (select * from {{ ref('stg_social_care__initial_conferences') }}),

    registrations as (select * from {{ ref('stg_social_care__registrations') }}),

    review_conferences as (select * from {{ ref('stg_social_care__review_conferences') }}),

    core_groups as (select * from {{ ref('stg_social_care__core_groups') }}),

    placements as (select * from {{ ref('stg_social_care__placements') }}),

    looked_after_reviews as (select * from {{ ref('stg_social_care__looked_after_reviews') }}),

    health_assessments as (select * from {{ ref('stg_social_care__health_assessments') }}),

    requests as (select * from {{ ref('int_early_help_requests') }}),

    -- A request in the early-help system and in the case system is one event with two records
    early_help as (

        select
            early_help.*,
            coalesce(requests.request_event_key, case_requests.request_event_key) as request_event_key
        from {{ ref('stg_social_care__early_help') }} as early_help
        left join
            requests
            on early_help.system || '|' || early_help.feed || '|' || early_help.early_help_id
            = requests.request_key
        left join
            requests as case_requests
            on early_help.system = case_requests.council_system
            and early_help.early_help_id = case_requests.case_early_help_id

    ),

    missing_episodes as (select * from {{ ref('stg_social_care__missing_episodes') }}),

    united as (

        {{ event_rows('contacts', "'contact'", 'contact_date', 'contact_id', detail_code='route') }}
        union all
        {{ event_rows(
            'referrals',
            "'referral'",
            'referral_date',
            'referral_id',
            detail_code='decision_code',
            raised_by='raised_by',
        ) }}
        union all
        {{ event_rows('assessments', "'assessment_started'", 'started_date', 'assessment_id') }}
        union all
        {{ event_rows('assessments', "'assessment_completed'", 'completed_date', 'assessment_id') }}
        union all
        {{ event_rows('visits', "'visit'", 'visit_date', 'visit_id', detail_code='visit_type') }}
        union all
        {{ event_rows('enquiries', "'strategy_discussion'", 'strategy_discussion_date', 's47_id') }}
        union all
        {{ event_rows('enquiries', "'s47_started'", 'started_date', 's47_id') }}
        union all
        {{ event_rows('enquiries', "'s47_completed'", 'completed_date', 's47_id', detail_code='outcome_code') }}
        union all
        {{ event_rows(
            'initial_conferences',
            "'initial_conference'",
            'conference_date',
            'conference_id',
            detail_code='outcome_code',
            group_key="system || '|' || meeting_id",
        ) }}
        union all
        {{ event_rows(
            'registrations', "'registered'", 'registered_date', 'registration_id', detail_code='category_code'
        ) }}
        union all
        {{ event_rows(
            'registrations',
            "'deregistered'",
            'deregistered_date',
            'registration_id',
            detail_code='deregistration_reason_code',
        ) }}
        union all
        {{ event_rows(
            'review_conferences',
            "'review_conference'",
            'review_date',
            'review_conference_id',
            detail_code='outcome_code',
            group_key="system || '|' || meeting_id",
        ) }}
        union all
        {{ event_rows('core_groups', "'core_group'", 'core_group_date', 'core_group_id') }}
        union all
        {{ event_rows(
            'placements',
            "'placement_started'",
            'started_date',
            'placement_id',
            detail_code='placement_type_code',
        ) }}
        union all
        {{ event_rows(
            'looked_after_reviews',
            "'looked_after_review'",
            'review_date',
            'review_id',
            detail_code='participation_code',
        ) }}
        union all
        {{ event_rows(
            'health_assessments',
            "case assessment_kind when 'initial' then 'initial_health_assessment' when 'review' then"
            ~ " 'review_health_assessment' else 'dental_check' end",
            'assessment_date',
            'health_assessment_id',
            detail_code='status',
            recorded_date='recorded_date',
            condition="status = 'completed' and assessment_kind in ('initial', 'review', 'dental')",
        ) }}
        union all
        {{ event_rows(
            'early_help',
            "'early_help_requested'",
            'requested_date',
            'early_help_id',
            group_key='request_event_key',
        ) }}
        union all
        {{ event_rows('early_help', "'early_help_started'", 'started_date', 'early_help_id') }}
        union all
        {{ event_rows(
            'early_help', "'early_help_closed'", 'closed_date', 'early_help_id', detail_code='outcome_code'
        ) }}
        union all
        {{ event_rows(
            'missing_episodes',
            "'missing'",
            'started_date',
            'missing_episode_id',
            detail_code='category_code',
        ) }}

    )

select *
from united
