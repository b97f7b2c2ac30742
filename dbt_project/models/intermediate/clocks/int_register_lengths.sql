with

    registrations as (select * from {{ ref('int_registrations') }}),

    rules as (select rule_id, rule_value, rule_unit from {{ ref('int_rules_in_force') }}),

    -- 1. The thresholds of the region, each a clock that starts at the registration
    clocks as (

        select
            registrations.registration_key,
            rules.rule_id,
            registrations.registered_date as clock_start_date,
            coalesce(registrations.deregistered_date, {{ as_of() }}) as judged_on_date
        from registrations
        inner join
            rules
            on rules.rule_id in (
                'length_band_under',
                'length_band_over',
                'long_on_register_alert_1',
                'long_on_register_alert_2',
                'long_on_register_alert_3',
                'long_on_plan'
            )

    ),

    reached as ({{ clock_due_dates('clocks') }}),

    -- 2. Under the first threshold until the day before it; over any other from the day after it
    exceeded as (

        select
            reached.*,
            case
                when rule_id = 'length_band_under'
                then judged_on_date >= due_date
                else judged_on_date > due_date
            end as is_exceeded,
            row_number() over (
                partition by registration_key
                order by
                    case
                        when rule_id = 'length_band_under' and judged_on_date < due_date
                        then 0
                        when rule_id != 'length_band_under' and judged_on_date > due_date
                        then 1
                        when rule_id = 'length_band_under'
                        then 2
                        else 3
                    end,
                    due_date desc,
                    rule_id
            ) as preference
        from reached

    ),

    -- 3. The band is the highest threshold behind it, named by the threshold's own number
    banded as (

        select
            registration_key,
            case
                when rule_id = 'length_band_under' and not is_exceeded
                then 'under_'
                when rule_id = 'length_band_under'
                then 'from_'
                else 'over_'
            end as band_prefix,
            cast(rule_value as varchar) as band_number,
            rule_unit as band_unit,
            rule_id as band_rule_id,
            rule_status as band_rule_status
        from exceeded
        where preference = 1 and (rule_id = 'length_band_under' or is_exceeded)

    ),

    alerts as (

        select
            registration_key,
            cast(
                sum(
                    case
                        when substr(rule_id, 1, 22) = 'long_on_register_alert' and is_exceeded then 1 else 0
                    end
                ) as integer
            ) as long_register_alerts
        from exceeded
        group by registration_key

    )

select
    alerts.registration_key,
    banded.band_prefix || banded.band_number || '_' || banded.band_unit as length_band,
    replace(band_words.label_en, '#', banded.band_number) as length_band_label_en,
    replace(band_words.label_cy, '#', banded.band_number) as length_band_label_cy,
    banded.band_rule_id,
    banded.band_rule_status,
    alerts.long_register_alerts
from alerts
left join banded on alerts.registration_key = banded.registration_key
left join
    {{ ref('status_labels') }} as band_words
    on band_words.code_set = 'length_band'
    and banded.band_prefix || banded.band_unit = band_words.code
