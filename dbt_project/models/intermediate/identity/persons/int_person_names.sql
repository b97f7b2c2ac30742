with

    states as (select record_key, forename, surname from {{ ref('int_person_states') }}),

    -- 1. Every other name a source holds of a person, in the source's own words
    sourced as (

        select record_key, forename, surname
        from {{ ref('stg_health_adt__names') }}

        union all

        select record_key, forename, surname
        from {{ ref('stg_health_fhir__names') }}

        union all

        select record_key, forename, surname
        from {{ ref('stg_social_care__names') }}

        union all

        select record_key, preferred_name as forename, null as surname
        from {{ ref('stg_social_care__persons') }}

        union all

        select record_key, null as forename, preferred_surname as surname
        from {{ ref('stg_education_school_census__pupils') }}

        union all

        select record_key, null as forename, former_surname as surname
        from {{ ref('stg_education_school_census__pupils') }}

    ),

    standardised as (

        select record_key, forename, surname
        from states

        union

        select
            record_key,
            {{ standardise_forename('forename') }} as forename,
            {{ standardise_surname('surname') }} as surname
        from sourced

    ),

    names as (

        select record_key, 'forename' as name_kind, forename as name
        from standardised
        where forename is not null

        union

        select record_key, 'surname' as name_kind, surname as name
        from standardised
        where surname is not null

    ),

    -- 2. The parts of double names, since the next agency may hold one of them only
    parts as (select record_key, name_kind, {{ name_parts('name') }} as name from names),

    united as (

        select record_key, name_kind, name
        from names

        union

        select record_key, name_kind, name
        from parts

    )

select *
from united
