with

    measured as (select * from {{ ref('int_board_measures') }}),

    measures as (select * from {{ ref('board_measures') }}),

    rules as (select * from {{ ref('int_rules_in_force') }}),

    area_labels as (select * from {{ ref('int_areas') }}),

    current_to as (

        select max(as_at_date) as data_current_to from {{ ref('stg_landing__deliveries') }} where is_in_force

    ),

    control as (

        select
            max(case when rule_id = 'sdc_least_count' then rule_value end) as least_count,
            max(case when rule_id = 'sdc_rounding_base' then rule_value end) as rounding_base,
            max(case when rule_id = 'sdc_least_denominator' then rule_value end) as least_denominator
        from rules

    ),

    -- 1. Why a count may not be shown: few children in it, few on its other side, or few altogether.
    -- Nought may be shown, and so may all
    checked as (

        select
            measured.*,
            control.rounding_base,
            case
                when measured.denominator < control.least_denominator
                then 'small_denominator'
                when measured.numerator > 0 and measured.numerator < control.least_count
                then 'small_numerator'
                when
                    measured.denominator - measured.numerator > 0
                    and measured.denominator - measured.numerator < control.least_count
                then 'small_remainder'
            end as hidden_because,
            case
                when
                    measured.events_denominator < control.least_denominator
                    or (measured.events_numerator > 0 and measured.events_numerator < control.least_count)
                    or (
                        measured.events_denominator - measured.events_numerator > 0
                        and measured.events_denominator - measured.events_numerator < control.least_count
                    )
                then true
                else false
            end as are_events_hidden
        from measured
        cross join control

    ),

    -- 2. Every count is rounded on its own, and the rate is that of the rounded counts
    rounded as (

        select
            *,
            case
                when hidden_because is null then {{ published_count('numerator', 'rounding_base') }}
            end as numerator_published,
            case
                when hidden_because is null or hidden_because != 'small_denominator'
                then {{ published_count('denominator', 'rounding_base') }}
            end as denominator_published,
            case
                when hidden_because is null and not are_events_hidden
                then {{ published_count('events_numerator', 'rounding_base') }}
            end as events_numerator_published,
            case
                when hidden_because is null and not are_events_hidden
                then {{ published_count('events_denominator', 'rounding_base') }}
            end as events_denominator_published
        from checked

    ),

    rated as (

        select *, round(100.0 * numerator_published / denominator_published, 0) as rate_percent from rounded

    ),

    assembled as (

        select
            rated.measure_id
            || '|'
            || rated.period_kind
            || '|'
            || cast(rated.period_start_date as varchar)
            || '|'
            || rated.area_code as scorecard_key,
            rated.measure_id,
            measures.label_en as measure_label_en,
            measures.label_cy as measure_label_cy,
            measures.mart,
            measures.direction,
            rated.period_kind,
            rated.period_start_date,
            rated.period_end_date,
            rated.area_code,
            area_labels.label_en as area_label_en,
            area_labels.label_cy as area_label_cy,
            rated.numerator_published as numerator,
            rated.denominator_published as denominator,
            rated.events_numerator_published as events_numerator,
            rated.events_denominator_published as events_denominator,
            cast(rated.rate_percent as double) as rate_percent,
            rated.hidden_because is not null as is_hidden,
            rated.hidden_because,
            targets.rule_value as target_percent,
            case
                when measures.direction = 'higher'
                then rated.rate_percent >= targets.rule_value
                when measures.direction = 'lower'
                then rated.rate_percent <= targets.rule_value
            end as is_target_met,
            measures.target_rule_id,
            targets.rule_status as target_rule_status,
            rated.rule_status,
            current_to.data_current_to,
            {{ as_of() }} as as_of_date
        from rated
        inner join measures on rated.measure_id = measures.measure_id
        left join area_labels on rated.area_code = area_labels.area_code
        left join rules as targets on measures.target_rule_id = targets.rule_id
        cross join current_to

    )

select *
from assembled
order by scorecard_key
