{#-
    Which deliveries and rows speak for the date of the build.
    Put here: as_of, the schema of a layer, and the choice of the current row. Keep out: what a row means.
-#}

{#- A layer is a schema of that name, without the target's own in front: everyone says marts.child_index. -#}
{%- macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro -%}

{#- The date the build speaks for. There is no default: a build that forgot it must fail. -#}
{%- macro as_of() -%}
    cast('{{ var("as_of") }}' as date)
{%- endmacro -%}

{#-
    The current rows of a landed table: of the deliveries in force, the newest row of each key, unless the newest says
    that the record was deleted. Adds the delivery's as_at_date. Two columns of our own, current_rank and received_at, are
    there too; staging models leave them out.
-#}
{%- macro current_rows(source_relation, key_columns) -%}
    select ranked.*
    from (
        select
            landed.*,
            deliveries.as_at_date,
            row_number() over (
                partition by
                    landed.agency, landed.feed, landed.system
                    {%- for column in key_columns -%}, landed.{{ column }}{%- endfor %}
                order by
                    deliveries.as_at_date desc,
                    landed.extracted_at desc,
                    deliveries.received_at desc,
                    landed.row_number desc,
                    landed.delivery_id desc
            ) as current_rank
        from {{ source_relation }} as landed
        inner join {{ ref('stg_landing__deliveries') }} as deliveries
            on landed.agency = deliveries.agency
            and landed.feed = deliveries.feed
            and landed.delivery_id = deliveries.delivery_id
        where deliveries.is_in_force
    ) as ranked
    where ranked.current_rank = 1 and ranked.record_action <> 'delete'
{%- endmacro -%}

{#-
    Columns as one value, for hashing.
-#}
{%- macro row_of(columns) -%}
    struct_pack({% for column in columns %}{{ column }} := {{ column }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro -%}

{#-
    A post-hook that writes a model to the work folder for the stage outside dbt that reads it, in the order of a column
    and by one thread, so that the same rows give the same bytes. dbt-duckdb's own materialisation `external` is not used:
    it writes a row of nulls when there is none, and a reader would take that for a person.
-#}
{%- macro export_parquet(relation, file_name, order_by) -%}
    copy (select * from {{ relation }} order by {{ order_by }})
    to '{{ env_var("DOLEN_WORK") }}/{{ file_name }}' (format parquet, compression zstd)
{%- endmacro -%}
