{#-
    Periods that counts are shown by.
    Put here: the period a day lies in. Keep out: deadlines (clocks.sql).
-#}
{#- The first day of the calendar month of a day. -#}
{%- macro month_of(day) -%} cast(date_trunc('month', cast({{ day }} as date)) as date) {%- endmacro -%}
