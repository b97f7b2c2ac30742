with

    -- Training and debugging messages have patients who are nobody; they stay in staging
    health_adt as (

        select *
        from {{ ref('stg_health_adt__patients') }}
        where coalesce(processing_id, 'P') not in ('T', 'D')

    ),

    health_fhir as (select * from {{ ref('stg_health_fhir__patients') }}),

    police as (select * from {{ ref('stg_police_ppn__notification_persons') }}),

    education as (select * from {{ ref('stg_education_school_census__pupils') }}),

    social_care as (select * from {{ ref('stg_social_care__persons') }}),

    social_care_identifiers as (select * from {{ ref('stg_social_care__identifiers') }}),

    social_care_addresses as (select * from {{ ref('stg_social_care__addresses') }}),

    end_of_childhood as (

        select value as age
        from {{ ref('statutory_rules') }}
        where rule_id = 'child_until_age' and jurisdiction = '{{ var("jurisdiction") }}'

    ),

    -- 1. Health: every message says what the patient looked like then
    adt_states as (

        select
            record_key,
            agency,
            feed,
            system,
            source_person_id,
            as_at_date,
            coalesce(event_at, extracted_at) as state_at,
            0 as state_rank,
            row_number,
            forename,
            middle_names,
            surname,
            birth_date,
            cast(null as date) as expected_birth_date,
            case
                when birth_date is null then try_cast(substr(birth_at, 1, 4) as integer)
            end as estimated_birth_year,
            false as is_unborn,
            sex,
            nhs_number,
            nhs_number_status,
            cast(null as varchar) as upn,
            address_line,
            postcode,
            deleted_columns,
            false as is_sealed,
            cast(null as varchar) as family_group_id,
            {{ london_date('coalesce(event_at, extracted_at)') }} as seen_date
        from health_adt

    ),

    -- A birth date known to the month or year only is no date to compare: the year counts as an estimate
    fhir_states as (

        select
            record_key,
            agency,
            feed,
            system,
            source_person_id,
            as_at_date,
            extracted_at as state_at,
            0 as state_rank,
            row_number,
            forename,
            middle_names,
            surname,
            case when coalesce(birth_date_precision, 'day') = 'day' then birth_date end as birth_date,
            cast(null as date) as expected_birth_date,
            case
                when birth_date_precision in ('month', 'year') then cast(year(birth_date) as integer)
            end as estimated_birth_year,
            false as is_unborn,
            coalesce(sex, gender) as sex,
            nhs_number,
            nhs_number_status,
            cast(null as varchar) as upn,
            address_line,
            postcode,
            cast(null as varchar) as deleted_columns,
            false as is_sealed,
            cast(null as varchar) as family_group_id,
            as_at_date as seen_date
        from health_fhir

    ),

    -- 2. Police: children only; a birth date that the officer did not know is an estimate of the year
    police_states as (

        select
            police.agency || '|' || police.system || '|' || police.police_person_id as record_key,
            police.agency,
            police.feed,
            police.system,
            police.police_person_id as source_person_id,
            police.as_at_date,
            police.created_at as state_at,
            0 as state_rank,
            police.row_number,
            police.given_name as forename,
            police.middle_name as middle_names,
            police.surname,
            case when coalesce(police.date_of_birth_known, true) then police.date_of_birth end as birth_date,
            cast(null as date) as expected_birth_date,
            case
                when coalesce(police.date_of_birth_known, true) and police.date_of_birth is not null
                then null
                when police.estimated_age is not null
                then cast(year({{ london_date('police.created_at') }}) - police.estimated_age as integer)
                else cast(year(police.date_of_birth) as integer)
            end as estimated_birth_year,
            false as is_unborn,
            police.sex,
            cast(null as varchar) as nhs_number,
            cast(null as varchar) as nhs_number_status,
            cast(null as varchar) as upn,
            police.address_line,
            police.postcode,
            cast(null as varchar) as deleted_columns,
            false as is_sealed,
            cast(null as varchar) as family_group_id,
            {{ london_date('police.created_at') }} as seen_date
        from police
        cross join end_of_childhood
        where
            police.is_child
            or (
                police.is_child is null
                and coalesce(
                    year({{ london_date('police.created_at') }}) - year(police.date_of_birth),
                    police.estimated_age,
                    0
                )
                < end_of_childhood.age
            )

    ),

    -- 3. Education: a row a school and roll; a pupil on a roll now counts before one who left
    education_states as (

        select
            record_key,
            agency,
            feed,
            system,
            source_person_id,
            as_at_date,
            extracted_at as state_at,
            case when roll_status = 'on_roll' then 1 else 0 end as state_rank,
            row_number,
            forename,
            middle_names,
            coalesce(surname, preferred_surname) as surname,
            birth_date,
            cast(null as date) as expected_birth_date,
            cast(null as integer) as estimated_birth_year,
            false as is_unborn,
            sex,
            cast(null as varchar) as nhs_number,
            cast(null as varchar) as nhs_number_status,
            upn,
            address_line,
            postcode,
            cast(null as varchar) as deleted_columns,
            false as is_sealed,
            cast(null as varchar) as family_group_id,
            as_at_date as seen_date
        from education

    ),

    -- 4. Social care: the case record, its identifiers where the record itself has none, and the address
    -- that holds now
    ranked_identifiers as (

        select
            record_key,
            agency,
            feed,
            system,
            identifier_type,
            identifier_value,
            row_number() over (
                partition by record_key, feed, identifier_type
                order by
                    case when valid_to is null then 0 else 1 end, valid_from desc nulls last, identifier_value
            ) as preference
        from social_care_identifiers
        where identifier_type in ('nhs_number', 'upn') and (valid_to is null or valid_to > {{ as_of() }})

    ),

    identifiers as (

        select
            record_key,
            feed,
            max(case when identifier_type = 'nhs_number' then identifier_value end) as nhs_number,
            max(case when identifier_type = 'upn' then identifier_value end) as upn
        from ranked_identifiers
        where preference = 1
        group by record_key, feed

    ),

    ranked_addresses as (

        select
            record_key,
            feed,
            address_line,
            postcode,
            row_number() over (
                partition by record_key, feed
                order by
                    case when valid_to is null or valid_to > {{ as_of() }} then 0 else 1 end,
                    case address_type when 'home' then 0 when 'placement' then 1 else 2 end,
                    valid_from desc nulls last,
                    row_number desc
            ) as preference
        from social_care_addresses
        where not coalesce(is_confidential, false) and (valid_from is null or valid_from <= {{ as_of() }})

    ),

    social_care_states as (

        select
            social_care.record_key,
            social_care.agency,
            social_care.feed,
            social_care.system,
            social_care.source_person_id,
            social_care.as_at_date,
            social_care.extracted_at as state_at,
            0 as state_rank,
            social_care.row_number,
            social_care.forename,
            social_care.middle_names,
            social_care.surname,
            social_care.birth_date,
            social_care.expected_birth_date,
            cast(null as integer) as estimated_birth_year,
            coalesce(social_care.is_unborn, false) and social_care.birth_date is null as is_unborn,
            social_care.sex,
            coalesce(social_care.nhs_number, identifiers.nhs_number) as nhs_number,
            cast(null as varchar) as nhs_number_status,
            coalesce(social_care.upn, identifiers.upn) as upn,
            addresses.address_line,
            addresses.postcode,
            cast(null as varchar) as deleted_columns,
            coalesce(social_care.is_sealed, false) as is_sealed,
            social_care.family_group_id,
            social_care.as_at_date as seen_date
        from social_care
        left join
            identifiers
            on social_care.record_key = identifiers.record_key
            and social_care.feed = identifiers.feed
        left join
            ranked_addresses as addresses
            on social_care.record_key = addresses.record_key
            and social_care.feed = addresses.feed
            and addresses.preference = 1

    ),

    united as (

        select *
        from adt_states
        union all
        select *
        from fhir_states
        union all
        select *
        from police_states
        union all
        select *
        from education_states
        union all
        select *
        from social_care_states

    ),

    -- 5. One spelling for all, and which state of a record is the newest
    standardised as (

        select
            record_key,
            agency,
            feed,
            system,
            source_person_id,
            as_at_date,
            {{ standardise_forename('forename') }} as forename,
            {{ standardise_forename('middle_names') }} as middle_names,
            {{ standardise_surname('surname') }} as surname,
            birth_date,
            expected_birth_date,
            estimated_birth_year,
            is_unborn,
            {{ standardise_sex('sex') }} as sex,
            {{ squeeze_identifier('nhs_number') }} as nhs_number,
            {{ nhs_number_reason('nhs_number') }} as nhs_number_reason,
            nhs_number_status,
            {{ squeeze_identifier('upn') }} as upn,
            {{ upn_reason('upn') }} as upn_reason,
            {{ standardise_address('address_line') }} as address_line,
            {{ standardise_postcode('postcode') }} as postcode,
            deleted_columns,
            is_sealed,
            family_group_id,
            seen_date,
            row_number() over (
                partition by record_key order by as_at_date, state_at, state_rank, row_number
            ) as recency
        from united

    )

select *
from standardised
