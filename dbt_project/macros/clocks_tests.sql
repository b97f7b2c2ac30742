{#- Generic tests of the clocks. Put here: what dbt's own four tests cannot say. -#}
{#- The condition holds on every row; a row where it is unknown fails. -#}
{%- test clock_always(model, condition) -%}
    select * from {{ model }} where not coalesce({{ condition }}, false)
{%- endtest -%}
