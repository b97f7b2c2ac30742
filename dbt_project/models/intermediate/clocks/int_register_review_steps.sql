with

    registrations as (select * from {{ ref('int_registrations') }}),

    review_rows as (select * from {{ ref('stg_social_care__review_conferences') }}),

    -- 1. Reviews of a registration: those that name it, and unnamed ones of the record while it
    -- lasted
    matched as (

        select registrations.registration_key, registrations.review_anchor_date, review_rows.review_date
        from registrations
        inner join
            review_rows
            on registrations.record_key = review_rows.record_key
            and review_rows.review_date <= coalesce(registrations.deregistered_date, {{ as_of() }})
            and (
                registrations.registration_id = review_rows.registration_id
                or (
                    review_rows.registration_id is null
                    and registrations.registered_date <= review_rows.review_date
                )
            )

    ),

    -- 2. A review on or before the conference is no review of this registration: counted apart,
    -- never used
    held as (

        select
            registration_key,
            review_date,
            row_number() over (partition by registration_key order by review_date) as review_number
        from (select distinct registration_key, review_date, review_anchor_date from matched) as days
        where review_date > review_anchor_date

    ),

    before_anchor as (select distinct registration_key from matched where review_date <= review_anchor_date),

    -- 3. A clock for each review held and one for the next
    clocks as (

        select
            registration_key,
            1 as review_number,
            'rcpc_first' as rule_id,
            review_anchor_event as anchor_event,
            review_anchor_date as clock_start_date
        from registrations

        union all

        select
            registration_key,
            review_number + 1 as review_number,
            'rcpc_next' as rule_id,
            'previous_rcpc' as anchor_event,
            review_date as clock_start_date
        from held

    ),

    due as ({{ clock_due_dates('clocks') }}),

    -- 4. When the child leaves the register the running clock ends with it
    judged as (

        select
            due.registration_key,
            cast(due.review_number as integer) as review_number,
            due.rule_id,
            due.rule_status,
            due.rule_source,
            due.is_local_rule,
            due.anchor_event,
            due.clock_start_date,
            due.due_date,
            held.review_date as done_date,
            {{ clock_reason_without_due('due.clock_start_date', 'due.rule_source', 'due.due_date') }}
            as why_not_computable,
            case
                when
                    held.review_date is null
                    and registrations.deregistered_date is not null
                    and due.due_date is not null
                then 'ended'
                else {{ clock_status('due.due_date', 'held.review_date') }}
            end as status,
            coalesce(held.review_date, registrations.deregistered_date, {{ as_of() }}) as judged_on_date,
            before_anchor.registration_key is not null as has_event_before_anchor
        from due
        inner join registrations on due.registration_key = registrations.registration_key
        left join
            held on due.registration_key = held.registration_key and due.review_number = held.review_number
        left join before_anchor on due.registration_key = before_anchor.registration_key

    )

select
    *,
    case
        when judged_on_date > due_date
        then {{ clock_days_between('due_date', 'judged_on_date') }}
        when due_date is not null
        then 0
    end as days_late
from judged
