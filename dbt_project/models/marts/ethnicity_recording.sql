with

    -- What a police officer saw is not read: it never stands for what a person says
    police as (select * from {{ ref('stg_police_ppn__notification_persons') }}),

    education as (select * from {{ ref('stg_education_school_census__pupils') }}),

    health_fhir as (select * from {{ ref('stg_health_fhir__patients') }}),

    -- Training and debugging messages have patients who are nobody
    health_adt as (

        select *
        from {{ ref('stg_health_adt__patients') }}
        where coalesce(processing_id, 'P') not in ('T', 'D')

    ),

    social_care as (select * from {{ ref('stg_social_care__persons') }}),

    record_children as (select * from {{ ref('int_record_children') }}),

    children as (select * from {{ ref('child_index') }}),

    codes as (select * from {{ ref('ethnicity_codes') }}),

    wider_groups as (select * from {{ ref('ethnicity_wider_groups') }}),

    agencies as (select * from {{ ref('agencies') }}),

    labels as (select * from {{ ref('status_labels') }} where code_set = 'ethnicity_recording'),

    -- 1. What each record says, with the list its code is from: the same letter means another group in
    -- another list
    sent as (

        select
            agency || '|' || system || '|' || police_person_id as record_key,
            'police_16_1' as code_system,
            self_defined_ethnicity as code,
            feed,
            system,
            as_at_date,
            delivery_id,
            row_number
        from police

        {% for source in ['education', 'health_fhir', 'health_adt', 'social_care'] %}
            union all

            select
                record_key,
                ethnicity_code_system as code_system,
                ethnicity_code as code,
                feed,
                system,
                as_at_date,
                delivery_id,
                row_number
            from {{ source }}
        {% endfor %}

    ),

    -- A system that has never sent a code has no such field, or does not send it: that is no blank of a
    -- worker
    supplying as (select distinct feed, system from sent where code is not null),

    read as (

        select
            record_children.child_id,
            record_children.agency,
            case when sent.code is not null then sent.code_system end as code_system,
            sent.code,
            codes.ethnic_group,
            codes.label_en,
            codes.label_cy,
            sent.record_key,
            sent.as_at_date,
            sent.delivery_id,
            sent.row_number,
            case
                when sent.code is null and supplying.system is null
                then 'not_supplied'
                when sent.code is null
                then 'not_recorded'
                when codes.code is null
                then 'unknown_code'
                when codes.ethnic_group in ('refused', 'not_asked')
                then codes.ethnic_group
                when codes.is_coarse
                then 'coarse'
                else 'fine'
            end as recording_status
        from sent
        inner join record_children on sent.record_key = record_children.record_key
        left join codes on sent.code_system = codes.code_system and sent.code = codes.code
        left join supplying on sent.feed = supplying.feed and sent.system = supplying.system
        where sent.as_at_date <= {{ as_of() }}

    ),

    -- 2. An agency's value: the one that says most, then the newest
    ranked as (

        select
            *,
            row_number() over (
                partition by child_id, agency
                order by
                    case
                        recording_status
                        when 'fine'
                        then 1
                        when 'coarse'
                        then 2
                        when 'refused'
                        then 3
                        when 'not_asked'
                        then 4
                        when 'unknown_code'
                        then 5
                        when 'not_recorded'
                        then 6
                        else 7
                    end,
                    as_at_date desc,
                    record_key,
                    row_number desc,
                    delivery_id,
                    code
            ) as choice
        from read

    ),

    chosen as (select * from ranked where choice = 1),

    -- 3. The groups that may lie behind a value. Two values conflict only when they have no group in common
    possible as (

        select child_id, agency, ethnic_group
        from chosen
        where recording_status = 'fine'

        union all

        select chosen.child_id, chosen.agency, wider_groups.ethnic_group
        from chosen
        inner join wider_groups on chosen.ethnic_group = wider_groups.wider_group
        where chosen.recording_status = 'coarse'

    ),

    compared as (

        select
            mine.child_id,
            mine.agency,
            other.agency as other_agency,
            max(case when mine.ethnic_group = other.ethnic_group then 1 else 0 end) = 0 as is_conflict
        from possible as mine
        inner join possible as other on mine.child_id = other.child_id and mine.agency != other.agency
        group by mine.child_id, mine.agency, other.agency

    ),

    conflicts as (

        select child_id, agency, cast(count(*) as integer) as conflicting_agencies_count
        from compared
        where is_conflict
        group by child_id, agency

    ),

    -- 4. A fine value of others, offered in their own code and only where all fine values of others agree; a
    -- refusal is an answer and gets no offer
    offers as (

        select mine.child_id, mine.agency, min(other.agency) as offered_by_agency
        from chosen as mine
        inner join chosen as other on mine.child_id = other.child_id and mine.agency != other.agency
        left join
            compared
            on mine.child_id = compared.child_id
            and mine.agency = compared.agency
            and other.agency = compared.other_agency
        where
            mine.recording_status in ('coarse', 'not_asked', 'unknown_code', 'not_recorded', 'not_supplied')
            and other.recording_status = 'fine'
        group by mine.child_id, mine.agency
        having
            count(distinct other.ethnic_group) = 1
            and max(case when coalesce(compared.is_conflict, false) then 1 else 0 end) = 0

    ),

    assembled as (

        select
            chosen.child_id || '|' || chosen.agency as ethnicity_key,
            chosen.child_id,
            chosen.agency,
            agencies.label_en as agency_label_en,
            agencies.label_cy as agency_label_cy,
            chosen.recording_status,
            labels.label_en as recording_status_label_en,
            labels.label_cy as recording_status_label_cy,
            chosen.code_system,
            chosen.code as ethnicity_code,
            chosen.label_en as ethnicity_label_en,
            chosen.label_cy as ethnicity_label_cy,
            coalesce(conflicts.conflicting_agencies_count, 0) > 0 as has_conflict,
            coalesce(conflicts.conflicting_agencies_count, 0) as conflicting_agencies_count,
            offers.offered_by_agency,
            offered.code_system as offered_code_system,
            offered.code as offered_code,
            offered.label_en as offered_label_en,
            offered.label_cy as offered_label_cy,
            children.link_confidence,
            chosen.delivery_id as source_delivery_ids,
            chosen.as_at_date as data_current_to,
            {{ as_of() }} as as_of_date
        from chosen
        inner join agencies on chosen.agency = agencies.agency
        inner join labels on chosen.recording_status = labels.code
        left join children on chosen.child_id = children.child_id
        left join conflicts on chosen.child_id = conflicts.child_id and chosen.agency = conflicts.agency
        left join offers on chosen.child_id = offers.child_id and chosen.agency = offers.agency
        left join
            chosen as offered
            on offers.child_id = offered.child_id
            and offers.offered_by_agency = offered.agency

    )

select *
from assembled
