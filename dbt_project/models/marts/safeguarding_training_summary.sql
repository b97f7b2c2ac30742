with

    training as (select * from {{ ref('safeguarding_training') }}),

    labels as (select * from {{ ref('status_labels') }}),

    -- 1. Each row counts for its agency and for its directorate
    scoped as (

        select training.*, 'agency' as scope, cast(null as varchar) as scope_directorate
        from training

        union all

        select training.*, 'directorate' as scope, directorate as scope_directorate
        from training
        where directorate is not null

    ),

    counted as (

        select
            scope,
            scope_directorate,
            agency,
            agency_label_en,
            agency_label_cy,
            course_group,
            course_group_label_en,
            course_group_label_cy,
            cast(count(*) as integer) as staff_in_role,
            cast(sum(case when is_on_leave then 1 else 0 end) as integer) as staff_on_leave,
            cast(sum(case when is_exempt then 1 else 0 end) as integer) as staff_exempt,
            cast(sum(case when is_counted then 1 else 0 end) as integer) as staff_counted,
            cast(sum(case when is_counted and is_in_date then 1 else 0 end) as integer) as staff_in_date,
            cast(
                sum(case when is_counted and training_status = 'expired' then 1 else 0 end) as integer
            ) as staff_expired,
            cast(
                sum(case when is_counted and training_status = 'never_done_due' then 1 else 0 end) as integer
            ) as staff_never_done_due,
            cast(
                sum(
                    case when is_counted and training_status = 'never_done_overdue' then 1 else 0 end
                ) as integer
            ) as staff_never_done_overdue,
            cast(
                sum(case when is_counted and training_status = 'not_computable' then 1 else 0 end) as integer
            ) as staff_not_computable,
            max(target_percent) as target_percent,
            max(target_rule_id) as target_rule_id,
            max(target_rule_status) as target_rule_status,
            max(data_current_to) as data_current_to
        from scoped
        group by
            scope,
            scope_directorate,
            agency,
            agency_label_en,
            agency_label_cy,
            course_group,
            course_group_label_en,
            course_group_label_cy

    )

-- 2. The share in date against the target; without anybody to count there is none
select
    counted.agency
    || '|'
    || counted.scope
    || '|'
    || coalesce(counted.scope_directorate, '')
    || '|'
    || counted.course_group as summary_key,
    counted.scope,
    labels.label_en as scope_label_en,
    labels.label_cy as scope_label_cy,
    counted.agency,
    counted.agency_label_en,
    counted.agency_label_cy,
    counted.scope_directorate as directorate,
    counted.course_group,
    counted.course_group_label_en,
    counted.course_group_label_cy,
    counted.staff_in_role,
    counted.staff_on_leave,
    counted.staff_exempt,
    counted.staff_counted,
    counted.staff_in_date,
    counted.staff_expired,
    counted.staff_never_done_due,
    counted.staff_never_done_overdue,
    counted.staff_not_computable,
    cast(
        round(
            case
                when counted.staff_counted > 0 then 100.0 * counted.staff_in_date / counted.staff_counted
            end,
            1
        ) as double
    ) as in_date_percent,
    counted.target_percent,
    -- Compared in whole staff: a rounded share must not decide.
    case
        when counted.staff_counted > 0
        then 100 * counted.staff_in_date >= counted.target_percent * counted.staff_counted
    end as is_target_met,
    counted.target_rule_id,
    counted.target_rule_status,
    counted.data_current_to,
    {{ as_of() }} as as_of_date
from counted
left join labels on labels.code_set = 'training_scope' and counted.scope = labels.code
order by summary_key
