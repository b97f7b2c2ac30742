with

    discussion_rows as (select * from {{ ref('stg_social_care_conferences__strategy_discussions') }}),

    attendance_rows as (select * from {{ ref('stg_social_care_conferences__strategy_attendances') }}),

    enquiries as (select * from {{ ref('stg_social_care__s47_enquiries') }}),

    conference_rows as (select * from {{ ref('stg_social_care__initial_conferences') }}),

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    children as (select * from {{ ref('int_clock_children') }}),

    rules as (select * from {{ ref('int_rules_in_force') }}),

    labels as (select code_set, code, label_en, label_cy from {{ ref('status_labels') }}),

    -- 1. Discussions known by as_of; one held after it has not been held
    discussions as (

        select
            discussion_rows.system || '|' || discussion_rows.discussion_id as discussion_key,
            discussion_rows.record_key || '|' || discussion_rows.discussion_id as child_discussion_key,
            discussion_rows.system,
            discussion_rows.discussion_id,
            discussion_rows.record_key,
            records.child_id,
            discussion_rows.s47_id,
            discussion_rows.threshold_reached_at,
            case
                when {{ london_date('discussion_rows.held_at') }} <= {{ as_of() }}
                then discussion_rows.held_at
            end as held_at,
            case
                when {{ london_date('discussion_rows.held_at') }} <= {{ as_of() }}
                then {{ london_date('discussion_rows.held_at') }}
            end as held_date,
            case
                when {{ london_date('discussion_rows.held_at') }} <= {{ as_of() }}
                then discussion_rows.outcome_code
            end as outcome_code,
            discussion_rows.delivery_id
        from discussion_rows
        inner join records on discussion_rows.record_key = records.record_key
        where
            coalesce(
                {{ london_date('discussion_rows.threshold_reached_at') }},
                {{ london_date('discussion_rows.held_at') }},
                {{ as_of() }}
            )
            <= {{ as_of() }}

    ),

    -- 2. Held in time: England has hours, Wales no number of its own
    hold_clocks as (

        select
            discussions.child_discussion_key,
            discussions.threshold_reached_at as clock_start_at,
            chosen.rule_id
        from discussions
        cross join
            (
                select max(rule_id) as rule_id
                from rules
                where rule_id in ('strategy_within', 'strategy_discussion')
            ) as chosen

    ),

    hold_due as ({{ clock_due_instants('hold_clocks') }}),

    -- 3. The discussion from which the conference is counted: the last of the enquiry, or the first
    -- where the rule says so
    ranked as (

        select
            discussions.child_discussion_key,
            discussions.record_key,
            discussions.s47_id,
            discussions.held_date,
            row_number() over (
                partition by discussions.record_key, discussions.s47_id
                order by discussions.held_at, discussions.discussion_id
            ) as place,
            row_number() over (
                partition by discussions.record_key, discussions.s47_id
                order by discussions.held_at desc, discussions.discussion_id desc
            ) as place_from_last
        from discussions
        where discussions.held_at is not null and discussions.s47_id is not null

    ),

    conferences as (

        select record_key, s47_id, min(conference_date) as conference_date, min(delivery_id) as delivery_id
        from conference_rows
        where conference_date <= {{ as_of() }}
        group by record_key, s47_id

    ),

    conference_clocks as (

        select
            ranked.child_discussion_key,
            ranked.record_key,
            ranked.s47_id,
            ranked.held_date as clock_start_date,
            'icpc_due' as rule_id
        from ranked
        left join rules as conference_rule on conference_rule.rule_id = 'icpc_due'
        where
            case
                when conference_rule.anchor_event = 'strategy_discussion_starting_s47'
                then ranked.place
                else ranked.place_from_last
            end
            = 1

    ),

    conference_due as ({{ clock_due_dates('conference_clocks') }}),

    conference_reasoned as (

        select
            conference_due.*,
            conferences.conference_date,
            conferences.delivery_id as conference_delivery_id,
            coalesce(enquiries.conference_not_required, false)
            and conferences.conference_date is null as is_conference_not_required,
            case
                when conferences.conference_date < conference_due.clock_start_date
                then 'event_before_anchor'
                else
                    {{
                        clock_reason_without_due(
                            'conference_due.clock_start_date',
                            'conference_due.rule_source',
                            'conference_due.due_date',
                        )
                    }}
            end as why_conference_not_computable
        from conference_due
        left join
            conferences
            on conference_due.record_key = conferences.record_key
            and conference_due.s47_id = conferences.s47_id
        left join
            enquiries
            on conference_due.record_key = enquiries.record_key
            and conference_due.s47_id = enquiries.s47_id

    ),

    -- 4. Who took part
    present as (

        select
            system || '|' || discussion_id as discussion_key,
            {{ clock_distinct_list('case when was_present then attending_agency end') }} as agencies_present,
            max(case when was_present and attending_agency = 'social_care' then 1 else 0 end)
            = 1 as is_social_care_present,
            max(case when was_present and attending_agency = 'police' then 1 else 0 end)
            = 1 as is_police_present,
            max(case when was_present and attending_agency = 'health' then 1 else 0 end)
            = 1 as is_health_present,
            max(case when was_present and attending_agency = 'education' then 1 else 0 end)
            = 1 as is_education_present
        from attendance_rows
        group by system || '|' || discussion_id

    ),

    sizes as (

        select discussion_key, cast(count(distinct child_id) as integer) as children_in_discussion
        from discussions
        group by discussion_key

    ),

    reasoned as (

        select
            discussions.*,
            hold_due.due_at as hold_due_at,
            hold_due.rule_id as hold_rule_id,
            hold_due.rule_status as hold_rule_status,
            case
                when discussions.held_at < discussions.threshold_reached_at
                then 'event_before_anchor'
                when hold_due.rule_source is not null and hold_due.rule_value is null
                then 'no_number'
                else
                    {{
                        clock_reason_without_due(
                            'discussions.threshold_reached_at', 'hold_due.rule_source', 'hold_due.due_at'
                        )
                    }}
            end as why_hold_not_computable
        from discussions
        left join hold_due on discussions.child_discussion_key = hold_due.child_discussion_key

    ),

    judged as (

        select
            reasoned.*,
            {{ clock_status_at('reasoned.hold_due_at', 'reasoned.held_at', not_computable='reasoned.why_hold_not_computable') }}
            as hold_status,
            conference_reasoned.child_discussion_key is not null as is_conference_anchor,
            conference_reasoned.due_date as conference_due_date,
            conference_reasoned.conference_date,
            conference_reasoned.conference_delivery_id,
            conference_reasoned.rule_id as conference_rule_id,
            conference_reasoned.rule_status as conference_rule_status,
            case
                when not conference_reasoned.is_conference_not_required
                then conference_reasoned.why_conference_not_computable
            end as why_conference_not_computable,
            case
                when conference_reasoned.child_discussion_key is null
                then null
                when conference_reasoned.is_conference_not_required
                then 'not_required'
                else
                    {{
                        clock_status(
                            'conference_reasoned.due_date',
                            'conference_reasoned.conference_date',
                            not_computable='conference_reasoned.why_conference_not_computable',
                        )
                    }}
            end as conference_status
        from reasoned
        left join
            conference_reasoned on reasoned.child_discussion_key = conference_reasoned.child_discussion_key

    )

