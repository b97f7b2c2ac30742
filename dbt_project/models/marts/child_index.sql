with

    records as (select * from {{ ref('int_record_children') }}),

    persons as (select * from {{ ref('persons') }}),

    rules as (select * from {{ ref('int_rules_in_force') }}),

    looked_after as (select * from {{ ref('int_looked_after_periods') }}),

    registrations as (select * from {{ ref('int_registrations') }}),

    pairs as (select * from {{ ref('stg_linkage__pairs') }}),

    agencies as (select * from {{ ref('agencies') }}),

    -- 1. Every record of a child, the most trusted first: live before merged, then by agency, then by date
    ranked as (

        select
            records.child_id,
            records.link_confidence,
            records.link_method,
            persons.*,
            case
                records.link_method
                when 'probabilistic'
                then 4
                when 'identifier'
                then 3
                when 'merge'
                then 2
                else 1
            end as method_weakness,
            row_number() over (
                partition by records.child_id
                order by
                    case when persons.merged_into_record_key is null then 0 else 1 end,
                    agencies.preference,
                    persons.data_current_to desc,
                    persons.record_key
            ) as preference
        from records
        inner join persons on records.record_key = persons.record_key
        inner join agencies on persons.agency = agencies.agency

    ),

    -- 2. One row a child: the most trusted value of each field, and whether the records agree
    children as (

        select
            child_id,
            {{ most_trusted('forename') }} as forename,
            {{ most_trusted('middle_names') }} as middle_names,
            {{ most_trusted('surname') }} as surname,
            {{ most_trusted('birth_date') }} as birth_date,
            {{ most_trusted('expected_birth_date') }} as expected_birth_date,
            {{ most_trusted('estimated_birth_year') }} as estimated_birth_year,
            {{ most_trusted('sex') }} as sex,
            coalesce(
                {{ most_trusted('case when is_nhs_number_verified then nhs_number end') }},
                {{ most_trusted('nhs_number') }}
            ) as nhs_number,
            max(case when is_nhs_number_verified then 1 else 0 end) = 1 as is_nhs_number_verified,
            {{ most_trusted('upn') }} as upn,
            min(case when is_unborn then 1 else 0 end) = 1 as is_unborn,
            max(case when is_sealed then 1 else 0 end) = 1 as is_sealed,
            {{ joined_set("case when agency = 'social_care' then source_person_id end") }}
            as social_care_person_ids,
            {{ joined_set("case when agency = 'health' then source_person_id end") }} as health_person_ids,
            {{ joined_set("case when agency = 'education' then source_person_id end") }}
            as education_person_ids,
            {{ joined_set("case when agency = 'police' then source_person_id end") }} as police_person_ids,
            {{ joined_set('agency') }} as agencies,
            cast(count(distinct agency) as integer) as agencies_count,
            cast(count(distinct agency || '|' || system) as integer) as systems_count,
            cast(count(*) as integer) as records_count,
            min(link_confidence) as link_confidence,
            max_by(link_method, method_weakness) as link_method,
            count(distinct birth_date) > 1 as has_birth_date_conflict,
            count(distinct nhs_number) > 1 as has_nhs_number_conflict,
            min(data_current_to) as data_current_to
        from ranked
        group by child_id

    ),

    -- 3. Statuses on as_of
    current_looked_after as (

        select child_id, min(started_date) as looked_after_since_date
        from looked_after
        where is_counted
        group by child_id

    ),

    on_register as (

        select child_id, min(registered_date) as on_register_since_date
        from registrations
        where
            registered_date <= {{ as_of() }}
            and (deregistered_date is null or deregistered_date > {{ as_of() }})
        group by child_id

    ),

    -- 4. Pairs that wait for a person and would join this child to another
    review_sides as (

        select left_records.child_id, right_records.child_id as other_child_id
        from pairs
        inner join records as left_records on pairs.record_key_l = left_records.record_key
        inner join records as right_records on pairs.record_key_r = right_records.record_key
        where pairs.decision = 'review' and left_records.child_id <> right_records.child_id

    ),

    reviews as (

        select child_id, cast(count(distinct other_child_id) as integer) as possible_matches_count
        from
            (
                select child_id, other_child_id
                from review_sides
                union all
                select other_child_id as child_id, child_id as other_child_id
                from review_sides
            ) as both_sides
        group by child_id

    ),

    childhood as (select rule_value, rule_unit from rules where rule_id = 'child_until_age'),

    -- 5. Children only: not yet of age, of unknown age, or in a child's service
    described as (

        select
            children.*,
            {{ clock_add('children.birth_date', 'childhood.rule_unit', 'childhood.rule_value') }}
            as adult_birthday,
            current_looked_after.looked_after_since_date,
            on_register.on_register_since_date,
            coalesce(reviews.possible_matches_count, 0) as possible_matches_count
        from children
        left join childhood on true
        left join current_looked_after on children.child_id = current_looked_after.child_id
        left join on_register on children.child_id = on_register.child_id
        left join reviews on children.child_id = reviews.child_id

    )

select
    child_id,
    nhs_number,
    is_nhs_number_verified,
    upn,
    social_care_person_ids,
    health_person_ids,
    education_person_ids,
    police_person_ids,
    forename,
    middle_names,
    surname,
    birth_date,
    expected_birth_date,
    case when birth_date is null then estimated_birth_year end as estimated_birth_year,
    is_unborn,
    sex,
    agencies,
    agencies_count,
    systems_count,
    records_count,
    looked_after_since_date is not null as is_looked_after,
    looked_after_since_date,
    on_register_since_date is not null as is_on_register,
    on_register_since_date,
    link_confidence,
    link_method,
    has_birth_date_conflict,
    has_nhs_number_conflict,
    possible_matches_count,
    is_sealed,
    data_current_to,
    {{ as_of() }} as as_of_date
from described
where
    adult_birthday is null
    or adult_birthday > {{ as_of() }}
    or looked_after_since_date is not null
    or on_register_since_date is not null
order by child_id
