{{
    config(
        post_hook="{{ export_parquet(this, 'persons.parquet', 'record_key') }}"
    )
}}

with

    states as (select * from {{ ref('int_person_states') }}),

    names as (select * from {{ ref('int_person_names') }}),

    postcodes as (select * from {{ ref('int_person_postcodes') }}),

    former_upns as (select * from {{ ref('int_person_former_upns') }}),

    merges as (select * from {{ ref('int_person_merges') }}),

    nhs_number_statuses as (select * from {{ ref('nhs_number_statuses') }}),

    deliveries as (select * from {{ ref('stg_landing__deliveries') }}),

    feeds as (

        select agency, feed, system, max(as_at_date) as data_current_to
        from deliveries
        where is_in_force
        group by agency, feed, system

    ),

    -- 1. What each record says now: per field the newest value, an address and its postcode from one state,
    -- an identifier
    -- that can be right before one that cannot
    usable as (

        select
            states.*,
            case when coalesce(address_line, postcode) is not null then recency end as address_recency,
            case when nhs_number_reason in ('valid', 'test_range_ok') then nhs_number end as valid_nhs_number,
            case when nhs_number_reason <> 'absent' then nhs_number_reason end as given_nhs_number_reason,
            case when upn_reason in ('valid', 'valid_temporary') then upn end as valid_upn,
            case when upn_reason <> 'absent' then upn_reason end as given_upn_reason
        from states

    ),

    latest as (

        select
            record_key,
            max_by(agency, recency) as agency,
            max_by(feed, recency) as feed,
            max_by(system, recency) as system,
            max_by(source_person_id, recency) as source_person_id,
            {{ newest('forename') }} as forename,
            {{ newest('middle_names') }} as middle_names,
            {{ newest('surname') }} as surname,
            {{ newest('birth_date') }} as birth_date,
            {{ newest('expected_birth_date') }} as expected_birth_date,
            {{ newest('estimated_birth_year') }} as estimated_birth_year,
            max_by(is_unborn, recency) as is_unborn,
            {{ newest('sex') }} as sex,
            {{ newest('valid_nhs_number', 'nhs_number') }} as nhs_number,
            {{ newest('given_nhs_number_reason') }} as given_nhs_number_reason,
            {{ newest('nhs_number_status') }} as nhs_number_status,
            max_by(
                nhs_number_reason, case when valid_nhs_number is not null then recency end
            ) as valid_nhs_number_reason,
            {{ newest('valid_upn') }} as upn,
            {{ newest('given_upn_reason') }} as given_upn_reason,
            max_by(upn_reason, case when valid_upn is not null then recency end) as valid_upn_reason,
            max(case when address_recency is not null then address_recency end) as address_recency,
            max(case when is_sealed then 1 else 0 end) = 1 as is_sealed,
            {{ newest('family_group_id') }} as family_group_id,
            min(seen_date) as first_seen_date
        from usable
        group by record_key

    ),

    current_addresses as (

        select usable.record_key, usable.address_line, usable.postcode
        from usable
        inner join latest on usable.record_key = latest.record_key and usable.recency = latest.address_recency

    ),

    -- 2. History in arrays, without what is current. A sealed record shows none: that would be the path back
    differing_names as (

        select
            names.record_key,
            case
                when names.name_kind = 'forename' and names.name <> coalesce(latest.forename, '')
                then names.name
            end as other_forename,
            case
                when names.name_kind = 'surname' and names.name <> coalesce(latest.surname, '')
                then names.name
            end as other_surname
        from names
        inner join latest on names.record_key = latest.record_key
        where not latest.is_sealed

    ),

    other_names as (

        select
            record_key,
            {{ sorted_set('other_forename') }} as other_forenames,
            {{ sorted_set('other_surname') }} as other_surnames
        from differing_names
        group by record_key

    ),

    differing_postcodes as (

        select postcodes.record_key, postcodes.postcode
        from postcodes
        inner join latest on postcodes.record_key = latest.record_key
        left join current_addresses on postcodes.record_key = current_addresses.record_key
        where not latest.is_sealed and postcodes.postcode <> coalesce(current_addresses.postcode, '')

    ),

    other_postcodes as (

        select record_key, {{ sorted_set('postcode') }} as other_postcodes
        from differing_postcodes
        group by record_key

    ),

    differing_upns as (

        select former_upns.record_key, former_upns.upn
        from former_upns
        inner join latest on former_upns.record_key = latest.record_key
        where not latest.is_sealed and former_upns.upn <> coalesce(latest.upn, '')

    ),

    other_upns as (

        select record_key, {{ sorted_set('upn') }} as former_upns from differing_upns group by record_key

    ),

    joined as (

        select
            latest.record_key,
            latest.agency,
            latest.feed,
            latest.system,
            latest.source_person_id,
            latest.forename,
            latest.middle_names,
            latest.surname,
            coalesce(other_names.other_forenames, {{ sorted_set_empty() }}) as other_forenames,
            coalesce(other_names.other_surnames, {{ sorted_set_empty() }}) as other_surnames,
            latest.birth_date,
            latest.expected_birth_date,
            case when latest.birth_date is null then latest.estimated_birth_year end as estimated_birth_year,
            coalesce(latest.is_unborn and latest.birth_date is null, false) as is_unborn,
            latest.sex,
            latest.nhs_number,
            coalesce(
                latest.valid_nhs_number_reason, latest.given_nhs_number_reason, 'absent'
            ) as nhs_number_reason,
            latest.nhs_number is not null
            and coalesce(nhs_number_statuses.is_verified, false) as is_nhs_number_verified,
            latest.upn,
            coalesce(latest.valid_upn_reason, latest.given_upn_reason, 'absent') as upn_reason,
            coalesce(other_upns.former_upns, {{ sorted_set_empty() }}) as former_upns,
            current_addresses.address_line,
            current_addresses.postcode,
            coalesce(other_postcodes.other_postcodes, {{ sorted_set_empty() }}) as other_postcodes,
            merges.merged_into_record_key,
            latest.is_sealed,
            latest.family_group_id,
            latest.first_seen_date,
            feeds.data_current_to
        from latest
        left join current_addresses on latest.record_key = current_addresses.record_key
        left join other_names on latest.record_key = other_names.record_key
        left join other_postcodes on latest.record_key = other_postcodes.record_key
        left join other_upns on latest.record_key = other_upns.record_key
        left join merges on latest.record_key = merges.record_key
        left join nhs_number_statuses on latest.nhs_number_status = nhs_number_statuses.status_code
        left join
            feeds
            on latest.agency = feeds.agency
            and latest.feed = feeds.feed
            and latest.system = feeds.system

    ),

    -- 3. A hash of what the linkage compares: it changes when the record changes, not when it is sent again
    hashed as (

        select
            joined.*,
            {{ hash_of([
                'forename', 'middle_names', 'surname', 'other_forenames', 'other_surnames', 'birth_date',
                'expected_birth_date', 'estimated_birth_year', 'is_unborn', 'sex', 'nhs_number',
                'is_nhs_number_verified', 'upn', 'former_upns', 'address_line', 'postcode', 'other_postcodes',
                'merged_into_record_key', 'is_sealed', 'family_group_id',
            ]) }} as record_hash
        from joined

    )

select *
from hashed
order by record_key
