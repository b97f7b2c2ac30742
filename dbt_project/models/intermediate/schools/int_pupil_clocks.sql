with

    pupils as (select * from {{ ref('int_pupils') }}),

    registrations as (select * from {{ ref('int_registrations') }}),

    care_periods as (select * from {{ ref('int_looked_after_periods') }}),

    numbers as (select * from {{ ref('int_pupil_numbers') }}),

    concern_rows as (select * from {{ ref('stg_education_safeguarding_concerns__concerns') }}),

    rules as (select rule_id, anchor_event from {{ ref('int_rules_in_force') }}),

    -- 1. What schools recorded by as_of, by child: the UPN, else the school's own number
    concerns as (

        select
            coalesce(by_upn.child_id, by_school.child_id) as child_id,
            {{ standardise_school_code('concern_rows.school_id') }} as school_id,
            concern_rows.category,
            concern_rows.action,
            concern_rows.concern_date,
            coalesce(concern_rows.is_dsp_informed, concern_rows.dsp_informed_date is not null) as is_informed,
            concern_rows.dsp_informed_date
        from concern_rows
        left join numbers as by_upn on concern_rows.upn = by_upn.pupil_number
        left join
            numbers as by_school
            on concern_rows.upn is null
            and {{ standardise_school_code('concern_rows.school_id') }} || '|' || concern_rows.local_pupil_id
            = by_school.pupil_number
        where concern_rows.concern_date <= {{ as_of() }}

    ),

    reporting_schools as (select distinct school_id from concerns),

    -- 2. What stops each clock. A plan is dated by its concern, the person's being informed by its own day
    acts as (

        select
            child_id,
            'dsp' as clock,
            case when dsp_informed_date <= {{ as_of() }} then dsp_informed_date end as act_date,
            dsp_informed_date is null as is_undated,
            concern_date
        from concerns
        where category = 'child_protection_register' and is_informed

        union all

        select child_id, 'pep' as clock, concern_date as act_date, false as is_undated, concern_date
        from concerns
        where category = 'personal_education_plan' and action = 'completed'

    ),

    -- 3. What starts each clock: the open registration; the open period of care, or joining the school if
    -- that was later and the jurisdiction counts it
    current_registrations as (

        select child_id, max(registered_date) as registered_date
        from registrations
        where deregistered_date is null
        group by child_id

    ),

    current_care as (

        select child_id, max(started_date) as started_date
        from care_periods
        where is_counted
        group by child_id

    ),

    starts as (

        select
            pupils.child_id,
            'dsp' as clock,
            pupils.school_id,
            current_registrations.registered_date as clock_start_date,
            'dsp_informed_due' as rule_id
        from pupils
        inner join current_registrations on pupils.child_id = current_registrations.child_id

        union all

        select
            pupils.child_id,
            'pep' as clock,
            pupils.school_id,
            case
                when
                    rules.anchor_event = 'became_looked_after_or_joined_new_school'
                    and pupils.school_entry_date > current_care.started_date
                then pupils.school_entry_date
                else current_care.started_date
            end as clock_start_date,
            'pep_due' as rule_id
        from pupils
        inner join current_care on pupils.child_id = current_care.child_id
        left join rules on rules.rule_id = 'pep_due'

    ),

    -- 4. The first act on or after the start; one before it is shown and never used
    stopped as (

        select
            starts.child_id,
            starts.clock,
            starts.school_id,
            starts.clock_start_date,
            starts.rule_id,
            reporting_schools.school_id is not null as has_reporting_school,
            min(case when acts.act_date >= starts.clock_start_date then acts.act_date end) as done_date,
            max(case when acts.is_undated and acts.concern_date >= starts.clock_start_date then 1 else 0 end)
            = 1 as is_done_without_date,
            max(case when acts.act_date < starts.clock_start_date then 1 else 0 end)
            = 1 as has_event_before_anchor
        from starts
        left join acts on starts.child_id = acts.child_id and starts.clock = acts.clock
        left join reporting_schools on starts.school_id = reporting_schools.school_id
        group by
            starts.child_id,
            starts.clock,
            starts.school_id,
            starts.clock_start_date,
            starts.rule_id,
            reporting_schools.school_id

    ),

    due as ({{ clock_due_dates('stopped', has_school_days=true) }}),

    reasoned as (

        select
            *,
            case
                when school_id is null
                then 'no_school'
                when done_date is null and is_done_without_date
                then 'done_without_date'
                when done_date is null and not has_reporting_school
                then 'event_not_supplied'
                when due_date is null and rule_source is not null and rule_value is null
                then 'no_number'
                when due_date is null and rule_unit = 'school_day'
                then 'no_school_calendar'
                else {{ clock_reason_without_due('clock_start_date', 'rule_source', 'due_date') }}
            end as reason
        from due

    ),

    decided as (

        select *, {{ clock_status('due_date', 'done_date', 'false', 'reason') }} as status from reasoned

    )

select
    child_id,
    clock,
    school_id,
    clock_start_date,
    due_date,
    done_date,
    status,
    case when status = 'not_computable' then reason end as why_not_computable,
    {{ clock_days_overdue('status', 'due_date') }} as days_overdue,
    has_event_before_anchor,
    rule_id,
    rule_status,
    rule_source,
    is_local_rule
from decided
