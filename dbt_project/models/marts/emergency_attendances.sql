with

    attendances as (select * from {{ ref('int_emergency_attendances') }}),

    windows as (select * from {{ ref('int_emergency_attendance_windows') }}),

    involvement as (select * from {{ ref('int_social_care_involvement') }}),

    appointments as (select * from {{ ref('int_appointments') }}),

    contact_rows as (select * from {{ ref('stg_social_care__contacts') }}),

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    children as (select * from {{ ref('int_clock_children') }}),

    labels as (select * from {{ ref('status_labels') }}),

    -- 1. The three rules side by side
    repeats as (

        select
            attendance_key,
            max(case when repeat_rule = 'default' then attendances_in_window end) as default_in_window,
            max(case when repeat_rule = 'default' and is_repeat then 1 end) as default_is_repeat,
            max(case when repeat_rule = 'default' then count_rule_id end) as default_rule_id,
            max(case when repeat_rule = 'default' then count_rule_status end) as default_rule_status,
            max(case when repeat_rule = 'infant' then attendances_in_window end) as infant_in_window,
            max(case when repeat_rule = 'infant' and is_repeat then 1 end) as infant_is_repeat,
            max(case when repeat_rule = 'infant' then count_rule_id end) as infant_rule_id,
            max(case when repeat_rule = 'infant' then count_rule_status end) as infant_rule_status,
            max(case when repeat_rule = 'leeds' then attendances_in_window end) as leeds_in_window,
            max(case when repeat_rule = 'leeds' and is_repeat then 1 end) as leeds_is_repeat,
            max(case when repeat_rule = 'leeds' then count_rule_id end) as leeds_rule_id,
            max(case when repeat_rule = 'leeds' then count_rule_status end) as leeds_rule_status,
            max(case when is_of_age is null then 1 else 0 end) = 1 as is_age_unknown
        from windows
        group by attendance_key

    ),

    -- 2. What social care had open on the day
    known as (

        select
            attendances.attendance_key,
            max(case when involvement.involvement = 'looked_after' then 1 else 0 end) = 1 as is_looked_after,
            max(case when involvement.involvement = 'on_register' then 1 else 0 end) = 1 as is_on_register,
            max(case when involvement.involvement = 'open_referral' then 1 else 0 end)
            = 1 as has_open_referral,
            max(case when involvement.involvement = 'care_support_plan' then 1 else 0 end) = 1 as has_plan
        from attendances
        left join
            involvement
            on attendances.child_id = involvement.child_id
            and attendances.attended_date >= involvement.started_date
            and (involvement.ended_date is null or attendances.attended_date < involvement.ended_date)
        group by attendances.attendance_key

    ),

    -- 3. What followed: an appointment that was not made before the attendance, or a contact with social
    -- care. Which attendance it was about no feed says
    clocks as (

        select attendance_key, child_id, 'ed_follow_up_window' as rule_id, attended_date as clock_start_date
        from attendances

    ),

    due as ({{ clock_due_dates('clocks') }}),

    contacts as (

        select records.child_id, contact_rows.contact_date
        from contact_rows
        inner join records on contact_rows.record_key = records.record_key
        where contact_rows.contact_date <= {{ as_of() }}

    ),

    follow_up_candidates as (

        select due.attendance_key, 'appointment' as follow_up, appointments.appointment_date as follow_up_date
        from due
        inner join
            appointments
            on due.child_id = appointments.child_id
            and appointments.appointment_date > due.clock_start_date
            and appointments.appointment_date <= due.due_date
            and coalesce(appointments.made_date, due.clock_start_date) >= due.clock_start_date
            and appointments.outcome != 'cancelled'

        union all

        select due.attendance_key, 'social_care_contact' as follow_up, contacts.contact_date as follow_up_date
        from due
        inner join
            contacts
            on due.child_id = contacts.child_id
            and contacts.contact_date >= due.clock_start_date
            and contacts.contact_date <= due.due_date

    ),

    follow_ups as (

        select
            *,
            row_number() over (partition by attendance_key order by follow_up_date, follow_up) as preference
        from follow_up_candidates

    ),

    supplied as (

        select count(*) > 0 as has_any
        from
            (
                select child_id
                from appointments
                union all
                select child_id
                from contacts
            ) as either

    ),

    -- 4. The attendance with all of it
    assembled as (

        select
            attendances.attendance_key,
            attendances.child_id,
            attendances.attended_at,
            attendances.attended_date,
            attendances.discharged_at,
            attendances.location,
            cast(
                year(attendances.attended_date)
                - year(children.birth_date)
                - case
                    when
                        {{ clock_add(
                            'children.birth_date', "'year'",
                            '(year(attendances.attended_date) - year(children.birth_date))'
                        ) }} > attendances.attended_date
                    then 1
                    else 0
                end as integer
            ) as age_years,
            attendances.attendance_category,
            attendances.attendance_category = 'planned_return' as is_planned_return,
            attendances.outcome,
            attendances.outcome = 'left_before_seen' as is_left_before_seen,
            attendances.injury_group,
            {{ clock_days_between(
                'lag(attendances.attended_date) over (partition by attendances.child_id'
                ~ ' order by attendances.attended_at, attendances.attendance_key)',
                'attendances.attended_date'
            ) }} as days_since_previous,
            repeats.default_in_window as attendances_in_default_window,
            case
                when not repeats.is_age_unknown then repeats.default_is_repeat is not null
            end as is_repeat_default,
            repeats.default_rule_id,
            repeats.default_rule_status,
            repeats.infant_in_window as attendances_in_infant_window,
            case
                when not repeats.is_age_unknown then repeats.infant_is_repeat is not null
            end as is_repeat_infant,
            repeats.infant_rule_id,
            repeats.infant_rule_status,
            repeats.leeds_in_window as attendances_in_leeds_window,
            case
                when not repeats.is_age_unknown then repeats.leeds_is_repeat is not null
            end as is_repeat_leeds,
            repeats.leeds_rule_id,
            repeats.leeds_rule_status,
            case
                when repeats.attendance_key is null
                then 'no_rule'
                when repeats.is_age_unknown
                then 'no_birth_date'
            end as why_repeat_not_computable,
            case
                when follow_ups.follow_up is not null
                then follow_ups.follow_up
                when not supplied.has_any or due.due_date is null
                then 'not_supplied'
                when due.due_date < {{ as_of() }}
                then 'none_known'
                else 'not_yet'
            end as follow_up,
            follow_ups.follow_up_date,
            due.due_date as follow_up_until_date,
            due.rule_id as follow_up_rule_id,
            due.rule_status as follow_up_rule_status,
            known.is_looked_after,
            known.is_on_register,
            known.has_open_referral,
            known.has_plan as has_care_support_plan,
            known.is_looked_after
            or known.is_on_register
            or known.has_open_referral
            or known.has_plan as is_known_to_social_care,
            attendances.systems_reporting,
            attendances.reported_by,
            attendances.record_keys as source_record_keys,
            children.link_confidence,
            attendances.delivery_ids as source_delivery_ids,
            children.care_data_current_to as data_current_to,
            {{ as_of() }} as as_of_date
        from attendances
        inner join known on attendances.attendance_key = known.attendance_key
        inner join due on attendances.attendance_key = due.attendance_key
        cross join supplied
        left join children on attendances.child_id = children.child_id
        left join repeats on attendances.attendance_key = repeats.attendance_key
        left join
            follow_ups on attendances.attendance_key = follow_ups.attendance_key and follow_ups.preference = 1

    )

