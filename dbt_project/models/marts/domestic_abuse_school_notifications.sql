with

    notifications as (

        select *, {{ record_key('police_person_id') }} as record_key
        from {{ ref('stg_police_ppn__notification_persons') }}
        where notification_type = 'domestic_abuse' and is_child

    ),

    notices as (select * from {{ ref('stg_police_domestic_abuse__notices') }}),

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    children as (select * from {{ ref('int_clock_children') }}),

    child_schools as (select * from {{ ref('int_child_schools') }}),

    school_days as (select * from {{ ref('int_school_days') }}),

    pupils as (select * from {{ ref('stg_education_school_census__pupils') }}),

    deliveries as (select * from {{ ref('stg_landing__deliveries') }}),

    rules as (select * from {{ ref('int_rules_in_force') }}),

    status_labels as (

        select code, label_en, label_cy
        from {{ ref('status_labels') }}
        where code_set = 'school_notification_status'

    ),

    -- 1. Who: the children of both feeds, by child where the police's number is linked to one
    mentioned as (

        select system, notification_reference as incident_reference, record_key, delivery_id
        from notifications

        union

        select system, incident_reference, record_key, delivery_id
        from notices

    ),

    people as (

        select
            mentioned.system,
            mentioned.incident_reference,
            mentioned.record_key,
            mentioned.delivery_id,
            records.child_id,
            mentioned.system
            || '|'
            || mentioned.incident_reference
            || '|'
            || coalesce(records.child_id, mentioned.record_key) as notification_key
        from mentioned
        left join records on mentioned.record_key = records.record_key

    ),

    subjects as (

        select
            notification_key,
            system,
            incident_reference,
            child_id,
            {{ clock_distinct_list('delivery_id') }} as source_delivery_ids
        from people
        group by notification_key, system, incident_reference, child_id

    ),

    keys as (select distinct notification_key, system, incident_reference, record_key from people),

    -- 2. A name that two schools have says nothing about which
    named_schools as (

        select
            {{ standardise_school_name('school_name') }} as school_name,
            min({{ standardise_school_code('school_id') }}) as school_id
        from pupils
        where school_name is not null and school_id is not null
        group by {{ standardise_school_name('school_name') }}
        having count(distinct {{ standardise_school_code('school_id') }}) = 1

    ),

    hub as (

        select
            keys.notification_key,
            min(notifications.incident_at) as incident_at,
            min(named_schools.school_id) as school_id
        from keys
        inner join
            notifications
            on keys.system = notifications.system
            and keys.incident_reference = notifications.notification_reference
            and keys.record_key = notifications.record_key
        left join
            named_schools
            on named_schools.school_name = {{ standardise_school_name('notifications.school_name') }}
        group by keys.notification_key

    ),

    -- 3. What was sent by as_of. A notice that came back told nobody; one dated before its incident cannot
    -- be about it
    told as (

        select
            keys.notification_key,
            notices.notice_reference,
            notices.incident_at,
            notices.recipient_kind,
            notices.exempt_reason,
            {{ standardise_school_code('notices.recipient_school_id') }} as recipient_school_id,
            coalesce(
                {{ standardise_school_code('notices.recipient_school_id') }}, named_schools.school_id
            ) as police_school_id,
            case
                when {{ london_date('notices.sent_at') }} <= {{ as_of() }} then notices.sent_at
            end as sent_at,
            case
                when {{ london_date('notices.received_at') }} <= {{ as_of() }} then notices.received_at
            end as received_at,
            coalesce(notices.is_undeliverable, false) as is_undeliverable,
            coalesce(notices.sent_at < notices.incident_at, false) as is_before_incident
        from keys
        inner join
            notices
            on keys.system = notices.system
            and keys.incident_reference = notices.incident_reference
            and keys.record_key = notices.record_key
        left join
            named_schools on named_schools.school_name = {{ standardise_school_name('notices.school_name') }}

    ),

    ranked as (

        select
            *,
            sent_at is not null and not is_undeliverable and not is_before_incident as has_told,
            row_number() over (
                partition by notification_key
                order by
                    case
                        when sent_at is not null and not is_undeliverable and not is_before_incident
                        then 0
                        when sent_at is not null
                        then 1
                        else 2
                    end,
                    sent_at,
                    notice_reference
            ) as preference
        from told

    ),

    logged as (

        select
            notification_key,
            min(incident_at) as incident_at,
            cast(count(*) as integer) as notices,
            max(case when preference = 1 then recipient_kind end) as recipient_kind,
            max(case when preference = 1 then recipient_school_id end) as recipient_school_id,
            max(case when preference = 1 then police_school_id end) as police_school_id,
            max(case when preference = 1 and has_told then sent_at end) as sent_at,
            max(case when preference = 1 and has_told then received_at end) as received_at,
            max(case when is_undeliverable then 1 else 0 end) = 1 as has_come_back,
            max(case when is_before_incident then 1 else 0 end) = 1 as has_event_before_anchor,
            max(exempt_reason) as exempt_reason
        from ranked
        group by notification_key

    ),

    incidents as (

        select
            subjects.notification_key,
            subjects.system,
            subjects.incident_reference,
            subjects.child_id,
            subjects.source_delivery_ids,
            hub.notification_key is not null as is_in_notifications,
            logged.notification_key is not null as is_in_log,
            coalesce(logged.incident_at, hub.incident_at) as incident_at,
            {{ london_date('coalesce(logged.incident_at, hub.incident_at)') }} as incident_date,
            coalesce(logged.notices, 0) as notices,
            logged.recipient_kind,
            logged.recipient_school_id,
            case
                when logged.recipient_kind = 'council_officer'
                then null
                else coalesce(logged.police_school_id, hub.school_id)
            end as police_school_id,
            logged.sent_at,
            logged.received_at,
            logged.exempt_reason,
            coalesce(logged.has_come_back and logged.sent_at is null, false) as is_undeliverable,
            coalesce(logged.has_event_before_anchor, false) as has_event_before_anchor
        from subjects
        left join hub on subjects.notification_key = hub.notification_key
        left join logged on subjects.notification_key = logged.notification_key
        where
            coalesce(logged.incident_at, hub.incident_at) is null
            or {{ london_date('coalesce(logged.incident_at, hub.incident_at)') }} <= {{ as_of() }}

    ),

    -- 4. The school on the day by linkage, where the police know none, and beside what they know
    attended as (

        select
            incidents.notification_key,
            child_schools.school_id,
            row_number() over (
                partition by incidents.notification_key
                order by
                    case when child_schools.is_main then 0 else 1 end,
                    child_schools.entry_date desc,
                    case when child_schools.leaving_date is null then 0 else 1 end,
                    child_schools.leaving_date desc,
                    child_schools.school_id
            ) as preference
        from incidents
        inner join
            child_schools
            on incidents.child_id = child_schools.child_id
            and incidents.incident_date >= child_schools.entry_date
            and (child_schools.leaving_date is null or incidents.incident_date <= child_schools.leaving_date)

    ),

    placed as (

        select
            incidents.*,
            attended.school_id as enrolled_school_id,
            case
                when incidents.recipient_kind = 'council_officer'
                then null
                else coalesce(incidents.police_school_id, attended.school_id)
            end as school_id,
            case
                when incidents.recipient_kind = 'council_officer'
                then 'council_officer'
                when incidents.police_school_id is not null
                then 'police'
                when attended.school_id is not null
                then 'linkage'
                else 'not_known'
            end as school_known_by,
            -- An officer works by the council's own calendar
            case
                when incidents.recipient_kind = 'council_officer'
                then incidents.recipient_school_id
                else coalesce(incidents.police_school_id, attended.school_id)
            end as calendar_id
        from incidents
        left join
            attended on incidents.notification_key = attended.notification_key and attended.preference = 1

    ),

    -- 5. Due: the next start of a school day after the incident, the same morning's too. A calendar that
    -- begins after the
    -- incident cannot say which day was next
    calendars as (

        select school_id, min(starts_at) as first_starts_at, min(start_rule_status) as start_rule_status
        from school_days
        group by school_id

    ),

    next_starts as (

        select placed.notification_key, min(school_days.starts_at) as due_at
        from placed
        inner join
            school_days
            on placed.calendar_id = school_days.school_id
            and placed.incident_date <= school_days.school_date
            and placed.incident_at < school_days.starts_at
        group by placed.notification_key

    ),

    log_dates as (

        select system, max(as_at_date) as log_current_to
        from deliveries
        where agency = 'police' and feed = 'domestic_abuse' and is_in_force
        group by system

    ),

    feed_dates as (

        select system, min(as_at_date) as data_current_to
        from
            (
                select system, feed, max(as_at_date) as as_at_date
                from deliveries
                where agency = 'police' and feed in ('domestic_abuse', 'ppn') and is_in_force
                group by system, feed
            ) as feeds
        group by system

    ),

    timed as (

        select
            placed.*,
            children.birth_date,
            children.link_confidence,
            timing_rule.rule_id,
            timing_rule.rule_status,
            timing_rule.rule_source,
            timing_rule.is_local_rule,
            calendars.start_rule_status,
            case
                when timing_rule.rule_id is not null and calendars.first_starts_at <= placed.incident_at
                then next_starts.due_at
            end as due_at,
            scope_rule.rule_status as scope_rule_status,
            -- "To age 17" lasts until the birthday after
            case
                when children.birth_date is null
                then 'age_not_known'
                when
                    placed.incident_date
                    >= {{ clock_add(
                        'children.birth_date', 'scope_rule.rule_unit', '(scope_rule.rule_value + 1)'
                    ) }}
                then 'over_age'
                when
                    placed.school_known_by = 'not_known'
                    and placed.incident_date
                    < {{ clock_add(
                        'children.birth_date', 'from_rule.rule_unit', 'from_rule.rule_value'
                    ) }}
                then 'below_school_age'
                else 'in_scope'
            end as age_scope,
            log_dates.log_current_to,
            feed_dates.data_current_to
        from placed
        left join children on placed.child_id = children.child_id
        left join calendars on placed.calendar_id = calendars.school_id
        left join next_starts on placed.notification_key = next_starts.notification_key
        left join log_dates on placed.system = log_dates.system
        left join feed_dates on placed.system = feed_dates.system
        left join rules as timing_rule on timing_rule.rule_id = 'encompass_scheme_timing'
        left join rules as scope_rule on scope_rule.rule_id = 'encompass_scope'
        left join rules as from_rule on from_rule.rule_id = 'encompass_scope_from'

    ),

    -- 6. A silence of the log is only a failure when the log speaks for the day
    reasoned as (

        select
            *,
            {{ london_date('due_at') }} as due_date,
            case
                when incident_at is null
                then 'no_anchor'
                when rule_id is null
                then 'no_rule'
                when has_event_before_anchor and sent_at is null
                then 'event_before_anchor'
                when due_at is null
                then 'no_school_calendar'
                when
                    sent_at is null
                    and {{ as_of() }} > due_at
                    and coalesce(log_current_to < {{ london_date('due_at') }}, true)
                then 'notices_not_supplied'
            end as why_clock_not_computable
        from timed

    ),

    decided as (

        select
            *,
            case
                when age_scope in ('over_age', 'below_school_age')
                then 'out_of_scope'
                when exempt_reason is not null and sent_at is null
                then 'exempt'
                when
                    incident_at is not null
                    and calendar_id is null
                    and sent_at is null
                    and recipient_kind is distinct from 'council_officer'
                then 'no_school_known'
                when is_undeliverable
                then 'undeliverable'
                else {{ clock_status('due_at', 'sent_at', not_computable='why_clock_not_computable') }}
            end as status
        from reasoned

    ),

    events as (

        select
            system,
            incident_reference,
            cast(count(*) as integer) as children_in_incident,
            cast(count(distinct school_id) as integer) as schools_in_incident
        from decided
        group by system, incident_reference

    ),

    assembled as (

        select
            decided.notification_key,
            decided.system || '|' || decided.incident_reference as incident_key,
            decided.child_id,
            decided.incident_reference,
            decided.incident_at,
            decided.incident_date,
            decided.is_in_notifications,
            decided.is_in_log,
            decided.school_id,
            decided.school_known_by,
            known_labels.label_en as school_known_by_label_en,
            known_labels.label_cy as school_known_by_label_cy,
            decided.enrolled_school_id,
            decided.recipient_kind,
            decided.recipient_school_id,
            decided.recipient_school_id = decided.enrolled_school_id as is_sent_to_enrolled_school,
            decided.recipient_kind is not distinct from 'council_officer' as is_for_council_officer,
            decided.age_scope,
            decided.due_at,
            decided.due_date,
            decided.sent_at,
            decided.received_at,
            decided.is_undeliverable,
            decided.exempt_reason,
            exempt_labels.label_en as exempt_reason_label_en,
            exempt_labels.label_cy as exempt_reason_label_cy,
            decided.notices,
            decided.status,
            status_labels.label_en as status_label_en,
            status_labels.label_cy as status_label_cy,
            case
                when decided.status = 'not_computable' then decided.why_clock_not_computable
            end as why_not_computable,
            case
                when decided.sent_at > decided.due_at
                then
                    cast(
                        round({{ clock_hours_between('decided.due_at', 'decided.sent_at') }} * 60) as integer
                    )
            end as minutes_late,
            events.children_in_incident,
            events.schools_in_incident,
            decided.has_event_before_anchor,
            decided.rule_id,
            decided.rule_status,
            decided.rule_source,
            decided.is_local_rule,
            decided.start_rule_status,
            decided.scope_rule_status,
            decided.link_confidence,
            decided.source_delivery_ids,
            decided.data_current_to,
            {{ as_of() }} as as_of_date
        from decided
        inner join
            events
            on decided.system = events.system
            and decided.incident_reference = events.incident_reference
        left join status_labels on decided.status = status_labels.code
        left join
            {{ ref('status_labels') }} as known_labels
            on known_labels.code_set = 'school_known_by'
            and decided.school_known_by = known_labels.code
        left join
            {{ ref('status_labels') }} as exempt_labels
            on exempt_labels.code_set = 'notice_exempt_reason'
            and decided.exempt_reason = exempt_labels.code

    )

select *
from assembled
order by notification_key
