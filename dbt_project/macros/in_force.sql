{#-
    Which deliveries and rows speak for the date of the build.
    Put here: as_of, the schema of a layer, and the choice of the current row. Keep out: what a row means.
-#}
{#- A layer is a schema of that name, without the target's own in front: everyone says marts.child_index. -#}
{%- macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro -%}

{#- The date the build speaks for. There is no default: a build that forgot it must fail. -#}
{%- macro as_of() -%} cast('{{ var("as_of") }}' as date) {%- endmacro -%}

{#-
    The current rows of a landed table: of the deliveries in force, the newest row of each key, unless it says
    that the record was deleted. Adds the delivery's as_at_date, and current_rank, which staging leaves out. With
    first_seen also first_as_at_date, the date of the delivery that first had the key: that reads the rows of every delivery up
    to as_of, so only feeds of events ask for it.
-#}
{%- macro current_rows(source_relation, key_columns, first_seen=false) -%}
    select ranked.*
    from
        (
            select
                landed.*,
                deliveries.as_at_date,
                {% if first_seen %}
                    deliveries.is_in_force,
                    min(deliveries.as_at_date) over (
                        partition by
                            landed.agency,
                            landed.feed,
                            landed.system,
                            landed.{{ key_columns | join(', landed.') }}
                    ) as first_as_at_date,
                {% endif %}
                row_number() over (
                    partition by
                        landed.agency,
                        landed.feed,
                        landed.system,
                        landed.{{ key_columns | join(', landed.') }}
                    order by
                        {% if first_seen %} deliveries.is_in_force desc, {% endif %}
                        deliveries.as_at_date desc,
                        landed.extracted_at desc,
                        deliveries.received_at desc,
                        landed.row_number desc,
                        landed.delivery_id desc
                ) as current_rank
            from {{ source_relation }} as landed
            inner join
                {{ ref('stg_landing__deliveries') }} as deliveries
                on landed.agency = deliveries.agency
                and landed.feed = deliveries.feed
                and landed.delivery_id = deliveries.delivery_id
            where
                {% if first_seen %}
                    deliveries.is_in_force
                    or (deliveries.state = 'landed' and deliveries.as_at_date <= {{ as_of() }})
                {% else %} deliveries.is_in_force
                {% endif %}
        ) as ranked
    where
        ranked.current_rank = 1 and ranked.record_action <> 'delete'
        {% if first_seen %} and ranked.is_in_force {% endif %}
{%- endmacro -%}

{#- A hash of several columns: equal when all are, nulls included. -#}
{%- macro hash_of(columns) -%} md5(cast(row({{ columns | join(', ') }}) as varchar)) {%- endmacro -%}
