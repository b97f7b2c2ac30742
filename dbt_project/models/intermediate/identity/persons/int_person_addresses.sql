with

    -- 1. Every address a source holds of a person; confidential ones are left out
    sourced as (

        select record_key, address_line, postcode
        from {{ ref('stg_health_adt__addresses') }}

        union all

        select record_key, address_line, postcode
        from {{ ref('stg_health_fhir__addresses') }}

        union all

        select record_key, address_line, postcode
        from {{ ref('stg_social_care__addresses') }}
        where not coalesce(is_confidential, false)

        union all

        select record_key, null as address_line, home_postcode as postcode
        from {{ ref('stg_social_care__looked_after_episodes') }}

        union all

        select pupils.record_key, addresses.address_line, addresses.postcode
        from {{ ref('stg_education_school_census__addresses') }} as addresses
        inner join
            {{ ref('stg_education_school_census__pupils') }} as pupils
            on addresses.agency = pupils.agency
            and addresses.feed = pupils.feed
            and addresses.system = pupils.system
            and addresses.pupil_record_id = pupils.pupil_record_id

    ),

    united as (

        select record_key, address_line, postcode
        from {{ ref('int_person_states') }}

        union

        select
            record_key,
            {{ standardise_address('address_line') }} as address_line,
            {{ standardise_postcode('postcode') }} as postcode
        from sourced

    ),

    known as (select * from united where address_line is not null or postcode is not null)

select *
from known
