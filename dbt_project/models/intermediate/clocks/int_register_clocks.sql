with

    registrations as (select * from {{ ref('int_registrations') }}),

    core_group_rows as (select * from {{ ref('stg_social_care__core_groups') }}),

    visit_rows as (select * from {{ ref('stg_social_care__visits') }}),

    -- 1. What happened while the child was on the register, by kind
    core_groups as (

        select distinct
            registrations.registration_key,
            'core_group' as clock,
            core_group_rows.core_group_date as done_date
        from registrations
        inner join
            core_group_rows
            on registrations.record_key = core_group_rows.record_key
            and core_group_rows.core_group_date between registrations.review_anchor_date and coalesce(
                registrations.deregistered_date, {{ as_of() }}
            )
            and (
                core_group_rows.registration_id is null
                or registrations.registration_id = core_group_rows.registration_id
            )

    ),

    visits as (

        select
            registrations.registration_key,
            visit_rows.visit_date,
            visit_rows.seen_alone,
            visit_rows.seen_at_home
        from registrations
        inner join
            visit_rows
            on registrations.record_key = visit_rows.record_key
            and visit_rows.visit_type = 'register'
            and visit_rows.visit_date
            between registrations.registered_date and coalesce(registrations.deregistered_date, {{ as_of() }})

    ),

    happened as (

        select registration_key, clock, done_date
        from core_groups

        union all

        select distinct registration_key, 'seen_alone' as clock, visit_date as done_date
        from visits
        where seen_alone

        union all

        select distinct registration_key, 'seen_at_home' as clock, visit_date as done_date
        from visits
        where seen_at_home

    ),

    summarised as (

        select
            registration_key,
            clock,
            min(done_date) as first_done_date,
            max(done_date) as last_done_date,
            cast(count(*) as integer) as times_done
        from happened
        group by registration_key, clock

    ),

    -- 2. The clocks: the conference itself, the first core group, and the next of each; before the
    -- first visit the clock runs from the registration
    clocks as (

        select
            registration_key,
            'conference' as clock,
            'icpc_due' as rule_id,
            conference_anchor_date as clock_start_date,
            conference_date as done_date
        from registrations

        union all

        select
            registrations.registration_key,
            'core_group_first' as clock,
            'core_group_first' as rule_id,
            registrations.review_anchor_date as clock_start_date,
            summarised.first_done_date as done_date
        from registrations
        left join
            summarised
            on registrations.registration_key = summarised.registration_key
            and summarised.clock = 'core_group'

        union all

        select
            registrations.registration_key,
            kinds.clock,
            case
                when summarised.last_done_date is null then kinds.first_rule_id else kinds.next_rule_id
            end as rule_id,
            coalesce(
                summarised.last_done_date,
                case when kinds.clock = 'core_group' then registrations.review_anchor_date end,
                registrations.registered_date
            ) as clock_start_date,
            null as done_date
        from registrations
        cross join
            (
                select
                    'core_group' as clock,
                    'core_group_first' as first_rule_id,
                    'core_group_next' as next_rule_id
                union all
                select 'seen_alone', 'cpr_visit_seen_alone', 'cpr_visit_seen_alone'
                union all
                select 'seen_at_home', 'cpr_visit_seen_at_home', 'cpr_visit_seen_at_home'
            ) as kinds
        left join
            summarised
            on registrations.registration_key = summarised.registration_key
            and kinds.clock = summarised.clock

    ),

    due as ({{ clock_due_dates('clocks') }}),

    -- 3. A conference before its strategy discussion cannot have been started by it; one that
    -- transferred a child in starts at a notice that no feed carries
    reasoned as (

        select
            due.*,
            summarised.last_done_date,
            coalesce(summarised.times_done, 0) as times_done,
            registrations.deregistered_date,
            case
                when due.clock = 'conference' and registrations.conference_type = 'transfer_in'
                then 'anchor_not_supplied'
                when due.clock = 'conference' and due.done_date < due.clock_start_date
                then 'event_before_anchor'
                when due.clock = 'conference' and due.done_date is null
                then 'no_conference'
                else {{ clock_reason_without_due('due.clock_start_date', 'due.rule_source', 'due.due_date') }}
            end as why_not_computable
        from due
        inner join registrations on due.registration_key = registrations.registration_key
        left join
            summarised
            on due.registration_key = summarised.registration_key
            and case when due.clock = 'core_group_first' then 'core_group' else due.clock end
            = summarised.clock

    )

select
    registration_key,
    clock,
    rule_id,
    rule_unit,
    rule_status,
    rule_source,
    is_local_rule,
    clock_start_date,
    case when clock = 'conference' and why_not_computable is not null then null else due_date end as due_date,
    done_date,
    last_done_date,
    times_done,
    why_not_computable,
    case
        when why_not_computable is null and done_date is null and deregistered_date is not null
        then 'ended'
        else {{ clock_status('due_date', 'done_date', not_computable='why_not_computable') }}
    end as status
from reasoned
