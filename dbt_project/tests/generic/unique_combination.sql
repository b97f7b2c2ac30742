{#- No two rows share the values of the columns; a null counts as a value. -#}
{% test unique_combination(model, columns) %}

    select {{ columns | join(', ') }} from {{ model }} group by {{ columns | join(', ') }} having count(*) > 1

{% endtest %}
