with

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    children as (select child_id, birth_date from {{ ref('int_clock_children') }}),

    registration_rows as (select * from {{ ref('stg_social_care__registrations') }}),

    conferences as (select * from {{ ref('stg_social_care__initial_conferences') }}),

    enquiries as (select * from {{ ref('stg_social_care__s47_enquiries') }}),

    persons as (select record_key, family_group_id from {{ ref('stg_social_care__persons') }}),

    icpc_rule as (

        select rule_id, anchor_event from {{ ref('int_rules_in_force') }} where rule_id = 'icpc_due'

    ),

    -- 1. Registrations that had begun by as_of; an end after as_of has not happened
    registrations as (

        select
            registration_rows.system
            || '|'
            || registration_rows.feed
            || '|'
            || registration_rows.registration_id as registration_key,
            registration_rows.registration_id,
            registration_rows.record_key,
            records.child_id,
            registration_rows.system,
            registration_rows.delivery_id,
            registration_rows.registered_date,
            case
                when registration_rows.deregistered_date <= {{ as_of() }}
                then registration_rows.deregistered_date
            end as deregistered_date,
            case
                when registration_rows.deregistered_date <= {{ as_of() }}
                then registration_rows.deregistration_reason_code
            end as deregistration_reason_code,
            registration_rows.category_code,
            registration_rows.initial_category_code,
            registration_rows.conference_id,
            registration_rows.previous_registrations
        from registration_rows
        inner join records on registration_rows.record_key = records.record_key
        where registration_rows.registered_date <= {{ as_of() }}

    ),

    -- 2. The conference that registered the child: the one it names, else the last on or before the
    -- registration that no earlier registration of the record has used
    with_previous as (

        select
            *,
            lag(registered_date) over (
                partition by record_key order by registered_date, registration_id
            ) as previous_registered_date
        from registrations

    ),

    conference_candidates as (

        select
            with_previous.registration_key,
            conferences.conference_id,
            conferences.conference_date,
            conferences.conference_type,
            conferences.outcome_code,
            conferences.meeting_id,
            conferences.s47_id,
            conferences.delivery_id,
            row_number() over (
                partition by with_previous.registration_key
                order by
                    case when with_previous.conference_id = conferences.conference_id then 0 else 1 end,
                    conferences.conference_date desc,
                    conferences.conference_id
            ) as preference
        from with_previous
        inner join
            conferences
            on with_previous.record_key = conferences.record_key
            and conferences.conference_date <= {{ as_of() }}
            and (
                with_previous.conference_id = conferences.conference_id
                or (
                    conferences.conference_date <= with_previous.registered_date
                    and (
                        with_previous.previous_registered_date is null
                        or conferences.conference_date > with_previous.previous_registered_date
                    )
                )
            )

    ),

    conference_of as (select * from conference_candidates where preference = 1),

    -- 3. The enquiry behind the conference: the one it names, else the last before it; which of its
    -- days starts the conference's clock is the rule's choice
    enquiry_candidates as (

        select
            conference_of.registration_key,
            enquiries.s47_id,
            enquiries.strategy_discussion_date,
            case
                when icpc_rule.anchor_event = 'strategy_discussion_starting_s47'
                then enquiries.started_date
                else enquiries.strategy_discussion_date
            end as anchor_date,
            row_number() over (
                partition by conference_of.registration_key
                order by
                    case when conference_of.s47_id = enquiries.s47_id then 0 else 1 end,
                    enquiries.strategy_discussion_date desc nulls last,
                    enquiries.s47_id
            ) as preference
        from conference_of
        inner join with_previous on conference_of.registration_key = with_previous.registration_key
        inner join
            enquiries
            on with_previous.record_key = enquiries.record_key
            and (
                conference_of.s47_id = enquiries.s47_id
                or (
                    conference_of.s47_id is null
                    and enquiries.strategy_discussion_date <= conference_of.conference_date
                    and (
                        with_previous.previous_registered_date is null
                        or enquiries.strategy_discussion_date > with_previous.previous_registered_date
                    )
                )
            )
        left join icpc_rule on icpc_rule.rule_id = 'icpc_due'

    ),

    enquiry_of as (select * from enquiry_candidates where preference = 1),

    -- 4. The earlier registration of the child, in any council, that ended last before this one
    previous_candidates as (

        select
            registrations.registration_key,
            earlier.registered_date,
            earlier.deregistered_date,
            row_number() over (
                partition by registrations.registration_key
                order by
                    earlier.deregistered_date desc, earlier.registered_date desc, earlier.registration_key
            ) as preference
        from registrations
        inner join
            registrations as earlier
            on registrations.child_id = earlier.child_id
            and registrations.registration_key != earlier.registration_key
            and registrations.registered_date > earlier.registered_date
            and registrations.registered_date >= earlier.deregistered_date

    ),

    -- 5. A conference of siblings is one: by its meeting, else by family and day, else the child's
    -- own
    described as (

        select
            registrations.*,
            conference_of.conference_date,
            conference_of.conference_type,
            conference_of.outcome_code as conference_outcome_code,
            coalesce(conference_of.conference_date, registrations.registered_date) as review_anchor_date,
            case
                when conference_of.conference_date is null then 'registration' else 'icpc'
            end as review_anchor_event,
            enquiry_of.strategy_discussion_date,
            enquiry_of.anchor_date as conference_anchor_date,
            registrations.system
            || '|'
            || coalesce(
                'meeting|' || conference_of.meeting_id,
                'family|'
                || persons.family_group_id
                || '|'
                || cast(coalesce(conference_of.conference_date, registrations.registered_date) as varchar),
                'child|'
                || registrations.record_key
                || '|'
                || cast(coalesce(conference_of.conference_date, registrations.registered_date) as varchar)
            ) as conference_key,
            previous_candidates.registered_date as previous_registered_date,
            previous_candidates.deregistered_date as previous_deregistered_date,
            children.birth_date is null
            or children.birth_date > registrations.registered_date as is_registered_before_birth,
            case
                when
                    conference_of.delivery_id is null or conference_of.delivery_id = registrations.delivery_id
                then registrations.delivery_id
                else registrations.delivery_id || ',' || conference_of.delivery_id
            end as source_delivery_ids
        from registrations
        left join conference_of on registrations.registration_key = conference_of.registration_key
        left join enquiry_of on registrations.registration_key = enquiry_of.registration_key
        left join
            previous_candidates
            on registrations.registration_key = previous_candidates.registration_key
            and previous_candidates.preference = 1
        left join persons on registrations.record_key = persons.record_key
        left join children on registrations.child_id = children.child_id

    )

select *
from described
