with

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    social_care_rows as (select * from {{ ref('stg_social_care__health_assessments') }}),

    health_rows as (select * from {{ ref('int_health_events') }}),

    -- 1. Everything about a health assessment that is not a completed one with a date
    attempts as (

        select
            records.child_id,
            'social_care' as agency,
            case
                when social_care_rows.status = 'completed'
                then 'completed_undated'
                else social_care_rows.status
            end as outcome,
            case
                when social_care_rows.status = 'booked' then social_care_rows.assessment_date
            end as booked_date,
            social_care_rows.requested_date,
            social_care_rows.offered_date,
            case
                when social_care_rows.status = 'booked'
                then
                    coalesce(
                        social_care_rows.requested_date,
                        social_care_rows.offered_date,
                        social_care_rows.recorded_date,
                        social_care_rows.assessment_date
                    )
                else
                    coalesce(
                        social_care_rows.assessment_date,
                        social_care_rows.offered_date,
                        social_care_rows.recorded_date,
                        social_care_rows.requested_date
                    )
            end as attempt_date,
            social_care_rows.record_key,
            social_care_rows.delivery_id
        from social_care_rows
        inner join records on social_care_rows.record_key = records.record_key
        where
            social_care_rows.assessment_kind in ('initial', 'review')
            and (social_care_rows.status != 'completed' or social_care_rows.assessment_date is null)

        union all

        select
            child_id,
            'health' as agency,
            case when event_status = 'completed' then 'completed_undated' else event_status end as outcome,
            case when event_status = 'booked' then event_date end as booked_date,
            null as requested_date,
            null as offered_date,
            event_date as attempt_date,
            record_key,
            delivery_id
        from health_rows
        where
            event_kind in ('initial_health_assessment', 'review_health_assessment')
            and (event_status != 'completed' or event_date is null)

    ),

    -- 2. Known by as_of; a booking may lie ahead, an undated completion counts from as_of
    known as (

        select
            child_id,
            agency,
            outcome,
            case when booked_date > {{ as_of() }} then booked_date end as booked_date,
            requested_date,
            offered_date,
            coalesce(attempt_date, {{ as_of() }}) as attempt_date,
            record_key,
            delivery_id
        from attempts
        where attempt_date is null or attempt_date <= {{ as_of() }} or outcome = 'booked'

    )

select
    child_id,
    agency,
    outcome,
    booked_date,
    requested_date,
    offered_date,
    case when attempt_date > {{ as_of() }} then {{ as_of() }} else attempt_date end as attempt_date,
    record_key,
    delivery_id
from known
where attempt_date is not null
