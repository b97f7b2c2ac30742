with

    attendances as (select * from {{ ref('int_emergency_attendances') }}),

    children as (select child_id, birth_date from {{ ref('int_clock_children') }}),

    rules as (select * from {{ ref('int_rules_in_force') }}),

    -- 1. The rules of thumb that are in use side by side. Leeds says more than its number, the others at
    -- least theirs
    repeat_rules as (

        select
            'default' as repeat_rule,
            'ed_repeat_default_count' as count_rule_id,
            'ed_repeat_default_window' as window_rule_id,
            'child_until_age' as age_rule_id,
            false as is_more_than

        union all

        select
            'infant' as repeat_rule,
            'ed_repeat_infant_count' as count_rule_id,
            'ed_repeat_infant_window' as window_rule_id,
            'ed_repeat_infant_age' as age_rule_id,
            false as is_more_than

        union all

        select
            'leeds' as repeat_rule,
            'ed_repeat_leeds_count' as count_rule_id,
            'ed_repeat_leeds_window' as window_rule_id,
            'ed_repeat_leeds_age' as age_rule_id,
            true as is_more_than

    ),

    -- 2. Each attendance under each rule: whether it counts, and until when it is in the window. The day on
    -- which the window ends is still in it. Without a birth date nobody knows whether the rule is about the
    -- child
    judged as (

        select
            attendances.attendance_key,
            attendances.child_id,
            attendances.attended_at,
            attendances.attended_date,
            attendances.attendance_category,
            repeat_rules.repeat_rule,
            repeat_rules.count_rule_id,
            repeat_rules.window_rule_id,
            repeat_rules.is_more_than,
            count_rules.rule_value as count_value,
            count_rules.rule_status as count_rule_status,
            window_rules.rule_value as window_value,
            window_rules.rule_unit as window_unit,
            window_rules.rule_status as window_rule_status,
            attendances.attended_date
            < {{ clock_add(
                'children.birth_date', 'age_rules.rule_unit', 'age_rules.rule_value'
            ) }} as is_of_age,
            attendances.attendance_category = 'planned_return' as is_planned_return,
            {{ clock_add('attendances.attended_date', 'window_rules.rule_unit', 'window_rules.rule_value') }}
            as window_end_date
        from attendances
        cross join repeat_rules
        inner join rules as count_rules on repeat_rules.count_rule_id = count_rules.rule_id
        inner join rules as window_rules on repeat_rules.window_rule_id = window_rules.rule_id
        inner join rules as age_rules on repeat_rules.age_rule_id = age_rules.rule_id
        left join children on attendances.child_id = children.child_id

    ),

    -- 3. How many that count lie in the window that ends with it, itself included
    counted as (

        select
            judged.attendance_key,
            judged.repeat_rule,
            cast(count(earlier.attendance_key) as integer) as attendances_in_window
        from judged
        left join
            judged as earlier
            on judged.child_id = earlier.child_id
            and judged.repeat_rule = earlier.repeat_rule
            and earlier.is_of_age
            and not earlier.is_planned_return
            and (
                earlier.attended_at < judged.attended_at
                or (
                    earlier.attended_at = judged.attended_at
                    and earlier.attendance_key <= judged.attendance_key
                )
            )
            and judged.attended_date <= earlier.window_end_date
        group by judged.attendance_key, judged.repeat_rule

    )

select
    judged.attendance_key,
    judged.child_id,
    judged.attended_date,
    judged.repeat_rule,
    judged.is_of_age,
    judged.is_planned_return,
    judged.window_end_date,
    case when judged.is_of_age is not null then counted.attendances_in_window end as attendances_in_window,
    case
        when judged.is_of_age is null
        then null
        when judged.is_planned_return or not judged.is_of_age
        then false
        when judged.is_more_than
        then counted.attendances_in_window > judged.count_value
        else counted.attendances_in_window >= judged.count_value
    end as is_repeat,
    judged.count_rule_id,
    judged.count_value,
    judged.is_more_than,
    judged.count_rule_status,
    judged.window_rule_id,
    judged.window_value,
    judged.window_unit,
    judged.window_rule_status
from judged
inner join
    counted on judged.attendance_key = counted.attendance_key and judged.repeat_rule = counted.repeat_rule
