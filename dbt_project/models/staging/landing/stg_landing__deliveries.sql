with

    source as (select * from {{ source('landing', 'deliveries') }}),

    replaced as (

        select distinct agency, feed, supersedes as delivery_id
        from source
        where state = 'landed' and supersedes is not null

    ),

    -- 1. What can speak for a date: landed, and not replaced by a resend
    standing as (

        select source.*, source.as_at_date <= {{ as_of() }} as is_old_enough
        from source
        left join
            replaced
            on source.agency = replaced.agency
            and source.feed = replaced.feed
            and source.delivery_id = replaced.delivery_id
        where source.state = 'landed' and replaced.delivery_id is null

    ),

    -- 2. The full extract to start from: the newest that is old enough, else the earliest there is
    ranked_fulls as (

        select
            agency,
            feed,
            system,
            delivery_id,
            as_at_date,
            is_old_enough,
            row_number() over (
                partition by agency, feed, system
                order by
                    is_old_enough desc,
                    case when is_old_enough then as_at_date end desc,
                    case when not is_old_enough then as_at_date end,
                    received_at desc,
                    delivery_id desc
            ) as preference
        from standing
        where mode = 'full'

    ),

    start_fulls as (

        select agency, feed, system, delivery_id, as_at_date, is_old_enough
        from ranked_fulls
        where preference = 1

    ),

    -- 3. A feed none of whose deliveries is old enough speaks with all it has, so that old and new samples
    -- can be seen
    feed_ages as (

        select agency, feed, system, max(case when is_old_enough then 1 else 0 end) = 1 as has_old_enough
        from standing
        group by agency, feed, system

    ),

    in_force as (

        select standing.agency, standing.feed, standing.system, standing.delivery_id
        from standing
        inner join
            feed_ages
            on standing.agency = feed_ages.agency
            and standing.feed = feed_ages.feed
            and standing.system = feed_ages.system
        left join
            start_fulls
            on standing.agency = start_fulls.agency
            and standing.feed = start_fulls.feed
            and standing.system = start_fulls.system
        where
            standing.delivery_id = start_fulls.delivery_id
            or (
                standing.mode = 'delta'
                and (start_fulls.as_at_date is null or standing.as_at_date >= start_fulls.as_at_date)
                and (standing.is_old_enough or not feed_ages.has_old_enough)
            )

    ),

    flagged as (

        select
            source.delivery_id,
            source.agency,
            source.feed,
            source.system,
            source.as_at_date,
            source.period_start,
            source.period_end,
            source.mode,
            source.schema_version,
            source.received_at,
            source.records_in,
            source.records_landed,
            source.records_quarantined,
            source.records_duplicate,
            source.state,
            source.hold_rule,
            source.supersedes,
            source.software_version,
            source.cadence,
            source.arrival_deadline_days,
            source.files,
            source.rejects_by_rule,
            source.repairs_by_rule,
            source.warnings_by_rule,
            replaced.delivery_id is not null as is_superseded,
            in_force.delivery_id is not null as is_in_force
        from source
        left join
            replaced
            on source.agency = replaced.agency
            and source.feed = replaced.feed
            and source.delivery_id = replaced.delivery_id
        left join
            in_force
            on source.agency = in_force.agency
            and source.feed = in_force.feed
            and source.system = in_force.system
            and source.delivery_id = in_force.delivery_id

    )

select *
from flagged
