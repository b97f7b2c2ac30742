{#-
    Statutory clocks: the one place where a deadline and its status are computed.
    Put here: due dates, statuses, how long overdue. Keep out: which event starts a clock (models) and every number
    (the seed statutory_rules). What differs between databases is in clocks_dialect.sql.
-#}
{#- The day a calendar unit leads to; working days need the calendar, see clock_due_dates. Month ends are clipped. -#}
{%- macro clock_add(anchor, unit, value) -%}
    case
        {{ unit }}
        when 'calendar_day'
        then {{ clock_add_days(anchor, value) }}
        when 'week'
        then {{ clock_add_days(anchor, value ~ ' * 7') }}
        when 'month'
        then {{ clock_add_months(anchor, value) }}
        when 'year'
        then {{ clock_add_months(anchor, value ~ ' * 12') }}
    end
{%- endmacro -%}

{#-
    A select that adds to each clock of a relation its rule and its due date.
    The relation must have clock_start_date and rule_id. Day 0 is the start; a start on a non-working day counts as day 0
    of the working day that follows, because both share a running number. No rule, no start, or a date beyond the
    calendar gives no due date. With has_school_days rules may count the days of the relation's school_id; a school whose
    calendar begins after the start, or ends before the due day, gives none.
-#}
{%- macro clock_due_dates(clocks, has_school_days=false) -%}
    select
        clocks.*,
        rules.rule_value,
        rules.rule_unit,
        rules.rule_status,
        rules.rule_source,
        rules.is_local_rule,
        case
            when rules.rule_unit = 'working_day'
            then due_days.calendar_date
            {% if has_school_days -%}
                when rules.rule_unit = 'school_day' then due_school_days.school_date
            {% endif -%}
            else {{ clock_add('clocks.clock_start_date', 'rules.rule_unit', 'rules.rule_value') }}
        end as due_date
    from {{ clocks }} as clocks
    left join {{ ref('int_rules_in_force') }} as rules on clocks.rule_id = rules.rule_id
    left join
        {{ ref('int_working_calendar') }} as start_days on clocks.clock_start_date = start_days.calendar_date
    left join
        {{ ref('int_working_calendar') }} as due_days
        on rules.rule_unit = 'working_day'
        and due_days.is_working_day
        and start_days.working_day_number + rules.rule_value = due_days.working_day_number
    {% if has_school_days -%}
        left join
            (
                select
                    school_id,
                    school_date,
                    school_day_number,
                    lead(school_date) over (partition by school_id order by school_date) as next_date
                from {{ ref('int_school_days') }}
            ) as start_school_days
            on rules.rule_unit = 'school_day'
            and clocks.school_id = start_school_days.school_id
            and clocks.clock_start_date >= start_school_days.school_date
            and (start_school_days.next_date is null or clocks.clock_start_date < start_school_days.next_date)
        left join
            {{ ref('int_school_days') }} as due_school_days
            on start_school_days.school_id = due_school_days.school_id
            and start_school_days.school_day_number + rules.rule_value = due_school_days.school_day_number
    {% endif -%}
{%- endmacro -%}

{#-
    A select that adds to each clock of a relation its rule and the instant it is due, for rules in hours.
    The relation must have clock_start_at (an instant) and rule_id. Hours are elapsed ones: 72 hours are 72 hours also
    over the night the clocks change. A rule in another unit, no rule or no start gives no due instant. A clock of which
    only the day of the start is known does not come here: see clock_hours_as_days.
-#}
{%- macro clock_due_instants(clocks) -%}
    select
        clocks.*,
        rules.rule_value,
        rules.rule_unit,
        rules.rule_status,
        rules.rule_source,
        rules.is_local_rule,
        case
            when rules.rule_unit = 'hour'
            then {{ clock_add_hours('clocks.clock_start_at', 'rules.rule_value') }}
        end as due_at
    from {{ clocks }} as clocks
    left join {{ ref('int_rules_in_force') }} as rules on clocks.rule_id = rules.rule_id
{%- endmacro -%}

{#-
    The due day of a rule in hours when only the day of its start is known: the last day on which it can still be in
    time, for a start in the last minute of that day. 72 hours from the 1st are the 4th, 4 hours from the 1st the 2nd.
-#}
{%- macro clock_hours_as_days(start_date, hours) -%}
    {{ clock_add_days(start_date, 'ceil(' ~ hours ~ ' / 24.0)') }}
{%- endmacro -%}

{#-
    Status of a clock: done on the due day is in time, overdue from the day after. Codes are in seed status_labels.
    is_past says when an open clock has run out; clock_status_at gives its own.
-#}
{%- macro clock_status(due_date, done_date, is_refused='false', not_computable='null', is_past=none) -%}
    case
        when {{ not_computable }} is not null
        then 'not_computable'
        when {{ due_date }} is null
        then 'not_computable'
        when {{ done_date }} <= {{ due_date }}
        then 'done_in_time'
        when {{ done_date }} is not null
        then 'done_late'
        when {{ is_refused }}
        then 'refused'
        when {{ is_past or (as_of() ~ ' > ' ~ due_date) }}
        then 'overdue'
        else 'due'
    end
{%- endmacro -%}

{#-
    Status of a clock that is due at an instant: done at it is in time. as_of stands for the end of that day in
    Europe/London, so an open clock that was due in the course of as_of is overdue, by 0 days (clock_days_overdue of its
    London day); done_at must not be after as_of.
-#}
{%- macro clock_status_at(due_at, done_at, is_refused='false', not_computable='null') -%}
    {{ clock_status(due_at, done_at, is_refused, not_computable, london_date(due_at) ~ ' <= ' ~ as_of()) }}
{%- endmacro -%}

{#- Calendar days past the due day, null unless the status is overdue. -#}
{%- macro clock_days_overdue(status, due_date) -%}
    case when {{ status }} = 'overdue' then {{ clock_days_between(due_date, as_of()) }} end
{%- endmacro -%}

{#- Why a clock has no due date, from what it was given; null when it has one. -#}
{%- macro clock_reason_without_due(clock_start_date, rule_source, due_date) -%}
    case
        when {{ due_date }} is not null
        then null
        when {{ rule_source }} is null
        then 'no_rule'
        when {{ clock_start_date }} is null
        then 'no_anchor'
        else 'outside_calendar'
    end
{%- endmacro -%}
