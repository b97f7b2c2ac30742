{%- set fields = ['forename', 'surname', 'birth_date', 'sex', 'nhs_number', 'upn', 'postcode'] -%}
with

    episodes as (select * from {{ ref('int_open_episodes') }}),

    children as (select * from {{ ref('int_clock_children') }}),

    records as (select record_key, child_id, agency, feed, system from {{ ref('int_record_children') }}),

    persons as (select * from {{ ref('persons') }}),

    events as (select * from {{ ref('int_child_events') }}),

    pupils as (select * from {{ ref('stg_education_school_census__pupils') }}),

    key_fields as (select * from {{ ref('record_key_fields') }}),

    agencies as (select agency, label_en, label_cy from {{ ref('agencies') }}),

    labels as (select * from {{ ref('status_labels') }}),

    rules as (select rule_id, rule_unit, rule_value from {{ ref('int_rules_in_force') }}),

    -- 1. Which agency should know of which child's episode. Ages bound it where the seed names rules; a
    -- child whose birth date nobody knows is asked about, one unborn is not
    expected as (

        select
            episodes.episode_key,
            episodes.episode_kind,
            episodes.child_id,
            episodes.started_date,
            episodes.delivery_ids as episode_delivery_ids,
            who_knows.agency,
            who_knows.rule_id,
            children.link_confidence
        from episodes
        inner join
            {{ ref('episode_agencies') }} as who_knows on episodes.episode_kind = who_knows.episode_kind
        left join children on episodes.child_id = children.child_id
        left join rules as from_age on who_knows.from_age_rule_id = from_age.rule_id
        left join rules as until_age on who_knows.until_age_rule_id = until_age.rule_id
        where
            coalesce(children.adult_birthday > {{ as_of() }}, true)
            and not coalesce(
                {{ clock_add('children.birth_date', 'from_age.rule_unit', 'from_age.rule_value') }}
                > {{ as_of() }},
                who_knows.from_age_rule_id is not null
                and children.birth_date is null
                and children.expected_birth_date is not null
            )
            and coalesce(
                {{ clock_add('children.birth_date', 'until_age.rule_unit', 'until_age.rule_value') }}
                > {{ as_of() }},
                true
            )

    ),

    -- 2. Entries of an agency about a child: its dated events, by the day they were written down where the
    -- feed says so, and each census that has the pupil on roll
    entries as (

        select child_id, agency, coalesce(recorded_date, event_date) as entry_date, delivery_id
        from events

        union all

        select records.child_id, records.agency, pupils.as_at_date as entry_date, pupils.delivery_id
        from pupils
        inner join records on pupils.record_key = records.record_key
        where pupils.roll_status = 'on_roll'

    ),

    last_entries as (

        select child_id, agency, entry_date, delivery_id
        from
            (
                select
                    *,
                    row_number() over (
                        partition by child_id, agency order by entry_date desc, delivery_id
                    ) as preference
                from entries
                where entry_date <= {{ as_of() }}
            ) as ranked
        where preference = 1

    ),

    -- 3. How far the feeds that know persons reach, an agency's best one. A delivery of a later day also
    -- knows what came before as_of
    reach as (

        select deliveries.agency, max(deliveries.as_at_date) as data_current_to
        from {{ ref('stg_landing__deliveries') }} as deliveries
        inner join
            (select distinct agency, feed, system from records) as person_feeds
            on deliveries.agency = person_feeds.agency
            and deliveries.feed = person_feeds.feed
            and deliveries.system = person_feeds.system
        where deliveries.state = 'landed'
        group by deliveries.agency

    ),

    -- 4. Key fields that no record of the agency fills. The unborn have neither name nor birth date
    filled as (

        {% for field in fields %}
            select
                records.child_id,
                records.agency,
                '{{ field }}' as field,
                count(persons.{{ field }}) as records_filled
            from persons
            inner join records on persons.record_key = records.record_key
            where persons.merged_into_record_key is null and not persons.is_unborn
            group by records.child_id, records.agency {{ 'union all' if not loop.last }}
        {% endfor %}

    ),

    missing as (

        select
            filled.child_id,
            filled.agency,
            cast(
                count(case when filled.records_filled = 0 then 1 end) as integer
            ) as key_fields_missing_count,
            {{ clock_distinct_list("case when filled.records_filled = 0 then filled.field end") }}
            as key_fields_missing
        from filled
        inner join key_fields on filled.agency = key_fields.agency and filled.field = key_fields.field
        group by filled.child_id, filled.agency

    ),

    known as (select distinct child_id, agency from records),

    -- 5. The clock to the next entry. It starts with the last entry, at the earliest with the episode: what
    -- was written before says nothing of it
    clocks as (

        select
            expected.*,
            known.child_id is not null as has_record,
            last_entries.entry_date as last_entry_date,
            coalesce(last_entries.entry_date >= expected.started_date, false) as has_entry_since_start,
            case
                when last_entries.entry_date > expected.started_date
                then last_entries.entry_date
                else expected.started_date
            end as clock_start_date,
            last_entries.delivery_id as entry_delivery_ids,
            reach.data_current_to,
            missing.key_fields_missing_count,
            missing.key_fields_missing
        from expected
        left join known on expected.child_id = known.child_id and expected.agency = known.agency
        left join
            last_entries
            on expected.child_id = last_entries.child_id
            and expected.agency = last_entries.agency
        left join reach on expected.agency = reach.agency
        left join missing on expected.child_id = missing.child_id and expected.agency = missing.agency

    ),

    due as ({{ clock_due_dates('clocks') }}),

    -- 6. Silence is evidence only as far as the agency's data reach
    reasoned as (

        select
            *,
            case
                when data_current_to is null
                then 'not_supplied'
                when due_date is null and rule_source is not null and rule_value is null
                then 'no_number'
                when due_date is null
                then {{ clock_reason_without_due('clock_start_date', 'rule_source', 'due_date') }}
                when due_date < {{ as_of() }} and data_current_to < due_date
                then 'data_end_before_due'
            end as why_not_computable
        from due

    ),

    judged as (

        select
            *,
            {{ clock_status('due_date', 'cast(null as date)', not_computable='why_not_computable') }}
            as clock_state
        from reasoned

    ),

    statuses as (

        select
            *,
            case
                when clock_state = 'overdue'
                then 'stale'
                when clock_state = 'due' and has_entry_since_start
                then 'current'
                when clock_state = 'due'
                then 'awaited'
                else clock_state
            end as currency_status
        from judged

    ),

    -- 7. Where the facts of a row came from
    deliveries as (

        select episode_key, agency, {{ clock_split_list('episode_delivery_ids') }} as delivery_id
        from statuses

        union all

        select episode_key, agency, {{ clock_split_list('entry_delivery_ids') }} as delivery_id
        from statuses
        where entry_delivery_ids is not null

    ),

    sources_of_row as (

        select episode_key, agency, {{ clock_distinct_list('delivery_id') }} as source_delivery_ids
        from deliveries
        group by episode_key, agency

    )

