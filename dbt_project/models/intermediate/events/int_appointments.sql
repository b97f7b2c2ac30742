with

    messages as (select * from {{ ref('stg_health_adt__appointments') }}),

    -- Training and debugging messages are about nobody
    training_messages as (

        select message_hash from {{ ref('stg_health_adt__messages') }} where processing_id in ('T', 'D')

    ),

    resources as (select * from {{ ref('stg_health_fhir__appointments') }}),

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    statuses as (

        select code, max(code_group) as code_group
        from {{ ref('health_code_groups') }}
        where code_kind = 'appointment_status'
        group by code

    ),

    services as (

        select
            code,
            max(case when supplier_system is null then code_group end) as group_for_all,
            max(supplier_system) as supplier_system,
            max(case when supplier_system is not null then code_group end) as group_of_supplier
        from {{ ref('health_code_groups') }}
        where code_kind = 'appointment_service'
        group by code

    ),

    -- 1. HL7 v2: several messages tell of one appointment. A number that is given another day is another
    -- occasion: that the child missed the first day stays true
    placed as (

        select
            messages.agency,
            messages.feed,
            messages.system,
            messages.record_key,
            messages.delivery_id,
            records.child_id,
            messages.message_hash,
            messages.extracted_at as told_at,
            coalesce(messages.appointment_id, messages.message_hash) as appointment_id,
            messages.starts_at,
            messages.reason_code,
            messages.service,
            case
                when messages.is_did_not_attend
                then 'missed'
                when messages.trigger_event in ('S15', 'S16', 'S17')
                then 'cancelled'
                else coalesce(statuses.code_group, 'booked')
            end as status
        from messages
        left join training_messages on messages.message_hash = training_messages.message_hash
        inner join records on messages.record_key = records.record_key
        left join statuses on messages.status_code = statuses.code
        where
            training_messages.message_hash is null
            and {{ london_date('messages.extracted_at') }} <= {{ as_of() }}
            and messages.starts_at is not null

    ),

    ordered as (

        select
            *,
            row_number() over (
                partition by child_id, system, appointment_id, starts_at
                order by told_at desc, message_hash desc
            ) as newest,
            min(told_at) over (partition by child_id, system, appointment_id) as first_told_at,
            row_number() over (
                partition by child_id, system, appointment_id order by told_at desc, message_hash desc
            ) as newest_of_number
        from placed

    ),

    -- Two times of one day under one number are told apart by their order
    occasions as (

        select
            *,
            row_number() over (
                partition by child_id, system, appointment_id, {{ london_date('starts_at') }}
                order by starts_at
            ) as number_of_day
        from ordered
        where newest = 1

    ),

    current_starts as (

        select child_id, system, appointment_id, starts_at from ordered where newest_of_number = 1

    ),

    -- 2. With what FHIR tells, which does not say when the appointment was made
    told as (

        select
            occasions.child_id,
            occasions.agency,
            occasions.feed,
            occasions.system,
            occasions.record_key,
            occasions.delivery_id,
            occasions.record_key
            || '|'
            || occasions.appointment_id
            || '|'
            || cast({{ london_date('occasions.starts_at') }} as varchar)
            || '|'
            || cast(occasions.number_of_day as varchar) as appointment_key,
            occasions.starts_at,
            occasions.status,
            occasions.service as service_code,
            occasions.reason_code,
            {{ london_date('occasions.first_told_at') }} as made_date,
            0 as feed_rank
        from occasions
        inner join
            current_starts
            on occasions.child_id = current_starts.child_id
            and occasions.system = current_starts.system
            and occasions.appointment_id = current_starts.appointment_id
        -- Moved to another day in time: nobody was expected
        where occasions.status != 'booked' or occasions.starts_at = current_starts.starts_at

        union all

        select
            records.child_id,
            resources.agency,
            resources.feed,
            resources.system,
            resources.record_key,
            resources.delivery_id,
            resources.record_key || '|' || resources.resource_id as appointment_key,
            resources.starts_at,
            case when resources.is_did_not_attend then 'missed' else statuses.code_group end as status,
            resources.service_code,
            resources.reason_code,
            cast(null as date) as made_date,
            1 as feed_rank
        from resources
        inner join records on resources.record_key = records.record_key
        left join statuses on resources.status = statuses.code
        where resources.starts_at is not null and (resources.is_did_not_attend or statuses.code is not null)

    ),

    -- 3. What has not begun by as_of has no outcome, and what lies behind and is only booked has an unknown
    -- one
    dated as (

        select
            *,
            {{ london_date('starts_at') }} as appointment_date,
            case
                when
                    status in ('cancelled', 'missed', 'attended')
                    and {{ london_date('starts_at') }} <= {{ as_of() }}
                then status
                when status = 'cancelled'
                then status
                when {{ london_date('starts_at') }} < {{ as_of() }}
                then 'unknown'
                else 'booked'
            end as outcome
        from told

    ),

    -- 4. A child has one appointment at a time: the same one from two feeds counts once. Where they differ
    -- the one that worries more is shown and the row says so
    ranked as (

        select
            *,
            case
                outcome
                when 'missed'
                then 1
                when 'attended'
                then 2
                when 'cancelled'
                then 3
                when 'booked'
                then 4
                else 5
            end as outcome_rank
        from dated

    ),

    preferred as (

        select
            *,
            row_number() over (
                partition by child_id, starts_at order by outcome_rank, feed_rank, appointment_key
            ) as preference
        from ranked

    ),

    united as (

        select
            child_id,
            starts_at,
            appointment_date,
            max(case when preference = 1 then appointment_key end) as appointment_key,
            max(case when preference = 1 then agency end) as agency,
            max(case when preference = 1 then feed end) as feed,
            max(case when preference = 1 then system end) as system,
            max(case when preference = 1 then record_key end) as record_key,
            max(case when preference = 1 then outcome end) as outcome,
            max(case when preference = 1 then service_code end) as service_code,
            max(case when preference = 1 then reason_code end) as reason_code,
            min(made_date) as made_date,
            max(case when outcome = 'missed' then 1 else 0 end)
            + max(case when outcome = 'attended' then 1 else 0 end)
            > 1 as is_disputed,
            {{ clock_distinct_list("feed || '/' || system") }} as reported_by,
            {{ clock_distinct_list('delivery_id') }} as delivery_ids
        from preferred
        group by child_id, starts_at, appointment_date

    )

select
    united.*,
    case
        when united.system = services.supplier_system
        then services.group_of_supplier
        else services.group_for_all
    end as service_group
from united
left join services on united.service_code = services.code
