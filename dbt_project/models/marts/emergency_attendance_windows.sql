with

    windows as (select * from {{ ref('int_emergency_attendance_windows') }}),

    attendances as (select * from {{ ref('emergency_attendances') }}),

    involvement as (select * from {{ ref('int_social_care_involvement') }} where ended_date is null),

    labels as (select * from {{ ref('status_labels') }} where code_set = 'repeat_rule'),

    -- 1. What lies in the window that ends on as_of
    in_window as (

        select
            windows.child_id,
            windows.repeat_rule,
            windows.count_rule_id,
            windows.count_value,
            windows.is_more_than,
            windows.count_rule_status,
            windows.window_rule_id,
            windows.window_value,
            windows.window_unit,
            windows.window_rule_status,
            cast(count(case when not windows.is_planned_return then 1 end) as integer) as attendances,
            cast(count(case when windows.is_planned_return then 1 end) as integer) as planned_returns,
            cast(
                count(
                    case when not windows.is_planned_return and attendances.is_left_before_seen then 1 end
                ) as integer
            ) as left_before_seen,
            cast(
                count(
                    case
                        when
                            not windows.is_planned_return
                            and attendances.injury_group not in ('illness', 'not_supplied', 'not_mapped')
                        then 1
                    end
                ) as integer
            ) as injuries,
            min(windows.attended_date) as first_attended_date,
            max(windows.attended_date) as last_attended_date,
            max(attendances.link_confidence) as link_confidence,
            max(attendances.data_current_to) as data_current_to
        from windows
        inner join attendances on windows.attendance_key = attendances.attendance_key
        where windows.is_of_age and windows.window_end_date >= {{ as_of() }}
        group by
            windows.child_id,
            windows.repeat_rule,
            windows.count_rule_id,
            windows.count_value,
            windows.is_more_than,
            windows.count_rule_status,
            windows.window_rule_id,
            windows.window_value,
            windows.window_unit,
            windows.window_rule_status

    ),

    deliveries as (

        select child_id, repeat_rule, {{ clock_distinct_list('delivery_id') }} as source_delivery_ids
        from
            (
                select
                    windows.child_id,
                    windows.repeat_rule,
                    {{ clock_split_list('attendances.source_delivery_ids') }} as delivery_id
                from windows
                inner join attendances on windows.attendance_key = attendances.attendance_key
                where windows.is_of_age and windows.window_end_date >= {{ as_of() }}
            ) as single
        group by child_id, repeat_rule

    ),

    known as (select distinct child_id from involvement)

select
    in_window.child_id || '|' || in_window.repeat_rule as child_window_key,
    in_window.child_id,
    in_window.repeat_rule,
    labels.label_en as repeat_rule_label_en,
    labels.label_cy as repeat_rule_label_cy,
    in_window.attendances,
    case
        when in_window.is_more_than
        then in_window.attendances > in_window.count_value
        else in_window.attendances >= in_window.count_value
    end as is_repeat_attender,
    in_window.planned_returns,
    in_window.left_before_seen,
    in_window.injuries,
    in_window.first_attended_date,
    in_window.last_attended_date,
    known.child_id is not null as is_known_to_social_care,
    in_window.count_rule_id as rule_id,
    in_window.count_value as rule_count,
    in_window.is_more_than as is_rule_more_than,
    in_window.count_rule_status as rule_status,
    in_window.window_rule_id,
    in_window.window_value,
    in_window.window_unit,
    in_window.window_rule_status,
    in_window.link_confidence,
    deliveries.source_delivery_ids,
    in_window.data_current_to,
    {{ as_of() }} as as_of_date
from in_window
inner join
    deliveries on in_window.child_id = deliveries.child_id and in_window.repeat_rule = deliveries.repeat_rule
left join known on in_window.child_id = known.child_id
left join labels on in_window.repeat_rule = labels.code
order by child_window_key
