with

    calendar as (select calendar_date from {{ ref('int_working_calendar') }}),

    rules as (select rule_id, rule_value from {{ ref('int_rules_in_force') }}),

    year_start as (select rule_value as month_number from rules where rule_id = 'board_year_start'),

    quarter_count as (select rule_value as quarters from rules where rule_id = 'board_quarters'),

    -- 1. The reporting year so far: from the last first day of its first month
    years as (

        select
            'year_to_date' as period_kind,
            max(calendar_date) as period_start_date,
            {{ as_of() }} as period_end_date
        from calendar
        cross join year_start
        where
            calendar_date <= {{ as_of() }}
            and extract(day from calendar_date) = 1
            and extract(month from calendar_date) = year_start.month_number

    ),

    -- 2. The last whole quarters; one that ends on as_of is whole
    quarter_starts as (

        select
            calendar_date as period_start_date,
            {{ clock_add_days(clock_add_months('calendar_date', 3), -1) }} as period_end_date
        from calendar
        where calendar_date = cast(date_trunc('quarter', calendar_date) as date)

    ),

    quarters as (

        select
            period_start_date,
            period_end_date,
            row_number() over (order by period_start_date desc) as quarters_ago
        from quarter_starts
        where period_end_date <= {{ as_of() }}

    ),

    united as (

        select 'as_of' as period_kind, {{ as_of() }} as period_start_date, {{ as_of() }} as period_end_date

        union all

        select period_kind, period_start_date, period_end_date
        from years

        union all

        select 'quarter' as period_kind, period_start_date, period_end_date
        from quarters
        cross join quarter_count
        where quarters_ago <= quarters

    )

select *
from united
