with

    invitation_rows as (select * from {{ ref('stg_social_care_conferences__conference_invitations') }}),

    initial_conferences as (select * from {{ ref('stg_social_care__initial_conferences') }}),

    review_conferences as (select * from {{ ref('stg_social_care__review_conferences') }}),

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    children as (select * from {{ ref('int_clock_children') }}),

    rules as (select rule_id, rule_value, rule_status, rule_source from {{ ref('int_rules_in_force') }}),

    labels as (select code_set, code, label_en, label_cy from {{ ref('status_labels') }}),

    -- 1. Conferences held by as_of, one row a child; brothers and sisters share the key of the meeting
    child_conferences as (

        select
            system,
            record_key,
            conference_id,
            meeting_id,
            conference_date,
            case
                when conference_type in ('transfer_in', 'pre_birth') then conference_type else 'initial'
            end as conference_kind,
            delivery_id
        from initial_conferences

        union all

        select
            system,
            record_key,
            review_conference_id as conference_id,
            meeting_id,
            review_date as conference_date,
            'review' as conference_kind,
            delivery_id
        from review_conferences

    ),

    conferences as (

        select
            child_conferences.*,
            records.child_id,
            child_conferences.system
            || '|'
            || coalesce(
                'meeting|' || child_conferences.meeting_id, 'conference|' || child_conferences.conference_id
            ) as conference_key
        from child_conferences
        inner join records on child_conferences.record_key = records.record_key
        where child_conferences.conference_date <= {{ as_of() }}

    ),

    -- 2. Each invitation gets the key of its conference: by its meeting, else by the conference it
    -- names, which has the meeting
    numbered as (

        select
            system,
            conference_id,
            min(conference_key) as conference_key,
            min(conference_date) as conference_date
        from conferences
        group by system, conference_id

    ),

    meetings as (

        select conference_key, min(conference_date) as conference_date
        from conferences
        group by conference_key

    ),

    placed as (

        select
            invitation_rows.*,
            case
                when invitation_rows.meeting_id is null and numbered.conference_key is not null
                then numbered.conference_key
                when coalesce(invitation_rows.meeting_id, invitation_rows.conference_id) is null
                then invitation_rows.system || '|invitation|' || invitation_rows.invitation_id
                else
                    invitation_rows.system
                    || '|'
                    || coalesce(
                        'meeting|' || invitation_rows.meeting_id,
                        'conference|' || invitation_rows.conference_id
                    )
            end as conference_key
        from invitation_rows
        left join
            numbered
            on invitation_rows.system = numbered.system
            and invitation_rows.conference_id = numbered.conference_id

    ),

    -- The day in the case export is the day it was held; the list has it where the export has no such
    -- conference
    invitations as (

        select
            placed.conference_key,
            placed.invitation_id,
            placed.system || '|' || placed.invitation_id as invitation_key,
            placed.invited_agency,
            placed.role_code,
            placed.invited_date,
            coalesce(meetings.conference_date, placed.conference_date) as conference_date,
            meetings.conference_key is not null as is_conference_known,
            coalesce(placed.conference_date != meetings.conference_date, false) as is_date_different,
            placed.delivery_id,
            coalesce(placed.report_required, true) as is_report_required,
            placed.report_due_date as report_due_supplied_date,
            case
                when placed.report_sent_date <= {{ as_of() }} then placed.report_sent_date
            end as report_sent_date,
            case
                when coalesce(meetings.conference_date, placed.conference_date) > {{ as_of() }}
                then 'to_come'
                when placed.attended
                then 'attended'
                when placed.attended is null
                then 'not_recorded'
                when placed.apologies_sent
                then 'apologies'
                else 'absent'
            end as attendance_status
        from placed
        left join meetings on placed.conference_key = meetings.conference_key

    ),

    -- 3. The clock of the report: so many working days before the conference
    clocks as (

        select invitation_key, conference_date as clock_start_date, 'conference_report_due' as rule_id
        from invitations

    ),

    due as ({{ clock_due_dates('clocks') }}),

    reports as (

        select
            invitations.*,
            due.due_date as report_due_date,
            due.rule_id as report_rule_id,
            due.rule_status as report_rule_status,
            {{ clock_reason_without_due('due.clock_start_date', 'due.rule_source', 'due.due_date') }}
            as why_report_not_computable
        from invitations
        left join due on invitations.invitation_key = due.invitation_key

    ),

    -- 4. Quorum: social care and so many other agencies; a person of an agency counts it once. What
    -- was not recorded can only add to it
    counted as (

        select
            conference_key,
            cast(
                count(
                    distinct case
                        when attendance_status = 'attended' and invited_agency != 'social_care'
                        then invited_agency
                    end
                ) as integer
            ) as other_agencies_present,
            max(
                case when attendance_status = 'attended' and invited_agency = 'social_care' then 1 else 0 end
            ) as social_care_present,
            max(case when attendance_status = 'not_recorded' then 1 else 0 end) = 1 as has_unrecorded,
            max(case when attendance_status = 'to_come' then 1 else 0 end) = 1 as is_to_come
        from invitations
        group by conference_key

    ),

    quorums as (

        select
            counted.*,
            agencies_rule.rule_id as quorum_rule_id,
            agencies_rule.rule_value as quorum_other_agencies,
            agencies_rule.rule_status as quorum_rule_status,
            case
                when counted.is_to_come
                then 'to_come'
                when agencies_rule.rule_value is null or own_rule.rule_value is null
                then 'not_computable'
                when
                    counted.other_agencies_present >= agencies_rule.rule_value
                    and counted.social_care_present >= own_rule.rule_value
                then 'quorate'
                when counted.has_unrecorded
                then 'not_computable'
                else 'not_quorate'
            end as quorum_status
        from counted
        left join rules as agencies_rule on agencies_rule.rule_id = 'conference_quorum_agencies'
        left join rules as own_rule on own_rule.rule_id = 'conference_quorum_social_care'

    ),

    -- 5. Conferences with their invitations; a conference without a list and a list without a
    -- conference stay
    joined as (

        select
            coalesce(conferences.conference_key, reports.conference_key) as conference_key,
            conferences.record_key,
            conferences.child_id,
            conferences.conference_id,
            conferences.conference_kind,
            coalesce(reports.conference_date, conferences.conference_date) as conference_date,
            reports.invitation_key,
            reports.invited_agency,
            reports.role_code,
            reports.invited_date,
            coalesce(reports.is_conference_known, true) as is_conference_known,
            coalesce(reports.is_date_different, false) as is_date_different,
            coalesce(reports.attendance_status, 'no_list') as attendance_status,
            reports.is_report_required,
            reports.report_due_supplied_date,
            reports.report_due_date,
            reports.report_sent_date,
            case
                when reports.invitation_key is null
                then null
                when not reports.is_report_required
                then 'not_required'
                else
                    {{
                        clock_status(
                            'reports.report_due_date',
                            'reports.report_sent_date',
                            not_computable='reports.why_report_not_computable',
                        )
                    }}
            end as report_status,
            case
                when reports.is_report_required then reports.why_report_not_computable
            end as why_report_not_computable,
            reports.report_rule_id,
            reports.report_rule_status,
            case
                when conferences.delivery_id is null or conferences.delivery_id = reports.delivery_id
                then reports.delivery_id
                when reports.delivery_id is null
                then conferences.delivery_id
                else conferences.delivery_id || ',' || reports.delivery_id
            end as source_delivery_ids
        from conferences
        full outer join reports on conferences.conference_key = reports.conference_key

    ),

    sizes as (

        select conference_key, cast(count(distinct child_id) as integer) as children_in_conference
        from conferences
        group by conference_key

    )

