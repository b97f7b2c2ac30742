{#-
    One shape for every event of a child's life.
    Put here: the columns that all events share. Keep out: which events there are (models and the seed event_types).
-#}
{#-
    A select of one kind of event from a staging model with a record_key.

    event_type: a code of the seed event_types. event_date: the day it happened. source_id: the source's own id of the row.
    detail_code: the source's code that says more. recorded_date: the day it was written down, where the source says
    so. group_key: what brothers and sisters share, a meeting or an incident. raised_by: the agency that first saw it, when
    that is not the one that wrote it down: a referral of the police is the police's.
-#}
{%- macro event_rows(
    relation,
    event_type,
    event_date,
    source_id,
    detail_code='null',
    recorded_date='null',
    group_key='null',
    raised_by='agency',
    condition='true'
) -%}
    select
        {{ event_type }} as event_type,
        cast({{ event_date }} as date) as event_date,
        cast({{ recorded_date }} as date) as recorded_date,
        cast({{ detail_code }} as varchar) as detail_code,
        cast({{ group_key }} as varchar) as group_key,
        cast({{ raised_by }} as varchar) as raised_by,
        record_key,
        agency,
        feed,
        system,
        cast({{ source_id }} as varchar) as source_id,
        delivery_id,
        source_file,
        row_number
    from {{ relation }}
    where {{ event_date }} is not null and {{ condition }}
{%- endmacro -%}