select
    statuses.episode_key || '|' || statuses.agency as currency_key,
    statuses.episode_key,
    statuses.child_id,
    statuses.episode_kind,
    kind_labels.label_en as episode_kind_label_en,
    kind_labels.label_cy as episode_kind_label_cy,
    statuses.started_date as episode_started_date,
    statuses.agency,
    agencies.label_en as agency_label_en,
    agencies.label_cy as agency_label_cy,
    statuses.has_record,
    statuses.last_entry_date,
    {{ clock_days_between('statuses.last_entry_date', as_of()) }} as days_since_last_entry,
    statuses.has_entry_since_start,
    statuses.clock_start_date,
    statuses.due_date as next_entry_due_date,
    statuses.currency_status,
    status_labels.label_en as currency_status_label_en,
    status_labels.label_cy as currency_status_label_cy,
    statuses.why_not_computable,
    {{ clock_days_overdue('statuses.clock_state', 'statuses.due_date') }} as days_stale,
    statuses.key_fields_missing_count,
    statuses.key_fields_missing,
    statuses.rule_id,
    statuses.rule_status,
    statuses.rule_source,
    statuses.is_local_rule,
    statuses.link_confidence,
    sources_of_row.source_delivery_ids,
    statuses.data_current_to,
    {{ as_of() }} as as_of_date
from statuses
left join
    sources_of_row
    on statuses.episode_key = sources_of_row.episode_key
    and statuses.agency = sources_of_row.agency
left join agencies on statuses.agency = agencies.agency
left join
    labels as kind_labels
    on statuses.episode_kind = kind_labels.code
    and kind_labels.code_set = 'open_episode'
left join
    labels as status_labels
    on statuses.currency_status = status_labels.code
    and status_labels.code_set = 'currency_status'
order by currency_key
