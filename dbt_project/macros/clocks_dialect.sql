{#-
    What the clocks say differently on different databases. DuckDB is the default; Spark is the scale-out.
    Put here: one dispatch macro per date function. Keep out: anything that knows a rule.
-#}
{%- macro clock_add_days(day, days) -%}
    {{ return(adapter.dispatch('clock_add_days')(day, days)) }}
{%- endmacro -%}

{%- macro default__clock_add_days(day, days) -%}
    cast({{ day }} + to_days(cast({{ days }} as integer)) as date)
{%- endmacro -%}

{%- macro spark__clock_add_days(day, days) -%} date_add({{ day }}, cast({{ days }} as int)) {%- endmacro -%}

{#- Same day of the month, clipped to the last day of a shorter one. -#}
{%- macro clock_add_months(day, months) -%}
    {{ return(adapter.dispatch('clock_add_months')(day, months)) }}
{%- endmacro -%}

{%- macro default__clock_add_months(day, months) -%}
    cast({{ day }} + to_months(cast({{ months }} as integer)) as date)
{%- endmacro -%}

{%- macro spark__clock_add_months(day, months) -%}
    add_months({{ day }}, cast({{ months }} as int))
{%- endmacro -%}

{%- macro clock_days_between(first_day, last_day) -%}
    {{ return(adapter.dispatch('clock_days_between')(first_day, last_day)) }}
{%- endmacro -%}

{%- macro default__clock_days_between(first_day, last_day) -%}
    cast(date_diff('day', {{ first_day }}, {{ last_day }}) as integer)
{%- endmacro -%}

{%- macro spark__clock_days_between(first_day, last_day) -%}
    datediff({{ last_day }}, {{ first_day }})
{%- endmacro -%}

{#- The instant that many elapsed hours later; a change of the clocks in between does not move it. -#}
{%- macro clock_add_hours(instant, hours) -%}
    {{ return(adapter.dispatch('clock_add_hours')(instant, hours)) }}
{%- endmacro -%}

{%- macro default__clock_add_hours(instant, hours) -%}
    ({{ instant }} + to_hours(cast({{ hours }} as integer)))
{%- endmacro -%}

{%- macro spark__clock_add_hours(instant, hours) -%}
    timestampadd(hour, cast({{ hours }} as int), {{ instant }})
{%- endmacro -%}

{#- Elapsed hours between two instants, with the part of an hour. -#}
{%- macro clock_hours_between(first_at, last_at) -%}
    {{ return(adapter.dispatch('clock_hours_between')(first_at, last_at)) }}
{%- endmacro -%}

{%- macro default__clock_hours_between(first_at, last_at) -%}
    ((epoch({{ last_at }}) - epoch({{ first_at }})) / 3600)
{%- endmacro -%}

{%- macro spark__clock_hours_between(first_at, last_at) -%}
    ((unix_timestamp({{ last_at }}) - unix_timestamp({{ first_at }})) / 3600)
{%- endmacro -%}

{#- A relation of every day from the first to the last, both included, in a column calendar_date. -#}
{%- macro clock_days(first_day, last_day) -%}
    {{ return(adapter.dispatch('clock_days')(first_day, last_day)) }}
{%- endmacro -%}

{%- macro default__clock_days(first_day, last_day) -%}
    select cast(unnest(generate_series({{ first_day }}, {{ last_day }}, to_days(1))) as date) as calendar_date
{%- endmacro -%}

{%- macro spark__clock_days(first_day, last_day) -%}
    select explode(sequence({{ first_day }}, {{ last_day }}, interval 1 day)) as calendar_date
{%- endmacro -%}

{#- Day of the week by ISO, Monday is 1: counted on from a Monday. -#}
{%- macro clock_weekday(day) -%}
    (({{ clock_days_between("date '1900-01-01'", day) }} % 7 + 7) % 7 + 1)
{%- endmacro -%}

{#- Distinct values of a group as one sorted text, comma separated. -#}
{%- macro clock_distinct_list(value) -%} {{ joined_set(value, ',') }} {%- endmacro -%}

{#- The parts of a comma-separated text, one row each. -#}
{%- macro clock_split_list(value) -%}
    {{ return(adapter.dispatch('clock_split_list')(value)) }}
{%- endmacro -%}

{%- macro default__clock_split_list(value) -%} unnest(string_split({{ value }}, ',')) {%- endmacro -%}

{%- macro spark__clock_split_list(value) -%} explode(split({{ value }}, ',')) {%- endmacro -%}
