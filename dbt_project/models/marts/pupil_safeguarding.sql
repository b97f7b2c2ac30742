with

    pupils as (select * from {{ ref('int_pupils') }}),

    clocks as (select * from {{ ref('int_pupil_clocks') }}),

    numbers as (select * from {{ ref('int_pupil_numbers') }}),

    stays as (select * from {{ ref('int_child_schools') }}),

    sessions as (select * from {{ ref('stg_education_attendance__sessions') }}),

    exclusion_rows as (select * from {{ ref('stg_education_exclusions__exclusions') }}),

    notifications as (select * from {{ ref('domestic_abuse_school_notifications') }}),

    children as (select child_id, birth_date, link_confidence from {{ ref('int_clock_children') }}),

    deliveries as (select * from {{ ref('stg_landing__deliveries') }}),

    status_labels as (select * from {{ ref('status_labels') }}),

    codes as (

        select code_set, code, label_en, label_cy
        from {{ ref('education_codes') }}
        where country = '{{ var("jurisdiction") }}'

    ),

    window_rule as (

        select rule_id, rule_unit, rule_value, rule_status
        from {{ ref('int_rules_in_force') }}
        where rule_id = 'pupil_window'

    ),

    -- 1. Attendance of the window: ranges that ended in it
    attendance as (

        select
            numbers.child_id,
            sum(sessions.sessions_possible) as sessions_possible,
            sum(sessions.sessions_attended) as sessions_attended,
            sum(sessions.sessions_unauthorised_absent) as sessions_unauthorised_absent,
            max(sessions.to_date) as attendance_known_to
        from sessions
        inner join numbers on sessions.upn = numbers.pupil_number
        inner join
            window_rule
            on {{ clock_add('sessions.to_date', 'window_rule.rule_unit', 'window_rule.rule_value') }}
            > {{ as_of() }}
        where sessions.to_date <= {{ as_of() }}
        group by numbers.child_id

    ),

    -- 2. Exclusions of the window, and the newest
    ranked_exclusions as (

        select
            numbers.child_id,
            exclusion_rows.started_date,
            exclusion_rows.category_code,
            exclusion_rows.reason_code,
            exclusion_rows.sessions,
            row_number() over (
                partition by numbers.child_id
                order by
                    exclusion_rows.started_date desc, exclusion_rows.category_code, exclusion_rows.school_id
            ) as preference
        from exclusion_rows
        inner join numbers on exclusion_rows.upn = numbers.pupil_number
        inner join
            window_rule
            on {{ clock_add('exclusion_rows.started_date', 'window_rule.rule_unit', 'window_rule.rule_value') }}
            > {{ as_of() }}
        where exclusion_rows.started_date <= {{ as_of() }}

    ),

    exclusions as (

        select
            child_id,
            cast(count(*) as integer) as exclusions,
            cast(sum(case when category_code = 'PERM' then 1 else 0 end) as integer) as permanent_exclusions,
            cast(sum(sessions) as integer) as sessions_excluded,
            max(started_date) as last_exclusion_date,
            max(case when preference = 1 then category_code end) as last_exclusion_category_code,
            max(case when preference = 1 then reason_code end) as last_exclusion_reason_code
        from ranked_exclusions
        group by child_id

    ),

    -- 3. School moves: the first school that is known is none
    numbered_stays as (

        select
            child_id,
            entry_date,
            school_id,
            lag(school_id) over (partition by child_id order by entry_date, school_id) as previous_school_id
        from stays
        where is_main

    ),

    moves as (

        select numbered_stays.child_id, cast(count(*) as integer) as school_moves
        from numbered_stays
        inner join
            window_rule
            on {{ clock_add('numbered_stays.entry_date', 'window_rule.rule_unit', 'window_rule.rule_value') }}
            > {{ as_of() }}
        where numbered_stays.previous_school_id != numbered_stays.school_id
        group by numbered_stays.child_id

    ),

    -- 4. Incidents of domestic abuse of the window, and those of which somebody was told
    encompass as (

        select
            notifications.child_id,
            cast(count(distinct notifications.incident_key) as integer) as domestic_abuse_incidents,
            cast(
                count(
                    distinct case when notifications.sent_at is not null then notifications.incident_key end
                ) as integer
            ) as encompass_notices
        from notifications
        inner join
            window_rule
            on {{ clock_add('notifications.incident_date', 'window_rule.rule_unit', 'window_rule.rule_value') }}
            > {{ as_of() }}
        where notifications.child_id is not null
        group by notifications.child_id

    ),

    -- 5. The feeds that have landed speak for a day each; the oldest is the one to trust
    feed_dates as (

        select feed, max(as_at_date) as as_at_date
        from deliveries
        where agency = 'education' and feed != 'school_calendar' and is_in_force
        group by feed

    ),

    current_to as (select min(as_at_date) as data_current_to from feed_dates),

    assembled as (

        select
            pupils.child_id,
            children.birth_date,
            pupils.school_id,
            pupils.school_name,
            pupils.school_entry_date,
            pupils.year_group,
            coalesce(moves.school_moves, 0) as school_moves,
            pupils.arrangement_kind,
            kinds.label_en as arrangement_kind_label_en,
            kinds.label_cy as arrangement_kind_label_cy,
            pupils.arrangement_started_date,
            coalesce(pupils.arrangement_kind = 'EHE', false) as is_home_educated,
            pupils.aln_provision_code,
            needs.label_en as aln_provision_label_en,
            needs.label_cy as aln_provision_label_cy,
            dsp.child_id is not null as is_on_register,
            dsp.clock_start_date as registered_date,
            dsp.done_date as dsp_informed_date,
            dsp.due_date as dsp_informed_due_date,
            dsp.status as dsp_informed_status,
            dsp_labels.label_en as dsp_informed_status_label_en,
            dsp_labels.label_cy as dsp_informed_status_label_cy,
            dsp.why_not_computable as why_dsp_informed_not_computable,
            dsp.days_overdue as dsp_informed_days_overdue,
            coalesce(dsp.has_event_before_anchor, false) as has_dsp_informed_before_registration,
            pep.child_id is not null as is_looked_after,
            pep.clock_start_date as pep_clock_start_date,
            pep.due_date as pep_due_date,
            pep.done_date as pep_date,
            pep.status as pep_status,
            pep_labels.label_en as pep_status_label_en,
            pep_labels.label_cy as pep_status_label_cy,
            pep.why_not_computable as why_pep_not_computable,
            pep.days_overdue as pep_days_overdue,
            coalesce(pep.has_event_before_anchor, false) as has_pep_before_anchor,
            cast(attendance.sessions_possible as integer) as sessions_possible,
            cast(attendance.sessions_attended as integer) as sessions_attended,
            cast(attendance.sessions_unauthorised_absent as integer) as sessions_unauthorised_absent,
            cast(
                case
                    when attendance.sessions_possible > 0
                    then round(attendance.sessions_attended * 100.0 / attendance.sessions_possible, 1)
                end as double
            ) as attendance_percent,
            attendance.attendance_known_to,
            coalesce(exclusions.exclusions, 0) as exclusions,
            coalesce(exclusions.permanent_exclusions, 0) as permanent_exclusions,
            exclusions.sessions_excluded,
            exclusions.last_exclusion_date,
            exclusions.last_exclusion_category_code,
            categories.label_en as last_exclusion_category_label_en,
            categories.label_cy as last_exclusion_category_label_cy,
            exclusions.last_exclusion_reason_code,
            reasons.label_en as last_exclusion_reason_label_en,
            reasons.label_cy as last_exclusion_reason_label_cy,
            coalesce(encompass.domestic_abuse_incidents, 0) as domestic_abuse_incidents,
            coalesce(encompass.encompass_notices, 0) as encompass_notices,
            dsp.rule_id as dsp_rule_id,
            dsp.rule_status as dsp_rule_status,
            pep.rule_id as pep_rule_id,
            pep.rule_status as pep_rule_status,
            pep.rule_source as pep_rule_source,
            window_rule.rule_id as window_rule_id,
            window_rule.rule_status as window_rule_status,
            children.link_confidence,
            case
                when pupils.school_delivery_id is null
                then pupils.arrangement_delivery_id
                when pupils.arrangement_delivery_id is null
                then pupils.school_delivery_id
                else pupils.school_delivery_id || ',' || pupils.arrangement_delivery_id
            end as source_delivery_ids,
            current_to.data_current_to,
            {{ as_of() }} as as_of_date
        from pupils
        cross join current_to
        left join children on pupils.child_id = children.child_id
        left join window_rule on window_rule.rule_id = 'pupil_window'
        left join clocks as dsp on pupils.child_id = dsp.child_id and dsp.clock = 'dsp'
        left join clocks as pep on pupils.child_id = pep.child_id and pep.clock = 'pep'
        left join
            status_labels as dsp_labels
            on dsp_labels.code_set = 'clock_status'
            and dsp.status = dsp_labels.code
        left join
            status_labels as pep_labels
            on pep_labels.code_set = 'clock_status'
            and pep.status = pep_labels.code
        left join attendance on pupils.child_id = attendance.child_id
        left join exclusions on pupils.child_id = exclusions.child_id
        left join moves on pupils.child_id = moves.child_id
        left join encompass on pupils.child_id = encompass.child_id
        left join
            codes as kinds on kinds.code_set = 'education_elsewhere' and pupils.arrangement_kind = kinds.code
        left join
            codes as needs on needs.code_set = 'aln_provision' and pupils.aln_provision_code = needs.code
        left join
            codes as categories
            on categories.code_set = 'exclusion_category'
            and exclusions.last_exclusion_category_code = categories.code
        left join
            codes as reasons
            on reasons.code_set = 'exclusion_reason'
            and exclusions.last_exclusion_reason_code = reasons.code

    )

select *
from assembled
order by child_id
