with

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    persons as (

        select record_key, agency, postcode_district, data_current_to
        from {{ ref('persons') }}
        where postcode_district is not null and merged_into_record_key is null

    ),

    agencies as (select agency, preference from {{ ref('agencies') }}),

    areas as (select * from {{ ref('postcode_areas') }}),

    -- The home that the most trusted agency knows; the newest of its systems
    ranked as (

        select
            records.child_id,
            persons.postcode_district,
            row_number() over (
                partition by records.child_id
                order by agencies.preference, persons.data_current_to desc, persons.record_key
            ) as preference
        from records
        inner join persons on records.record_key = persons.record_key
        inner join agencies on persons.agency = agencies.agency

    ),

    homes as (select child_id, postcode_district from ranked where preference = 1),

    joined as (

        select
            children.child_id,
            homes.postcode_district,
            case
                when homes.postcode_district is null
                then 'unknown'
                else coalesce(areas.area_code, 'elsewhere')
            end as area_code
        from (select distinct child_id from records) as children
        left join homes on children.child_id = homes.child_id
        left join areas on homes.postcode_district = areas.postcode_district

    )

select *
from joined
