with

    periods as (select * from {{ ref('int_looked_after_periods') }} where is_counted),

    children as (select * from {{ ref('int_clock_children') }}),

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    social_care_rows as (select * from {{ ref('stg_social_care__health_assessments') }}),

    health_rows as (select * from {{ ref('int_health_events') }}),

    immunisation_rows as (select * from {{ ref('stg_social_care__immunisations') }}),

    flag_rows as (select * from {{ ref('stg_social_care__health_flags') }}),

    -- 1. Dental: the last check with a date, by either agency, and until when it holds
    dental_checks as (

        select records.child_id, social_care_rows.assessment_date as done_date
        from social_care_rows
        inner join records on social_care_rows.record_key = records.record_key
        where
            social_care_rows.assessment_kind = 'dental'
            and social_care_rows.status = 'completed'
            and social_care_rows.assessment_date <= {{ as_of() }}

        union all

        select child_id, event_date as done_date
        from health_rows
        where event_kind = 'dental_check' and event_status = 'completed' and event_date <= {{ as_of() }}

    ),

    dental_clocks as (

        select child_id, 'dental_check_current' as rule_id, max(done_date) as clock_start_date
        from dental_checks
        group by child_id

    ),

    dental as ({{ clock_due_dates('dental_clocks') }}),

    -- Seen by a dentist after becoming looked after; a check from before does not count. When no source
    -- of the region tells of dental checks at all, nothing can be said
    dentist_clocks as (

        select child_id, 'dentist_seen' as rule_id, started_date as clock_start_date from periods

    ),

    dentist_due as ({{ clock_due_dates('dentist_clocks') }}),

    dental_is_supplied as (select count(*) > 0 as has_any from dental_checks),

    dentist as (

        select
            dentist_due.child_id,
            dentist_due.due_date,
            dentist_due.rule_status,
            {{ clock_reason_without_due(
                'dentist_due.clock_start_date', 'dentist_due.rule_source', 'dentist_due.due_date'
            ) }} as reason_without_due,
            min(dental_checks.done_date) as done_date
        from dentist_due
        left join
            dental_checks
            on dentist_due.child_id = dental_checks.child_id
            and dentist_due.clock_start_date <= dental_checks.done_date
        group by
            dentist_due.child_id,
            dentist_due.due_date,
            dentist_due.rule_status,
            dentist_due.rule_source,
            dentist_due.clock_start_date

    ),

    -- 2. GP: registered within the rule's days of the start of the latest stay; a registration held
    -- before counts. When no feed of the region tells of registrations at all, nothing can be said
    gp_registrations as (

        select child_id, event_date as done_date, ended_date
        from health_rows
        where event_kind = 'gp_registration' and event_status = 'completed' and event_date <= {{ as_of() }}

    ),

    gp_is_supplied as (select count(*) > 0 as has_any from gp_registrations),

    gp_clocks as (

        select child_id, 'gp_registered' as rule_id, latest_stay_started_date as clock_start_date from periods

    ),

    gp_due as ({{ clock_due_dates('gp_clocks') }}),

    gp as (

        select
            gp_due.child_id,
            gp_due.due_date,
            gp_due.rule_status,
            coalesce(
                max(
                    case
                        when
                            gp_registrations.done_date < gp_due.clock_start_date
                            and (
                                gp_registrations.ended_date is null
                                or gp_registrations.ended_date > gp_due.clock_start_date
                            )
                        then gp_registrations.done_date
                    end
                ),
                min(
                    case
                        when gp_registrations.done_date >= gp_due.clock_start_date
                        then gp_registrations.done_date
                    end
                )
            ) as done_date
        from gp_due
        left join gp_registrations on gp_due.child_id = gp_registrations.child_id
        group by gp_due.child_id, gp_due.due_date, gp_due.rule_status

    ),

    -- 3. The newest yearly answers
    flags_ranked as (

        select
            records.child_id,
            flag_rows.period_end_date,
            flag_rows.dental_check_done,
            flag_rows.immunisations_current,
            row_number() over (
                partition by records.child_id
                order by
                    flag_rows.period_end_date desc,
                    flag_rows.dental_check_done desc nulls last,
                    flag_rows.immunisations_current desc nulls last,
                    flag_rows.record_key
            ) as newest
        from flag_rows
        inner join records on flag_rows.record_key = records.record_key
        where flag_rows.period_end_date <= {{ as_of() }}

    ),

    flags as (select * from flags_ranked where newest = 1),

    -- 4. Immunisations: the newest status with a date; else the yearly answer
    immunisations_ranked as (

        select
            records.child_id,
            immunisation_rows.status_date,
            immunisation_rows.is_up_to_date,
            row_number() over (
                partition by records.child_id
                order by
                    immunisation_rows.status_date desc,
                    immunisation_rows.is_up_to_date,
                    immunisation_rows.record_key
            ) as newest
        from immunisation_rows
        inner join records on immunisation_rows.record_key = records.record_key
        where immunisation_rows.status_date <= {{ as_of() }} and immunisation_rows.is_up_to_date is not null

    ),

    immunisations as (select * from immunisations_ranked where newest = 1)

select
    periods.child_id,
    dental.clock_start_date as last_dental_check_date,
    dental.due_date as dental_check_due_date,
    case
        when children.dental_birthday > {{ as_of() }} then null else dental.due_date >= {{ as_of() }}
    end as is_dental_check_current,
    case
        when flags.dental_check_done is not null then flags.period_end_date
    end as dental_flag_period_end_date,
    flags.dental_check_done as flag_dental_check_done,
    dental.rule_status as dental_check_rule_status,
    dentist.due_date as dentist_seen_due_date,
    dentist.done_date as dentist_seen_date,
    {{ clock_status(
        'dentist.due_date', 'dentist.done_date',
        not_computable="case when not dental_is_supplied.has_any then 'not_supplied' end"
    ) }} as dentist_seen_status,
    coalesce(
        dentist.reason_without_due, case when not dental_is_supplied.has_any then 'not_supplied' end
    ) as why_dentist_seen_not_computable,
    dentist.rule_status as dentist_seen_rule_status,
    gp.rule_status as gp_registration_rule_status,
    gp.done_date as gp_registered_date,
    gp.due_date as gp_registration_due_date,
    {{ clock_status(
        'gp.due_date', 'gp.done_date', not_computable="case when not gp_is_supplied.has_any then 'not_supplied' end"
    ) }}
    as gp_registration_status,
    coalesce(immunisations.is_up_to_date, flags.immunisations_current) as is_immunisation_up_to_date,
    coalesce(
        immunisations.status_date,
        case when flags.immunisations_current is not null then flags.period_end_date end
    ) as immunisation_status_date,
    case
        when immunisations.status_date is not null
        then 'status'
        when flags.immunisations_current is not null
        then 'yearly_flag'
        else 'none'
    end as immunisation_evidence
from periods
cross join gp_is_supplied
cross join dental_is_supplied
left join children on periods.child_id = children.child_id
left join dental on periods.child_id = dental.child_id
left join dentist on periods.child_id = dentist.child_id
left join gp on periods.child_id = gp.child_id
left join flags on periods.child_id = flags.child_id
left join immunisations on periods.child_id = immunisations.child_id
