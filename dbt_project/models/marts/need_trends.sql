with

    months as (select * from {{ ref('int_need_months') }}),

    forecasts as (select * from {{ ref('int_need_forecasts') }}),

    event_types as (select event_type, label_en, label_cy from {{ ref('event_types') }}),

    area_labels as (select * from {{ ref('int_areas') }}),

    rules as (select * from {{ ref('int_rules_in_force') }}),

    horizon_rule as (select rule_status from rules where rule_id = 'need_forecast_horizon'),

    history_rule as (select rule_value from rules where rule_id = 'need_forecast_history_least'),

    lengths as (

        select series, area_code, cast(count(*) as integer) as history_months
        from months
        group by series, area_code

    ),

    current_to as (

        select max(as_at_date) as data_current_to from {{ ref('stg_landing__deliveries') }} where is_in_force

    ),

    united as (

        select
            series,
            area_code,
            month_start_date,
            false as is_forecast,
            events_count,
            children_count,
            cast(null as double) as forecast_count,
            cast(null as double) as forecast_low,
            cast(null as double) as forecast_high
        from months

        union all

        select
            series,
            area_code,
            cast(month_start_date as date) as month_start_date,
            true as is_forecast,
            cast(null as integer) as events_count,
            cast(null as integer) as children_count,
            forecast_count,
            forecast_low,
            forecast_high
        from forecasts

    ),

    backtests as (

        select
            series,
            area_code,
            cast(max(backtest_months) as integer) as backtest_months,
            max(backtest_mean_absolute_error) as backtest_mean_absolute_error,
            max(naive_mean_absolute_error) as naive_mean_absolute_error,
            max(backtest_share_inside) as backtest_share_inside
        from forecasts
        group by series, area_code

    ),

    assembled as (

        select
            united.series
            || '|'
            || united.area_code
            || '|'
            || cast(united.month_start_date as varchar) as trend_key,
            united.series,
            event_types.label_en as series_label_en,
            event_types.label_cy as series_label_cy,
            united.area_code,
            area_labels.label_en as area_label_en,
            area_labels.label_cy as area_label_cy,
            united.month_start_date,
            united.is_forecast,
            united.events_count,
            united.children_count,
            united.forecast_count,
            united.forecast_low,
            united.forecast_high,
            lengths.history_months,
            lengths.history_months >= history_rule.rule_value as has_forecast,
            backtests.backtest_months,
            backtests.backtest_mean_absolute_error,
            backtests.naive_mean_absolute_error,
            backtests.backtest_share_inside,
            horizon_rule.rule_status,
            current_to.data_current_to,
            {{ as_of() }} as as_of_date
        from united
        inner join event_types on united.series = event_types.event_type
        left join area_labels on united.area_code = area_labels.area_code
        inner join lengths on united.series = lengths.series and united.area_code = lengths.area_code
        left join backtests on united.series = backtests.series and united.area_code = backtests.area_code
        cross join horizon_rule
        cross join history_rule
        cross join current_to

    )

select *
from assembled
order by trend_key
