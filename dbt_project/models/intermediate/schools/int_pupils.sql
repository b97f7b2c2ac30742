with

    stays as (select * from {{ ref('int_child_schools') }}),

    numbers as (select * from {{ ref('int_pupil_numbers') }}),

    arrangements as (select * from {{ ref('stg_education_eotas_and_home_education__arrangements') }}),

    -- 1. The roll on as_of: the last day counts; main enrolments before guests, later before earlier
    ranked_stays as (

        select
            *,
            row_number() over (
                partition by child_id
                order by
                    case when is_main then 0 else 1 end,
                    entry_date desc,
                    case when leaving_date is null then 0 else 1 end,
                    school_id
            ) as preference
        from stays
        where leaving_date is null or leaving_date >= {{ as_of() }}

    ),

    current_stays as (select * from ranked_stays where preference = 1),

    -- 2. Education elsewhere that goes on on as_of, the newest
    ranked_arrangements as (

        select
            numbers.child_id,
            arrangements.arrangement_kind,
            arrangements.started_date,
            arrangements.delivery_id,
            row_number() over (
                partition by numbers.child_id
                order by arrangements.started_date desc, arrangements.arrangement_kind
            ) as preference
        from arrangements
        inner join numbers on arrangements.upn = numbers.pupil_number
        where
            arrangements.started_date <= {{ as_of() }}
            and (arrangements.ended_date is null or arrangements.ended_date >= {{ as_of() }})

    ),

    current_arrangements as (select * from ranked_arrangements where preference = 1),

    pupils as (

        select child_id
        from current_stays

        union

        select child_id
        from current_arrangements

    )

select
    pupils.child_id,
    current_stays.school_id,
    current_stays.school_name,
    current_stays.entry_date as school_entry_date,
    current_stays.year_group,
    current_stays.aln_provision_code,
    current_stays.delivery_id as school_delivery_id,
    current_arrangements.arrangement_kind,
    current_arrangements.started_date as arrangement_started_date,
    current_arrangements.delivery_id as arrangement_delivery_id
from pupils
left join current_stays on pupils.child_id = current_stays.child_id
left join current_arrangements on pupils.child_id = current_arrangements.child_id
