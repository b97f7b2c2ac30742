with

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    request_rows as (select * from {{ ref('stg_social_care__early_help') }}),

    families as (

        select record_key, max(family_group_id) as family_group_id
        from {{ ref('stg_social_care__persons') }}
        group by record_key

    ),

    same_request_rule as (

        select rule_id, rule_unit, rule_value
        from {{ ref('int_rules_in_force') }}
        where rule_id = 'early_help_same_request'

    ),

    -- 1. Requests made by as_of; what came after it has not happened
    requests as (

        select
            request_rows.system
            || '|'
            || request_rows.feed
            || '|'
            || request_rows.early_help_id as request_key,
            request_rows.feed = 'early_help' as is_early_help_system,
            request_rows.early_help_id,
            request_rows.source_person_id,
            request_rows.council_person_id,
            request_rows.record_key,
            records.child_id,
            request_rows.system,
            request_rows.delivery_id,
            request_rows.team,
            request_rows.ward,
            request_rows.request_source,
            families.family_group_id,
            request_rows.requested_date,
            case
                when request_rows.allocated_date <= {{ as_of() }} then request_rows.allocated_date
            end as allocated_date,
            case
                when request_rows.started_date <= {{ as_of() }} then request_rows.started_date
            end as started_date,
            case
                when request_rows.closed_date <= {{ as_of() }} then request_rows.closed_date
            end as closed_date,
            case
                when request_rows.closed_date <= {{ as_of() }} then request_rows.outcome_code
            end as outcome_code
        from request_rows
        inner join records on request_rows.record_key = records.record_key
        left join families on request_rows.record_key = families.record_key
        where request_rows.requested_date <= {{ as_of() }}

    ),

    -- 2. The same request in the early-help system and in a case system: the same child, as linked or
    -- by the
    -- council's number, a few days apart; each has the other as its nearest
    candidates as (

        select
            ours.request_key,
            theirs.request_key as case_request_key,
            case when ours.child_id = theirs.child_id then 0 else 1 end as child_rank,
            abs({{ clock_days_between('ours.requested_date', 'theirs.requested_date') }}) as days_apart
        from requests as ours
        cross join same_request_rule
        inner join
            requests as theirs
            on ours.is_early_help_system
            and not theirs.is_early_help_system
            and (ours.child_id = theirs.child_id or ours.council_person_id = theirs.source_person_id)
            and theirs.requested_date
            <= {{ clock_add('ours.requested_date', 'same_request_rule.rule_unit', 'same_request_rule.rule_value') }}
            and ours.requested_date
            <= {{ clock_add('theirs.requested_date', 'same_request_rule.rule_unit', 'same_request_rule.rule_value') }}

    ),

    ranked as (

        select
            request_key,
            case_request_key,
            row_number() over (
                partition by request_key order by child_rank, days_apart, case_request_key
            ) as our_preference,
            row_number() over (
                partition by case_request_key order by child_rank, days_apart, request_key
            ) as their_preference
        from candidates

    ),

    pairs as (

        select request_key, case_request_key from ranked where our_preference = 1 and their_preference = 1

    ),

    -- 3. One row a request; the early-help system is asked first. The council's number of the child
    -- decides whose it is
    merged as (

        select
            ours.request_key,
            coalesce(theirs.child_id, ours.child_id) as child_id,
            case when theirs.request_key is null then 'early_help_system' else 'both' end as reported_by,
            ours.system,
            ours.record_key,
            ours.early_help_id,
            theirs.system as council_system,
            theirs.record_key as council_record_key,
            theirs.early_help_id as case_early_help_id,
            coalesce(ours.team, theirs.team) as team,
            coalesce(ours.ward, theirs.ward) as ward,
            coalesce(ours.request_source, theirs.request_source) as request_source,
            ours.requested_date,
            coalesce(ours.allocated_date, theirs.allocated_date) as allocated_date,
            coalesce(ours.started_date, theirs.started_date) as started_date,
            coalesce(ours.closed_date, theirs.closed_date) as closed_date,
            coalesce(ours.outcome_code, theirs.outcome_code) as outcome_code,
            case
                when theirs.request_key is not null
                then
                    ours.requested_date != theirs.requested_date
                    or coalesce(ours.allocated_date, {{ as_of() }})
                    != coalesce(theirs.allocated_date, {{ as_of() }})
                    or coalesce(ours.started_date, {{ as_of() }})
                    != coalesce(theirs.started_date, {{ as_of() }})
                    or coalesce(ours.closed_date, {{ as_of() }})
                    != coalesce(theirs.closed_date, {{ as_of() }})
            end as do_dates_differ,
            coalesce(
                theirs.system || '|family|' || theirs.family_group_id,
                ours.system || '|family|' || ours.family_group_id,
                'child|' || ours.record_key
            ) as family_key,
            case
                when theirs.request_key is null or ours.delivery_id = theirs.delivery_id
                then ours.delivery_id
                else ours.delivery_id || ',' || theirs.delivery_id
            end as source_delivery_ids
        from requests as ours
        left join pairs on ours.request_key = pairs.request_key
        left join requests as theirs on pairs.case_request_key = theirs.request_key
        where ours.is_early_help_system

        union all

        select
            theirs.request_key,
            theirs.child_id,
            'case_system' as reported_by,
            theirs.system,
            theirs.record_key,
            cast(null as varchar) as early_help_id,
            theirs.system as council_system,
            theirs.record_key as council_record_key,
            theirs.early_help_id as case_early_help_id,
            theirs.team,
            theirs.ward,
            theirs.request_source,
            theirs.requested_date,
            theirs.allocated_date,
            theirs.started_date,
            theirs.closed_date,
            theirs.outcome_code,
            cast(null as boolean) as do_dates_differ,
            coalesce(
                theirs.system || '|family|' || theirs.family_group_id, 'child|' || theirs.record_key
            ) as family_key,
            theirs.delivery_id as source_delivery_ids
        from requests as theirs
        left join pairs on theirs.request_key = pairs.case_request_key
        where not theirs.is_early_help_system and pairs.case_request_key is null

    )

select *, family_key || '|' || cast(requested_date as varchar) as request_event_key
from merged
