{%- set fields = ['forename', 'surname', 'birth_date', 'sex', 'nhs_number', 'upn', 'address_line', 'postcode'] -%}
{%- set compared = ['birth_date', 'sex', 'surname'] -%}
with

    deliveries as (

        select *
        from {{ ref('stg_landing__deliveries') }}
        where state = 'landed' and as_at_date <= {{ as_of() }}

    ),

    persons as (select * from {{ ref('persons') }}),

    record_children as (select * from {{ ref('int_record_children') }}),

    lags as (select * from {{ ref('int_recording_lags') }}),

    labels as (select * from {{ ref('status_labels') }}),

    -- 1. Completeness: fields filled in the records that speak for as_of. The unborn have neither name nor
    -- birth date,
    -- and records merged into another are gone.
    current_persons as (

        select *
        from persons
        where merged_into_record_key is null and not is_unborn and data_current_to <= {{ as_of() }}

    ),

    completeness as (

        {% for field in fields %}
            select
                'completeness' as dimension,
                'field_filled' as measure,
                '{{ field }}' as detail,
                agency,
                feed,
                system,
                cast(null as varchar) as other_agency,
                {{ month_of('max(data_current_to)') }} as period_start_date,
                count({{ field }}) as numerator,
                count(*) as denominator,
                cast(null as varchar) as rule_id,
                cast(null as varchar) as rule_status
            from current_persons
            group by agency, feed, system {{ 'union all' if not loop.last }}
        {% endfor %}

    ),

    -- 2. Validity: records and findings of the deliveries of a month, by the rule of the contract they broke
    findings as (

        {% for measure in ['rejects', 'warnings', 'repairs'] %}
            select
                'finding_{{ measure }}' as measure,
                agency,
                feed,
                system,
                {{ month_of('as_at_date') }} as period_start_date,
                {{ rule_counts(measure ~ '_by_rule') }}
            from deliveries
            where {{ measure }}_by_rule is not null {{ 'union all' if not loop.last }}
        {% endfor %}

    ),

    received as (

        select
            agency,
            feed,
            system,
            {{ month_of('as_at_date') }} as period_start_date,
            sum(records_in) as records_in,
            sum(records_quarantined) as records_quarantined,
            sum(records_duplicate) as records_duplicate
        from deliveries
        group by agency, feed, system, {{ month_of('as_at_date') }}

    ),

    found as (

        select measure, agency, feed, system, period_start_date, rule_id, sum(rule_count) as rule_count
        from findings
        group by measure, agency, feed, system, period_start_date, rule_id

    ),

    validity as (

        select
            'validity' as dimension,
            found.measure,
            found.rule_id as detail,
            found.agency,
            found.feed,
            found.system,
            cast(null as varchar) as other_agency,
            found.period_start_date,
            found.rule_count as numerator,
            received.records_in as denominator,
            cast(null as varchar) as rule_id,
            cast(null as varchar) as rule_status
        from found
        inner join
            received
            on found.agency = received.agency
            and found.feed = received.feed
            and found.system = received.system
            and found.period_start_date = received.period_start_date

        union all

        select
            'validity' as dimension,
            'quarantined' as measure,
            cast(null as varchar) as detail,
            agency,
            feed,
            system,
            cast(null as varchar) as other_agency,
            period_start_date,
            records_quarantined as numerator,
            records_in as denominator,
            cast(null as varchar) as rule_id,
            cast(null as varchar) as rule_status
        from received

    ),

    -- 3. Uniqueness: records sent twice in a month, and records whose child has no other record in the same
    -- system
    child_records as (

        select agency, feed, system, child_id, count(*) as records
        from record_children
        group by agency, feed, system, child_id

    ),

    currencies as (

        select agency, feed, system, {{ month_of('max(data_current_to)') }} as period_start_date
        from persons
        where data_current_to <= {{ as_of() }}
        group by agency, feed, system

    ),

    uniqueness as (

        select
            'uniqueness' as dimension,
            'sent_twice' as measure,
            cast(null as varchar) as detail,
            agency,
            feed,
            system,
            cast(null as varchar) as other_agency,
            period_start_date,
            records_duplicate as numerator,
            records_in as denominator,
            cast(null as varchar) as rule_id,
            cast(null as varchar) as rule_status
        from received

        union all

        select
            'uniqueness' as dimension,
            'only_record_of_child' as measure,
            cast(null as varchar) as detail,
            child_records.agency,
            child_records.feed,
            child_records.system,
            cast(null as varchar) as other_agency,
            currencies.period_start_date,
            sum(case when child_records.records = 1 then 1 else 0 end) as numerator,
            sum(child_records.records) as denominator,
            cast(null as varchar) as rule_id,
            cast(null as varchar) as rule_status
        from child_records
        inner join
            currencies
            on child_records.agency = currencies.agency
            and child_records.feed = currencies.feed
            and child_records.system = currencies.system
        group by child_records.agency, child_records.feed, child_records.system, currencies.period_start_date

    ),

    -- 4. Timeliness: from the event to its record, where a feed has both days. A record dated before its
    -- event is never
    -- in time; it is counted by itself.
    timeliness as (

        select
            'timeliness' as dimension,
            'recorded_in_time' as measure,
            event as detail,
            agency,
            feed,
            system,
            cast(null as varchar) as other_agency,
            {{ month_of('as_at_date') }} as period_start_date,
            sum(case when is_in_time then 1 else 0 end) as numerator,
            count(*) as denominator,
            max(rule_id) as rule_id,
            max(rule_status) as rule_status
        from lags
        where due_date is not null
        group by event, agency, feed, system, {{ month_of('as_at_date') }}

        union all

        select
            'validity' as dimension,
            'dates_in_order' as measure,
            event as detail,
            agency,
            feed,
            system,
            cast(null as varchar) as other_agency,
            {{ month_of('as_at_date') }} as period_start_date,
            sum(case when is_in_order then 1 else 0 end) as numerator,
            count(*) as denominator,
            cast(null as varchar) as rule_id,
            cast(null as varchar) as rule_status
        from lags
        group by event, agency, feed, system, {{ month_of('as_at_date') }}

    ),

    -- 5. Agreement: of the children that two agencies know with a value, those of whom they share one
    known_children as (

        select
            record_children.child_id,
            current_persons.agency,
            {% for field in compared %} current_persons.{{ field }}{{ ',' if not loop.last }} {% endfor %}
        from current_persons
        inner join record_children on current_persons.record_key = record_children.record_key

    ),

    child_pairs as (

        select
            one.child_id,
            one.agency,
            other.agency as other_agency,
            {% for field in compared %}
                max(
                    case
                        when one.{{ field }} = other.{{ field }}
                        then 1
                        when one.{{ field }} <> other.{{ field }}
                        then 0
                    end
                ) as same_{{ field }}{{ ',' if not loop.last }}
            {% endfor %}
        from known_children as one
        inner join known_children as other on one.child_id = other.child_id and one.agency < other.agency
        group by one.child_id, one.agency, other.agency

    ),

    agreement as (

        {% for field in compared %}
            select
                'agreement' as dimension,
                'agencies_agree' as measure,
                '{{ field }}' as detail,
                agency,
                cast(null as varchar) as feed,
                cast(null as varchar) as system,
                other_agency,
                {{ month_of(as_of()) }} as period_start_date,
                sum(same_{{ field }}) as numerator,
                count(same_{{ field }}) as denominator,
                cast(null as varchar) as rule_id,
                cast(null as varchar) as rule_status
            from child_pairs
            where same_{{ field }} is not null
            group by agency, other_agency {{ 'union all' if not loop.last }}
        {% endfor %}

    ),

    measured as (

        select *
        from completeness
        union all
        select *
        from validity
        union all
        select *
        from uniqueness
        union all
        select *
        from timeliness
        union all
        select *
        from agreement

    )

