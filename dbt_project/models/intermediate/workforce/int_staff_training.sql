with

    courses as (select * from {{ ref('stg_training__staff_courses') }}),

    patterns as (select * from {{ ref('training_courses') }}),

    groups as (select * from {{ ref('training_groups') }}),

    rules as (select rule_id from {{ ref('int_rules_in_force') }}),

    -- 1. Rows by staff member, with what the course is: the first pattern that fits its name
    named as (

        select
            *,
            agency || '|' || system || '|' || employee_number as staff_key,
            coalesce(assignment_number, '') as post,
            ' '
            || replace(replace(replace(lower(course_name), '|', ' '), ',', ' '), ':', ' ')
            || ' ' as name_read
        from courses

    ),

    fitting as (

        select
            named.name_read,
            patterns.course_group,
            row_number() over (partition by named.name_read order by patterns.pattern_order) as preference
        from (select distinct name_read from named) as named
        inner join patterns on named.name_read like patterns.name_like

    ),

    mapped as (

        select named.*, fitting.course_group
        from named
        left join fitting on named.name_read = fitting.name_read and fitting.preference = 1

    ),

    -- 2. Staff in role on as_of, by the post they took last; the last day at work still counts
    posts as (

        select
            staff_key,
            agency,
            system,
            organisation,
            directorate,
            staff_group,
            role_title,
            role_started_date,
            coalesce(is_on_leave, false) as is_on_leave,
            row_number() over (
                partition by staff_key
                order by
                    case when role_started_date is null then 1 else 0 end,
                    role_started_date desc,
                    post desc,
                    row_number
            ) as preference
        from mapped
        where
            (role_started_date is null or role_started_date <= {{ as_of() }})
            and (role_ended_date is null or role_ended_date >= {{ as_of() }})

    ),

    staff as (select * from posts where preference = 1),

    -- 3. What each staff member is asked for and when it was last done. A completion of an earlier post
    -- counts; one
    -- after as_of has not happened.
    lasts as (

        select
            staff_key,
            course_group,
            max(case when completed_date <= {{ as_of() }} then completed_date end) as last_completed_date
        from mapped
        where course_group is not null
        group by staff_key, course_group

    ),

    asked as (

        select
            mapped.staff_key,
            mapped.course_group,
            lasts.last_completed_date,
            max(
                case when mapped.completed_date = lasts.last_completed_date then mapped.expires_date end
            ) as expires_supplied_date,
            max(case when mapped.is_exempt then 1 else 0 end) = 1 as is_exempt,
            max(case when mapped.completed_date > {{ as_of() }} then 1 else 0 end)
            = 1 as has_completion_after_as_of
        from mapped
        inner join lasts on mapped.staff_key = lasts.staff_key and mapped.course_group = lasts.course_group
        group by mapped.staff_key, mapped.course_group, lasts.last_completed_date

    ),

    -- 4. Everyone needs group A: who has no group at all is shown with that one, not done
    without_group as (

        select staff.staff_key
        from staff
        left join
            (
                select distinct asked.staff_key
                from asked
                inner join groups on asked.course_group = groups.course_group
                where groups.training_group is not null
            ) as grouped
            on staff.staff_key = grouped.staff_key
        where grouped.staff_key is null

    ),

    needed as (

        select
            staff_key,
            course_group,
            last_completed_date,
            expires_supplied_date,
            is_exempt,
            has_completion_after_as_of
        from asked

        union all

        select staff_key, 'group_a', cast(null as date), cast(null as date), false, false
        from without_group

    ),

    deliveries as (

        select
            staff_key,
            {{ clock_distinct_list('delivery_id') }} as source_delivery_ids,
            max(as_at_date) as data_current_to
        from mapped
        group by staff_key

    ),

    -- 5. One clock a row: from the last completion, else from the first day in the role. An agency's own
    -- rule, which has
    -- the agency behind its name, goes before the general one.
    clocks as (

        select
            staff.*,
            needed.course_group,
            needed.last_completed_date,
            needed.expires_supplied_date,
            needed.is_exempt,
            needed.has_completion_after_as_of,
            groups.training_group,
            groups.nhs_level,
            groups.topic,
            deliveries.source_delivery_ids,
            deliveries.data_current_to,
            coalesce(needed.last_completed_date, staff.role_started_date) as clock_start_date,
            case
                when needed.last_completed_date is null then groups.start_rule_id else groups.refresh_rule_id
            end as general_rule_id
        from staff
        inner join needed on staff.staff_key = needed.staff_key
        inner join groups on needed.course_group = groups.course_group
        inner join deliveries on staff.staff_key = deliveries.staff_key

    ),

    ruled as (

        select clocks.*, coalesce(rules.rule_id, clocks.general_rule_id) as rule_id
        from clocks
        left join rules on clocks.general_rule_id || '_' || clocks.agency = rules.rule_id

    ),

    dated as ({{ clock_due_dates('ruled') }}),

    reasoned as (

        select
            *,
            {{ clock_reason_without_due('clock_start_date', 'rule_source', 'due_date') }}
            as why_not_computable
        from dated

    )

select
    staff_key || '|' || course_group as training_key,
    staff_key,
    agency,
    system,
    organisation,
    directorate,
    staff_group,
    role_title,
    role_started_date,
    is_on_leave,
    is_exempt,
    course_group,
    training_group,
    nhs_level,
    topic,
    last_completed_date,
    expires_supplied_date,
    has_completion_after_as_of,
    due_date,
    {{ clock_status('due_date', 'cast(null as date)', not_computable='why_not_computable') }} as clock_status,
    why_not_computable,
    rule_id,
    rule_status,
    rule_source,
    coalesce(is_local_rule, false) as is_local_rule,
    source_delivery_ids,
    data_current_to
from reasoned
