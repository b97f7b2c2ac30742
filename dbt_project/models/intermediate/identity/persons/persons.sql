{{
    config(
        post_hook="{{ export_parquet(this, 'persons.parquet', 'record_key') }}"
    )
}}

with

    states as (select * from {{ ref('int_person_states') }}),

    names as (select * from {{ ref('int_person_names') }}),

    addresses as (select * from {{ ref('int_person_addresses') }}),

    former_upns as (select * from {{ ref('int_person_former_upns') }}),

    former_nhs_numbers as (select * from {{ ref('int_person_former_nhs_numbers') }}),

    telephones as (select * from {{ ref('int_person_telephones') }}),

    guardians as (select * from {{ ref('int_person_guardians') }}),

    schools as (select * from {{ ref('int_person_schools') }}),

    forename_variants as (select * from {{ ref('forename_variants') }}),

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

    differing_addresses as (

        select
            addresses.record_key,
            case
                when addresses.address_line <> coalesce(current_addresses.address_line, '')
                then addresses.address_line
            end as other_address_line,
            case
                when addresses.postcode <> coalesce(current_addresses.postcode, '') then addresses.postcode
            end as other_postcode
        from addresses
        inner join latest on addresses.record_key = latest.record_key
        left join current_addresses on addresses.record_key = current_addresses.record_key
        where not latest.is_sealed

    ),

    other_addresses as (

        select
            record_key,
            {{ sorted_set('other_address_line') }} as other_address_lines,
            {{ sorted_set('other_postcode') }} as other_postcodes
        from differing_addresses
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

    differing_nhs_numbers as (

        select former_nhs_numbers.record_key, former_nhs_numbers.nhs_number
        from former_nhs_numbers
        inner join latest on former_nhs_numbers.record_key = latest.record_key
        where not latest.is_sealed and former_nhs_numbers.nhs_number <> coalesce(latest.nhs_number, '')

    ),

    other_nhs_numbers as (

        select record_key, {{ sorted_set('nhs_number') }} as former_nhs_numbers
        from differing_nhs_numbers
        group by record_key

    ),

    -- 3. The people and places around the child; of a sealed record they too would be the path back
    known_telephones as (

        select telephones.record_key, {{ sorted_set('telephones.telephone') }} as telephones
        from telephones
        inner join latest on telephones.record_key = latest.record_key
        where not latest.is_sealed
        group by telephones.record_key

    ),

    known_guardians as (

        select guardians.record_key, {{ sorted_set('guardians.guardian_name') }} as guardian_names
        from guardians
        inner join latest on guardians.record_key = latest.record_key
        where not latest.is_sealed
        group by guardians.record_key

    ),

    known_schools as (

        select schools.record_key, {{ sorted_set('schools.school') }} as schools
        from schools
        inner join latest on schools.record_key = latest.record_key
        where not latest.is_sealed
        group by schools.record_key

    ),

    all_forenames as (

        select record_key, forename
        from latest

        union

        select record_key, other_forename as forename
        from differing_names

    ),

    grouped_forenames as (

        select
            all_forenames.record_key, {{ sorted_set('forename_variants.variant_group') }} as forename_groups
        from all_forenames
        inner join forename_variants on all_forenames.forename = forename_variants.name
        group by all_forenames.record_key

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
            {{ surname_parts('latest.surname') }} as surname_parts,
            coalesce(grouped_forenames.forename_groups, {{ sorted_set_empty() }}) as forename_groups,
            latest.birth_date,
            {{ swapped_date('latest.birth_date') }} as birth_date_swapped,
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
            coalesce(other_nhs_numbers.former_nhs_numbers, {{ sorted_set_empty() }}) as former_nhs_numbers,
            latest.upn,
            coalesce(latest.valid_upn_reason, latest.given_upn_reason, 'absent') as upn_reason,
            coalesce(other_upns.former_upns, {{ sorted_set_empty() }}) as former_upns,
            current_addresses.address_line,
            current_addresses.postcode,
            {{ postcode_sector('current_addresses.postcode') }} as postcode_sector,
            {{ postcode_district('current_addresses.postcode') }} as postcode_district,
            {{ postcode_area('current_addresses.postcode') }} as postcode_area,
            coalesce(other_addresses.other_address_lines, {{ sorted_set_empty() }}) as other_address_lines,
            coalesce(other_addresses.other_postcodes, {{ sorted_set_empty() }}) as other_postcodes,
            coalesce(known_telephones.telephones, {{ sorted_set_empty() }}) as telephones,
            coalesce(known_guardians.guardian_names, {{ sorted_set_empty() }}) as guardian_names,
            coalesce(known_schools.schools, {{ sorted_set_empty() }}) as schools,
            merges.merged_into_record_key,
            latest.is_sealed,
            latest.family_group_id,
            latest.first_seen_date,
            feeds.data_current_to
        from latest
        left join current_addresses on latest.record_key = current_addresses.record_key
        left join other_names on latest.record_key = other_names.record_key
        left join other_addresses on latest.record_key = other_addresses.record_key
        left join other_upns on latest.record_key = other_upns.record_key
        left join other_nhs_numbers on latest.record_key = other_nhs_numbers.record_key
        left join known_telephones on latest.record_key = known_telephones.record_key
        left join known_guardians on latest.record_key = known_guardians.record_key
        left join known_schools on latest.record_key = known_schools.record_key
        left join grouped_forenames on latest.record_key = grouped_forenames.record_key
        left join merges on latest.record_key = merges.record_key
        left join nhs_number_statuses on latest.nhs_number_status = nhs_number_statuses.status_code
        left join
            feeds
            on latest.agency = feeds.agency
            and latest.feed = feeds.feed
            and latest.system = feeds.system

    ),

    -- 4. A hash of what the linkage compares: it changes when the record changes, not when it is sent again
    hashed as (

        select
            joined.*,
            {{ hash_of([
                'forename', 'middle_names', 'surname', 'other_forenames', 'other_surnames', 'surname_parts',
                'forename_groups', 'birth_date', 'birth_date_swapped', 'expected_birth_date',
                'estimated_birth_year', 'is_unborn', 'sex', 'nhs_number', 'is_nhs_number_verified',
                'former_nhs_numbers', 'upn', 'former_upns', 'address_line', 'postcode', 'postcode_sector',
                'postcode_district', 'postcode_area', 'other_address_lines', 'other_postcodes', 'telephones',
                'guardian_names', 'schools', 'merged_into_record_key', 'is_sealed', 'family_group_id',
            ]) }} as record_hash
        from joined

    )

select *
from hashed
order by record_key
