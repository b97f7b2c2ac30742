with

    -- 1. Schools by their number, of now and before
    pupils as (

        select
            record_key,
            {{ standardise_school_code('school_id') }} as school,
            {{ standardise_school_name('school_name') }} as school_name
        from {{ ref('stg_education_school_census__pupils') }}

    ),

    -- A name that two schools have says nothing about which
    names as (

        select school_name, min(school) as school
        from pupils
        where school_name is not null
        group by school_name
        having count(distinct school) = 1

    ),

    -- 2. Schools that the police know by name: the number where the name has one, else the name
    notified as (

        select
            {{ record_key('police_person_id') }} as record_key,
            {{ standardise_school_name('school_name') }} as school_name
        from {{ ref('stg_police_ppn__notification_persons') }}

    ),

    united as (

        select record_key, school
        from pupils

        union

        select notified.record_key, coalesce(names.school, notified.school_name) as school
        from notified
        left join names on notified.school_name = names.school_name

    )

select *
from united
where school is not null
