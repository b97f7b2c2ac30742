-- fmt: off
{#-
    A post-hook that writes a model to the work folder for the stage outside dbt that reads it, in the order of
    a column, so that the same rows give the same bytes. dbt-duckdb's own materialisation `external` is not used:
    it writes a row of nulls when there is none, and a reader would take that for a person.
-#}
{%- macro export_parquet(relation, file_name, order_by) -%}
    copy (select * from {{ relation }} order by {{ order_by }})
    to '{{ env_var("DOLEN_WORK") }}/{{ file_name }}' (format parquet, compression zstd)
{%- endmacro -%}
