with

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    persons as (select record_key, upn from {{ ref('persons') }} where upn is not null),

    pupils as (select * from {{ ref('stg_education_school_census__pupils') }}),

    -- 1. By UPN, whichever agency has it; by school and admission number, as the census has them
    numbers as (

        select persons.upn as pupil_number, records.child_id
        from persons
        inner join records on persons.record_key = records.record_key

        union

        select
            {{ standardise_school_code('pupils.school_id') }}
            || '|'
            || split_part(pupils.source_person_id, '|', 2) as pupil_number,
            records.child_id
        from pupils
        inner join records on pupils.record_key = records.record_key
        where pupils.source_person_id like '%|%'

    )

-- 2. A number that two children have says nothing about which
select pupil_number, min(child_id) as child_id
from numbers
where pupil_number is not null
group by pupil_number
having count(distinct child_id) = 1
