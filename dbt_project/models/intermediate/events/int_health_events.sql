with

    coded as (select * from {{ ref('int_health_coded_facts') }}),

    immunizations as (select * from {{ ref('stg_health_fhir__immunizations') }}),

    attendances as (select * from {{ ref('int_emergency_attendances') }}),

    code_map as (select * from {{ ref('health_code_map') }}),

    statuses as (select * from {{ ref('health_event_statuses') }}),

    records as (select * from {{ ref('int_record_children') }}),

    deliveries as (select * from {{ ref('stg_landing__deliveries') }}),

    feeds as (

        select agency, feed, system, max(as_at_date) as data_current_to
        from deliveries
        where is_in_force
        group by agency, feed, system

    ),

    -- 1. What a supplier's code means. A row of the map without a supplier holds for all; a fact landed
    -- without a code system
    -- is looked up by its code alone
    meanings as (

        select
            coded.system,
            coded.code_system,
            coded.code,
            code_map.event_kind,
            max(code_map.performer_role) as performer_role
        from coded
        inner join
            code_map
            on coded.code = code_map.code
            and (coded.code_system = code_map.code_system or coded.code_system is null)
            and (coded.system = code_map.supplier_system or code_map.supplier_system is null)
        where code_map.event_kind <> 'refused'
        group by coded.system, coded.code_system, coded.code, code_map.event_kind

    ),

    refusals as (select distinct code from code_map where event_kind = 'refused'),

    mapped as (

        select
            coded.agency,
            coded.feed,
            coded.system,
            coded.delivery_id,
            coded.source_file,
            coded.row_number,
            coded.record_key,
            coded.resource_type || '|' || coded.resource_id as resource_key,
            meanings.event_kind,
            coded.started_at,
            coded.ended_at,
            case
                when statuses.event_status = 'cancelled' and refusals.code is not null
                then 'refused'
                else statuses.event_status
            end as event_status,
            coalesce(coded.performer_code, meanings.performer_role) as performer_role,
            coded.organisation
        from coded
        inner join
            meanings
            on coded.system = meanings.system
            and coalesce(coded.code_system, '') = coalesce(meanings.code_system, '')
            and coded.code = meanings.code
        inner join statuses on coded.resource_type = statuses.resource_type and coded.status = statuses.status
        left join refusals on coded.reason_code = refusals.code

    ),

    -- 2. What needs no code: immunisations and emergency attendances say it by their kind
    given_immunisations as (

        select
            immunizations.agency,
            immunizations.feed,
            immunizations.system,
            immunizations.delivery_id,
            immunizations.source_file,
            immunizations.row_number,
            immunizations.record_key,
            'Immunization|' || immunizations.resource_id as resource_key,
            'immunisation' as event_kind,
            immunizations.occurred_at as started_at,
            cast(null as timestamptz) as ended_at,
            statuses.event_status,
            cast(null as varchar) as performer_role,
            cast(null as varchar) as organisation
        from immunizations
        inner join
            statuses on immunizations.status = statuses.status and statuses.resource_type = 'Immunization'

    ),

    emergencies as (

        select
            agency,
            feed,
            system,
            delivery_id,
            source_file,
            row_number,
            record_key,
            attendance_key as resource_key,
            'emergency_attendance' as event_kind,
            attended_at as started_at,
            cast(null as timestamptz) as ended_at,
            'completed' as event_status,
            cast(null as varchar) as performer_role,
            location as organisation
        from attendances

    ),

    united as (

        select *
        from mapped
        union all
        select *
        from given_immunisations
        union all
        select *
        from emergencies

    ),

    -- 3. Whose it is. What belongs to no known record is counted by the feed, not shown
    joined as (

        select
            united.event_kind || '|' || united.system || '|' || united.resource_key as event_key,
            records.child_id,
            united.agency,
            united.feed,
            united.system,
            united.record_key,
            united.event_kind,
            {{ london_date('united.started_at') }} as event_date,
            {{ london_date('united.ended_at') }} as ended_date,
            united.event_status,
            united.performer_role,
            united.organisation,
            united.delivery_id,
            united.source_file,
            united.row_number,
            feeds.data_current_to
        from united
        inner join records on united.record_key = records.record_key
        left join
            feeds
            on united.agency = feeds.agency
            and united.feed = feeds.feed
            and united.system = feeds.system
        where united.event_status is not null

    )

select *
from joined
