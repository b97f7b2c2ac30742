with

    -- What two systems date differently, and brothers and sisters share, counts at its first day
    events as (

        select
            event_type,
            child_id,
            group_key,
            min(event_date) over (partition by event_type, group_key) as event_date
        from {{ ref('int_child_events') }}
        where is_series

    ),

    areas as (select child_id, area_code from {{ ref('int_child_areas') }}),

    calendar as (select calendar_date from {{ ref('int_working_calendar') }}),

    -- 1. Every event once for its area and once for the region
    placed as (

        select
            events.event_type as series,
            areas.area_code,
            {{ month_of('events.event_date') }} as month_start_date,
            events.event_date,
            events.child_id,
            events.group_key
        from events
        inner join areas on events.child_id = areas.child_id

        union all

        select
            event_type as series,
            'region' as area_code,
            {{ month_of('event_date') }} as month_start_date,
            event_date,
            child_id,
            group_key
        from events

    ),

    -- 2. Whole months only: the month of the first event may be cut by where the extract begins, and the
    -- month of as_of is whole only on its last day
    last_month as (select {{ month_of(clock_add_days(as_of(), 1)) }} as first_month_not_whole_date),

    spans as (

        select series, min(event_date) as first_event_date
        from placed
        where area_code = 'region'
        group by series

    ),

    months as (select distinct {{ month_of('calendar_date') }} as month_start_date from calendar),

    grid as (

        select spans.series, series_areas.area_code, months.month_start_date
        from spans
        inner join
            (select distinct series, area_code from placed) as series_areas
            on spans.series = series_areas.series
        inner join months on spans.first_event_date <= months.month_start_date
        inner join last_month on months.month_start_date < last_month.first_month_not_whole_date

    ),

    counts as (

        select
            series,
            area_code,
            month_start_date,
            cast(count(distinct group_key) as integer) as events_count,
            cast(count(distinct child_id) as integer) as children_count
        from placed
        group by series, area_code, month_start_date

    ),

    filled as (

        select
            grid.series,
            grid.area_code,
            grid.month_start_date,
            coalesce(counts.events_count, 0) as events_count,
            coalesce(counts.children_count, 0) as children_count
        from grid
        left join
            counts
            on grid.series = counts.series
            and grid.area_code = counts.area_code
            and grid.month_start_date = counts.month_start_date

    )

select *
from filled
