with

    messages as (select * from {{ ref('stg_health_adt__attendances') }}),

    -- Training and debugging messages are about nobody
    training_messages as (

        select message_hash from {{ ref('stg_health_adt__messages') }} where processing_id in ('T', 'D')

    ),

    encounters as (select * from {{ ref('stg_health_fhir__encounters') }}),

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    code_groups as (select * from {{ ref('health_code_groups') }}),

    -- 1. HL7 v2: several messages tell of one visit. It is the child who makes them one, not the patient
    -- number: after a merge (A40) the rest of a visit comes under the number that stays. Without a visit
    -- number it is the time of attendance that tells visits apart
    placed as (

        select
            messages.*,
            records.child_id,
            coalesce(messages.visit_number, cast(messages.attended_at as varchar)) as visit_key,
            coalesce(messages.event_at, messages.attended_at) as told_at
        from messages
        left join training_messages on messages.message_hash = training_messages.message_hash
        inner join records on messages.record_key = records.record_key
        where
            training_messages.message_hash is null
            and messages.is_emergency
            and (messages.visit_number is not null or messages.attended_at is not null)
            and {{ london_date('coalesce(messages.event_at, messages.attended_at)') }} <= {{ as_of() }}

    ),

    ordered as (

        select
            *,
            row_number() over (
                partition by child_id, system, visit_key order by told_at, message_hash
            ) as message_number
        from placed

    ),

    -- What a later message says wins; what it leaves out stays
    last_words as (

        select
            child_id,
            system,
            visit_key,
            min(coalesce(attended_at, told_at)) as attended_at,
            max(
                case when trigger_event in ('A01', 'A04', 'A11') then message_number end
            ) as last_arrival_number,
            max(case when trigger_event = 'A11' then message_number end) as last_cancelled_number,
            max(
                case
                    when discharged_at is not null or discharge_code is not null or trigger_event = 'A13'
                    then message_number
                end
            ) as last_end_number,
            max(case when admission_type is not null then message_number end) as last_category_number,
            max(case when reason is not null then message_number end) as last_reason_number,
            max(case when location is not null then message_number end) as last_location_number,
            {{ clock_distinct_list('record_key') }} as record_keys,
            {{ clock_distinct_list('delivery_id') }} as delivery_ids
        from ordered
        group by child_id, system, visit_key

    ),

    visits as (

        select
            last_words.child_id,
            last_words.system,
            last_words.visit_key,
            last_words.attended_at,
            last_words.record_keys,
            last_words.delivery_ids,
            max(case when ordered.message_number = 1 then ordered.agency end) as agency,
            max(case when ordered.message_number = 1 then ordered.feed end) as feed,
            max(case when ordered.message_number = 1 then ordered.record_key end) as record_key,
            max(case when ordered.message_number = 1 then ordered.delivery_id end) as delivery_id,
            max(case when ordered.message_number = 1 then ordered.source_file end) as source_file,
            max(case when ordered.message_number = 1 then ordered.row_number end) as row_number,
            max(
                case
                    when
                        ordered.message_number = last_words.last_end_number and ordered.trigger_event != 'A13'
                    then ordered.discharged_at
                end
            ) as discharged_at,
            max(
                case
                    when
                        ordered.message_number = last_words.last_end_number and ordered.trigger_event != 'A13'
                    then ordered.discharge_code
                end
            ) as outcome_code,
            max(
                case
                    when ordered.message_number = last_words.last_category_number then ordered.admission_type
                end
            ) as category_code,
            max(
                case when ordered.message_number = last_words.last_reason_number then ordered.reason end
            ) as reason_code,
            max(
                case when ordered.message_number = last_words.last_location_number then ordered.location end
            ) as location
        from last_words
        inner join
            ordered
            on last_words.child_id = ordered.child_id
            and last_words.system = ordered.system
            and last_words.visit_key = ordered.visit_key
        where
            last_words.last_cancelled_number is null
            or last_words.last_cancelled_number < last_words.last_arrival_number
        group by
            last_words.child_id,
            last_words.system,
            last_words.visit_key,
            last_words.attended_at,
            last_words.record_keys,
            last_words.delivery_ids

    ),

    -- 2. With what FHIR tells
    told as (

        select
            child_id,
            agency,
            feed,
            system,
            record_key || '|' || visit_key as attendance_key,
            record_key,
            record_keys,
            delivery_id,
            delivery_ids,
            source_file,
            row_number,
            attended_at,
            discharged_at,
            location,
            category_code,
            outcome_code,
            reason_code,
            0 as feed_rank
        from visits

        union all

        select
            records.child_id,
            encounters.agency,
            encounters.feed,
            encounters.system,
            encounters.record_key || '|' || encounters.resource_id as attendance_key,
            encounters.record_key,
            encounters.record_key as record_keys,
            encounters.delivery_id,
            encounters.delivery_id as delivery_ids,
            encounters.source_file,
            encounters.row_number,
            encounters.started_at as attended_at,
            encounters.ended_at as discharged_at,
            encounters.organisation as location,
            encounters.type_code as category_code,
            encounters.outcome_code,
            encounters.reason_code,
            1 as feed_rank
        from encounters
        inner join records on encounters.record_key = records.record_key
        where
            encounters.is_emergency
            and encounters.status in ('arrived', 'triaged', 'in-progress', 'onleave', 'finished', 'unknown')
            and encounters.started_at is not null

    ),

    -- 3. What the senders' codes mean; a supplier's own row goes before one that holds for all
    meanings as (

        select
            used.code_kind,
            used.system,
            used.code,
            code_groups.code_group,
            row_number() over (
                partition by used.code_kind, used.system, used.code
                order by case when code_groups.supplier_system is null then 1 else 0 end
            ) as preference
        from
            (
                select 'attendance_category' as code_kind, system, category_code as code
                from told
                union
                select 'emergency_outcome' as code_kind, system, outcome_code as code
                from told
                union
                select 'injury_group' as code_kind, system, reason_code as code
                from told
            ) as used
        inner join
            code_groups
            on used.code_kind = code_groups.code_kind
            and used.code = code_groups.code
            and (used.system = code_groups.supplier_system or code_groups.supplier_system is null)

    ),

    grouped as (

        select
            told.*,
            {{ london_date('told.attended_at') }} as attended_date,
            case
                when told.category_code is not null then coalesce(categories.code_group, 'not_mapped')
            end as attendance_category,
            case
                when told.outcome_code is not null then coalesce(outcomes.code_group, 'not_mapped')
            end as outcome,
            case
                when told.reason_code is not null then coalesce(reasons.code_group, 'not_mapped')
            end as injury_group
        from told
        left join
            meanings as categories
            on categories.code_kind = 'attendance_category'
            and told.system = categories.system
            and told.category_code = categories.code
            and categories.preference = 1
        left join
            meanings as outcomes
            on outcomes.code_kind = 'emergency_outcome'
            and told.system = outcomes.system
            and told.outcome_code = outcomes.code
            and outcomes.preference = 1
        left join
            meanings as reasons
            on reasons.code_kind = 'injury_group'
            and told.system = reasons.system
            and told.reason_code = reasons.code
            and reasons.preference = 1

    ),

    -- 4. The same attendance from two systems counts once: the first of the day in the one is the first of
    -- the day in the other, and so on. What one system leaves out the other may say
    numbered as (

        select
            *,
            row_number() over (
                partition by child_id, attended_date, agency, feed, system
                order by attended_at, attendance_key
            ) as number_of_day
        from grouped
        where attended_date <= {{ as_of() }}

    ),

    preferred as (

        select
            *,
            row_number() over (
                partition by child_id, attended_date, number_of_day order by feed_rank, system, attendance_key
            ) as preference
        from numbered

    ),

    filled as (

        select
            child_id,
            attended_date,
            number_of_day,
            cast(count(*) as integer) as systems_reporting,
            {{ clock_distinct_list("feed || '/' || system") }} as reported_by,
            min(case when attendance_category is not null then preference end) as category_preference,
            min(case when outcome is not null then preference end) as outcome_preference,
            min(case when injury_group is not null then preference end) as injury_preference,
            min(case when discharged_at is not null then preference end) as discharge_preference
        from preferred
        group by child_id, attended_date, number_of_day

    ),

    deliveries as (

        select
            child_id, attended_date, number_of_day, {{ clock_distinct_list('delivery_id') }} as delivery_ids
        from
            (
                select
                    child_id,
                    attended_date,
                    number_of_day,
                    {{ clock_split_list('delivery_ids') }} as delivery_id
                from preferred
            ) as single
        group by child_id, attended_date, number_of_day

    ),

    united as (

        select
            filled.child_id,
            filled.attended_date,
            filled.number_of_day,
            filled.systems_reporting,
            filled.reported_by,
            max(case when preferred.preference = 1 then preferred.attendance_key end) as attendance_key,
            max(case when preferred.preference = 1 then preferred.agency end) as agency,
            max(case when preferred.preference = 1 then preferred.feed end) as feed,
            max(case when preferred.preference = 1 then preferred.system end) as system,
            max(case when preferred.preference = 1 then preferred.record_key end) as record_key,
            max(case when preferred.preference = 1 then preferred.record_keys end) as record_keys,
            max(case when preferred.preference = 1 then preferred.delivery_id end) as delivery_id,
            max(case when preferred.preference = 1 then preferred.source_file end) as source_file,
            max(case when preferred.preference = 1 then preferred.row_number end) as row_number,
            max(case when preferred.preference = 1 then preferred.attended_at end) as attended_at,
            max(case when preferred.preference = 1 then preferred.location end) as location,
            max(
                case when preferred.preference = filled.discharge_preference then preferred.discharged_at end
            ) as discharged_at,
            coalesce(
                max(
                    case
                        when preferred.preference = filled.category_preference
                        then preferred.attendance_category
                    end
                ),
                'not_supplied'
            ) as attendance_category,
            coalesce(
                max(case when preferred.preference = filled.outcome_preference then preferred.outcome end),
                'not_supplied'
            ) as outcome,
            coalesce(
                max(
                    case when preferred.preference = filled.injury_preference then preferred.injury_group end
                ),
                'not_supplied'
            ) as injury_group
        from filled
        inner join
            preferred
            on filled.child_id = preferred.child_id
            and filled.attended_date = preferred.attended_date
            and filled.number_of_day = preferred.number_of_day
        group by
            filled.child_id,
            filled.attended_date,
            filled.number_of_day,
            filled.systems_reporting,
            filled.reported_by

    )

select
    united.attendance_key,
    united.child_id,
    united.agency,
    united.feed,
    united.system,
    united.record_key,
    united.record_keys,
    united.delivery_id,
    united.source_file,
    united.row_number,
    united.attended_at,
    united.attended_date,
    united.discharged_at,
    united.location,
    united.attendance_category,
    united.outcome,
    united.injury_group,
    united.systems_reporting,
    united.reported_by,
    deliveries.delivery_ids
from united
inner join
    deliveries
    on united.child_id = deliveries.child_id
    and united.attended_date = deliveries.attended_date
    and united.number_of_day = deliveries.number_of_day