-- 6. With labels; a rule of a contract is its own label
select
    measured.dimension
    || '|'
    || measured.measure
    || '|'
    || coalesce(measured.detail, '')
    || '|'
    || measured.agency
    || '|'
    || coalesce(measured.feed, '')
    || '|'
    || coalesce(measured.system, '')
    || '|'
    || coalesce(measured.other_agency, '')
    || '|'
    || cast(measured.period_start_date as varchar) as quality_key,
    measured.dimension,
    dimension_labels.label_en as dimension_label_en,
    dimension_labels.label_cy as dimension_label_cy,
    measured.measure,
    measure_labels.label_en as measure_label_en,
    measure_labels.label_cy as measure_label_cy,
    measured.detail,
    coalesce(detail_labels.label_en, measured.detail) as detail_label_en,
    coalesce(detail_labels.label_cy, measured.detail) as detail_label_cy,
    measured.agency,
    measured.feed,
    measured.system,
    measured.other_agency,
    measured.period_start_date,
    cast(measured.numerator as bigint) as numerator,
    cast(measured.denominator as bigint) as denominator,
    case
        when measured.denominator > 0
        then cast(measured.numerator as double) / cast(measured.denominator as double)
    end as value,
    measured.measure in (
        'field_filled', 'only_record_of_child', 'recorded_in_time', 'dates_in_order', 'agencies_agree'
    ) as is_higher_better,
    measured.rule_id,
    measured.rule_status,
    {{ as_of() }} as as_of_date
from measured
left join
    labels as dimension_labels
    on dimension_labels.code_set = 'quality_dimension'
    and measured.dimension = dimension_labels.code
left join
    labels as measure_labels
    on measure_labels.code_set = 'quality_measure'
    and measured.measure = measure_labels.code
left join
    labels as detail_labels
    on detail_labels.code_set = 'quality_detail'
    and measured.detail = detail_labels.code
order by quality_key