select
    assembled.attendance_key,
    assembled.child_id,
    assembled.attended_at,
    assembled.attended_date,
    assembled.discharged_at,
    assembled.location,
    assembled.age_years,
    assembled.attendance_category,
    categories.label_en as attendance_category_label_en,
    categories.label_cy as attendance_category_label_cy,
    assembled.is_planned_return,
    assembled.outcome,
    outcomes.label_en as outcome_label_en,
    outcomes.label_cy as outcome_label_cy,
    assembled.is_left_before_seen,
    assembled.injury_group,
    injuries.label_en as injury_group_label_en,
    injuries.label_cy as injury_group_label_cy,
    assembled.days_since_previous,
    assembled.attendances_in_default_window,
    assembled.is_repeat_default,
    assembled.default_rule_id,
    assembled.default_rule_status,
    assembled.attendances_in_infant_window,
    assembled.is_repeat_infant,
    assembled.infant_rule_id,
    assembled.infant_rule_status,
    assembled.attendances_in_leeds_window,
    assembled.is_repeat_leeds,
    assembled.leeds_rule_id,
    assembled.leeds_rule_status,
    assembled.why_repeat_not_computable,
    assembled.follow_up,
    follow_up_labels.label_en as follow_up_label_en,
    follow_up_labels.label_cy as follow_up_label_cy,
    assembled.follow_up_date,
    assembled.follow_up_until_date,
    assembled.follow_up_rule_id,
    assembled.follow_up_rule_status,
    assembled.is_looked_after,
    assembled.is_on_register,
    assembled.has_open_referral,
    assembled.has_care_support_plan,
    assembled.is_known_to_social_care,
    assembled.systems_reporting,
    assembled.reported_by,
    assembled.source_record_keys,
    assembled.link_confidence,
    assembled.source_delivery_ids,
    assembled.data_current_to,
    assembled.as_of_date
from assembled
left join
    labels as categories
    on categories.code_set = 'attendance_category'
    and assembled.attendance_category = categories.code
left join labels as outcomes on outcomes.code_set = 'emergency_outcome' and assembled.outcome = outcomes.code
left join labels as injuries on injuries.code_set = 'injury_group' and assembled.injury_group = injuries.code
left join
    labels as follow_up_labels
    on follow_up_labels.code_set = 'follow_up'
    and assembled.follow_up = follow_up_labels.code
order by assembled.attendance_key