select
    coalesce(joined.record_key || '|' || joined.conference_id, 'no conference')
    || '|'
    || coalesce(joined.invitation_key, 'no list') as attendance_key,
    joined.child_id,
    joined.conference_key,
    coalesce(sizes.children_in_conference, 0) as children_in_conference,
    joined.conference_kind,
    kind_labels.label_en as conference_kind_label_en,
    kind_labels.label_cy as conference_kind_label_cy,
    joined.conference_date,
    joined.is_conference_known,
    joined.is_date_different,
    joined.invitation_key,
    joined.invited_agency,
    agency_labels.label_en as invited_agency_label_en,
    agency_labels.label_cy as invited_agency_label_cy,
    joined.role_code,
    role_labels.label_en as role_label_en,
    role_labels.label_cy as role_label_cy,
    joined.invited_date,
    joined.attendance_status,
    attendance_labels.label_en as attendance_status_label_en,
    attendance_labels.label_cy as attendance_status_label_cy,
    joined.is_report_required,
    joined.report_due_supplied_date,
    joined.report_due_date,
    joined.report_sent_date,
    joined.report_status,
    report_labels.label_en as report_status_label_en,
    report_labels.label_cy as report_status_label_cy,
    joined.why_report_not_computable,
    joined.report_rule_id,
    joined.report_rule_status,
    quorums.other_agencies_present,
    quorums.social_care_present = 1 as is_social_care_present,
    coalesce(quorums.quorum_status, 'not_computable') as quorum_status,
    quorum_labels.label_en as quorum_status_label_en,
    quorum_labels.label_cy as quorum_status_label_cy,
    case
        when quorums.conference_key is null
        then 'not_supplied'
        when quorums.quorum_status = 'not_computable' and quorums.quorum_rule_id is null
        then 'no_rule'
        when quorums.quorum_status = 'not_computable'
        then 'attendance_not_recorded'
    end as why_quorum_not_computable,
    quorums.quorum_other_agencies,
    quorums.quorum_rule_id,
    quorums.quorum_rule_status,
    children.link_confidence,
    joined.source_delivery_ids,
    children.social_care_data_current_to as data_current_to,
    {{ as_of() }} as as_of_date
from joined
left join quorums on joined.conference_key = quorums.conference_key
left join sizes on joined.conference_key = sizes.conference_key
left join children on joined.child_id = children.child_id
left join
    labels as kind_labels
    on kind_labels.code_set = 'conference_kind'
    and joined.conference_kind = kind_labels.code
left join
    labels as agency_labels
    on agency_labels.code_set = 'attending_agency'
    and joined.invited_agency = agency_labels.code
left join
    labels as role_labels on role_labels.code_set = 'attendee_role' and joined.role_code = role_labels.code
left join
    labels as attendance_labels
    on attendance_labels.code_set = 'conference_attendance'
    and joined.attendance_status = attendance_labels.code
left join
    labels as report_labels
    on report_labels.code_set = 'clock_status'
    and joined.report_status = report_labels.code
left join
    labels as quorum_labels
    on quorum_labels.code_set = 'quorum'
    and coalesce(quorums.quorum_status, 'not_computable') = quorum_labels.code
order by attendance_key