select
    judged.child_discussion_key,
    judged.child_id,
    judged.discussion_key,
    sizes.children_in_discussion,
    judged.s47_id,
    judged.threshold_reached_at,
    judged.held_at,
    judged.held_date,
    judged.hold_due_at,
    judged.hold_status,
    hold_labels.label_en as hold_status_label_en,
    hold_labels.label_cy as hold_status_label_cy,
    judged.why_hold_not_computable,
    cast(
        case
            when judged.held_at >= judged.threshold_reached_at
            then {{ clock_hours_between('judged.threshold_reached_at', 'judged.held_at') }}
        end as double
    ) as hours_to_held,
    judged.hold_rule_id,
    judged.hold_rule_status,
    case when judged.held_at is not null then present.agencies_present end as agencies_present,
    case when judged.held_at is not null then present.is_social_care_present end as is_social_care_present,
    case when judged.held_at is not null then present.is_police_present end as is_police_present,
    case when judged.held_at is not null then present.is_health_present end as is_health_present,
    case when judged.held_at is not null then present.is_education_present end as is_education_present,
    judged.outcome_code,
    outcome_labels.label_en as outcome_label_en,
    outcome_labels.label_cy as outcome_label_cy,
    judged.is_conference_anchor,
    judged.conference_due_date,
    judged.conference_date,
    judged.conference_status,
    conference_labels.label_en as conference_status_label_en,
    conference_labels.label_cy as conference_status_label_cy,
    judged.why_conference_not_computable,
    judged.conference_rule_id,
    judged.conference_rule_status,
    children.link_confidence,
    case
        when judged.conference_delivery_id is null or judged.conference_delivery_id = judged.delivery_id
        then judged.delivery_id
        else judged.delivery_id || ',' || judged.conference_delivery_id
    end as source_delivery_ids,
    children.social_care_data_current_to as data_current_to,
    {{ as_of() }} as as_of_date
from judged
left join present on judged.discussion_key = present.discussion_key
left join sizes on judged.discussion_key = sizes.discussion_key
left join children on judged.child_id = children.child_id
left join
    labels as hold_labels on hold_labels.code_set = 'clock_status' and judged.hold_status = hold_labels.code
left join
    labels as conference_labels
    on conference_labels.code_set = 'clock_status'
    and judged.conference_status = conference_labels.code
left join
    labels as outcome_labels
    on outcome_labels.code_set = 'strategy_outcome'
    and judged.outcome_code = outcome_labels.code
order by child_discussion_key
