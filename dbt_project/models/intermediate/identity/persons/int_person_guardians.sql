with

    police as (select * from {{ ref('stg_police_ppn__notification_persons') }}),

    social_care as (select * from {{ ref('stg_social_care__persons') }}),

    -- 1. Health: next of kin who are parents or carers
    related as (

        select record_key, forename, surname, relationship_code, telephone
        from {{ ref('stg_health_adt__related_persons') }}

        union all

        select record_key, forename, surname, relationship_code, telephone
        from {{ ref('stg_health_fhir__related_persons') }}

    ),

    next_of_kin as (

        select record_key, forename, surname, telephone
        from related
        where {{ is_guardian('relationship_code') }}

    ),

    -- 2. Police: the parents who stand in the same notification as the child
    named_parents as (

        select
            {{ record_key('police_person_id', 'children') }} as record_key,
            parents.given_name as forename,
            parents.surname,
            cast(null as varchar) as telephone
        from police as children
        inner join
            police as parents
            on children.agency = parents.agency
            and children.system = parents.system
            and children.notification_reference = parents.notification_reference
            and children.police_person_id <> parents.police_person_id
        where parents.person_role = 'parent' and not coalesce(parents.is_child, false)

    ),

    -- 3. Social care: the mother whose own record the case names
    mothers as (

        select children.record_key, mothers.forename, mothers.surname, cast(null as varchar) as telephone
        from social_care as children
        inner join
            social_care as mothers
            on children.agency = mothers.agency
            and children.system = mothers.system
            and children.mother_source_person_id = mothers.source_person_id

    ),

    united as (

        select *
        from next_of_kin
        union all
        select *
        from named_parents
        union all
        select *
        from mothers

    ),

    guardians as (

        select distinct
            record_key,
            {{ standardise_forename('forename') }}
            || ' '
            || {{ standardise_surname('surname') }} as guardian_name,
            {{ standardise_telephone('telephone') }} as telephone
        from united

    )

select *
from guardians
where guardian_name is not null or telephone is not null
