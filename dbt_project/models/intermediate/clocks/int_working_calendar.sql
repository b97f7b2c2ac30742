with

    holidays as (select holiday_date, holiday_name from {{ ref('bank_holidays') }}),

    bounds as (

        select
            {{ dbt.date_trunc('year', 'min(holiday_date)') }} as first_day,
            {{ dbt.date_trunc('year', 'max(holiday_date)') }} as last_year
        from holidays

    ),

    days as (

        select days.calendar_date
        from
            (
                {{ clock_days(
            '(select cast(first_day as date) from bounds)',
            '(select ' ~ clock_add_days(clock_add_months('last_year', '12'), '-1') ~ ' from bounds)'
        ) }}
            ) as days

    ),

    marked as (

        select
            days.calendar_date,
            holidays.holiday_name,
            {{ clock_weekday('days.calendar_date') }} <= 5 and holidays.holiday_date is null as is_working_day
        from days
        left join holidays on days.calendar_date = holidays.holiday_date

    ),

    numbered as (

        select
            calendar_date,
            is_working_day,
            holiday_name,
            cast(
                sum(case when is_working_day then 1 else 0 end) over (
                    order by calendar_date rows between unbounded preceding and current row
                ) as integer
            ) as working_day_number
        from marked

    )

select *
from numbered
