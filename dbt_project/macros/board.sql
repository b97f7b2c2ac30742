{#-
    One shape for every measure of the board's scorecard.
    Put here: the columns that all measures share. Keep out: which measures there are (models, seed board_measures).
-#}
{#-
    A select of the rows of a mart that one measure counts, and whether each meets it.

    counted_on: the day that puts a row into a period; null for a measure of how things stand on as_of. event_key: what
    brothers and sisters share; the row's own key where nothing is shared.
-#}
{%- macro measure_rows(
    measure_id, relation, row_key, is_met, condition='true', counted_on='null', event_key=none, rule_status='null'
) -%}
    select
        '{{ measure_id }}' as measure_id,
        cast({{ row_key }} as varchar) as row_key,
        child_id,
        cast({{ event_key or row_key }} as varchar) as event_key,
        cast({{ counted_on }} as date) as counted_date,
        coalesce({{ is_met }}, false) as is_met,
        cast({{ rule_status }} as varchar) as rule_status
    from {{ relation }}
    where {{ condition }}
{%- endmacro -%}
{#- A count as published: rounded to the base of the rule, halves up. -#}
{%- macro published_count(value, base) -%}
    cast(floor(({{ value }} + {{ base }} / 2.0) / {{ base }}) * {{ base }} as integer)
{%- endmacro -%}
