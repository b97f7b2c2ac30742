with

    periods as (

        select
            {{ standardise_school_code('school_id') }} as school_id,
            {{ standardise_school_code('authority_code') }} as authority_code,
            period_kind,
            first_date,
            coalesce(last_date, first_date) as last_date
        from {{ ref('stg_education_school_calendar__periods') }}

    ),

    pupils as (select * from {{ ref('stg_education_school_census__pupils') }}),

    working_days as (select calendar_date from {{ ref('int_working_calendar') }} where is_working_day),

    start_rule as (

        select rule_id, rule_value, rule_status
        from {{ ref('int_rules_in_force') }}
        where rule_id = 'school_day_start'

    ),

    -- 1. Schools with a calendar or with pupils, and councils; a school's number begins with its council's
    councils as (select distinct authority_code from periods),

    schools as (

        select school_id
        from periods

        union

        select {{ standardise_school_code('school_id') }} as school_id
        from pupils
        where school_id is not null

    ),

    schools_of_councils as (

        select schools.school_id, councils.authority_code
        from schools
        left join
            councils
            on councils.authority_code = substr(schools.school_id, 1, length(councils.authority_code))

    ),

    with_own_terms as (select distinct school_id from periods where period_kind = 'term'),

    -- 2. A school's own rows; without terms of its own the council's rows hold beside them
    holding as (

        select schools_of_councils.school_id, periods.period_kind, periods.first_date, periods.last_date
        from schools_of_councils
        inner join periods on schools_of_councils.school_id = periods.school_id

        union

        select schools_of_councils.school_id, periods.period_kind, periods.first_date, periods.last_date
        from schools_of_councils
        inner join periods on schools_of_councils.authority_code = periods.school_id
        left join with_own_terms on schools_of_councils.school_id = with_own_terms.school_id
        where with_own_terms.school_id is null

    ),

    -- 3. Working days of a term that nothing else closes
    term_days as (

        select distinct holding.school_id, working_days.calendar_date as school_date
        from holding
        inner join working_days on working_days.calendar_date between holding.first_date and holding.last_date
        where holding.period_kind = 'term'

    ),

    closed_days as (

        select distinct holding.school_id, working_days.calendar_date as school_date
        from holding
        inner join working_days on working_days.calendar_date between holding.first_date and holding.last_date
        where holding.period_kind != 'term'

    ),

    open_days as (

        select term_days.school_id, term_days.school_date
        from term_days
        left join
            closed_days
            on term_days.school_id = closed_days.school_id
            and term_days.school_date = closed_days.school_date
        where closed_days.school_id is null

    ),

    numbered as (

        select
            open_days.school_id,
            open_days.school_date,
            cast(
                row_number() over (partition by open_days.school_id order by open_days.school_date) as integer
            ) as school_day_number,
            {{ london_instant('open_days.school_date', 'start_rule.rule_value') }} as starts_at,
            with_own_terms.school_id is not null as has_own_terms,
            start_rule.rule_status as start_rule_status
        from open_days
        left join with_own_terms on open_days.school_id = with_own_terms.school_id
        left join start_rule on start_rule.rule_id = 'school_day_start'

    )

select *
from numbered
