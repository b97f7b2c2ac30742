{#- A total is the sum of its parts in every row. -#}
{% test books_balance(model, total, parts) %}

    select {{ total }} from {{ model }} where {{ total }} <> {{ parts | join(' + ') }}

{% endtest %}
