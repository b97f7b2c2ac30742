with

    pupils as (select * from {{ ref('stg_education_school_census__pupils') }}),

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    -- 1. Enrolments with their days as known on as_of. Who left on an unknown day had left by the census;
    -- who joined on
    -- an unknown day was there by then
    enrolments as (

        select
            records.child_id,
            pupils.record_key,
            {{ standardise_school_code('pupils.school_id') }} as school_id,
            pupils.school_name,
            coalesce(pupils.entry_date, pupils.as_at_date) as entry_date,
            coalesce(
                pupils.leaving_date, case when pupils.roll_status = 'left' then pupils.as_at_date end
            ) as leaving_date,
            coalesce(pupils.enrolment_status, 'C') not in ('S', 'G') as is_main,
            pupils.year_group,
            pupils.aln_provision_code,
            pupils.delivery_id
        from pupils
        inner join records on pupils.record_key = records.record_key
        where pupils.school_id is not null

    ),

    -- 2. The same stay in two censuses is one, and lasts as long as the one that says so last
    ranked as (

        select
            *,
            row_number() over (
                partition by child_id, school_id, entry_date
                order by
                    case when leaving_date is null then 0 else 1 end,
                    leaving_date desc,
                    case when is_main then 0 else 1 end,
                    record_key,
                    delivery_id
            ) as preference
        from enrolments
        where entry_date <= {{ as_of() }}

    )

select
    child_id,
    school_id,
    school_name,
    entry_date,
    case when leaving_date <= {{ as_of() }} then leaving_date end as leaving_date,
    is_main,
    year_group,
    aln_provision_code,
    record_key,
    delivery_id
from ranked
where preference = 1
