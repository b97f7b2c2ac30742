with

    measure_rows as (select * from {{ ref('int_board_measure_rows') }}),

    measures as (select * from {{ ref('board_measures') }}),

    periods as (select * from {{ ref('int_board_periods') }}),

    areas as (select child_id, area_code from {{ ref('int_child_areas') }}),

    -- 1. Every row in its periods, once for its area and once for the region
    in_periods as (

        select
            measure_rows.*,
            periods.period_kind,
            periods.period_start_date,
            periods.period_end_date,
            coalesce(areas.area_code, 'unknown') as area_code
        from measure_rows
        inner join measures on measure_rows.measure_id = measures.measure_id
        inner join
            periods
            on (measures.kind = 'stock' and periods.period_kind = 'as_of')
            or (
                measures.kind = 'flow'
                and periods.period_kind != 'as_of'
                and measure_rows.counted_date between periods.period_start_date and periods.period_end_date
            )
        left join areas on measure_rows.child_id = areas.child_id

    ),

    placed as (

        select *
        from in_periods

        union all

        select
            measure_id,
            row_key,
            child_id,
            event_key,
            counted_date,
            is_met,
            rule_status,
            period_kind,
            period_start_date,
            period_end_date,
            'region' as area_code
        from in_periods

    ),

    -- 2. An event meets a measure when all its children do
    events as (

        select
            measure_id,
            period_kind,
            period_start_date,
            period_end_date,
            area_code,
            event_key,
            cast(count(*) as integer) as rows_count,
            cast(sum(case when is_met then 1 else 0 end) as integer) as rows_met,
            -- The least sure rule speaks for all: unconfirmed, secondary, local choice, confirmed
            min(
                case
                    rule_status
                    when 'unconfirmed'
                    then 1
                    when 'secondary'
                    then 2
                    when 'local_choice'
                    then 3
                    when 'confirmed'
                    then 4
                end
            ) as surety
        from placed
        group by measure_id, period_kind, period_start_date, period_end_date, area_code, event_key

    ),

    counted as (

        select
            measure_id,
            period_kind,
            period_start_date,
            period_end_date,
            area_code,
            cast(sum(rows_met) as integer) as numerator,
            cast(sum(rows_count) as integer) as denominator,
            cast(count(case when rows_met = rows_count then 1 end) as integer) as events_numerator,
            cast(count(*) as integer) as events_denominator,
            case
                min(surety)
                when 1
                then 'unconfirmed'
                when 2
                then 'secondary'
                when 3
                then 'local_choice'
                when 4
                then 'confirmed'
            end as rule_status
        from events
        group by measure_id, period_kind, period_start_date, period_end_date, area_code

    )

select *
from counted
