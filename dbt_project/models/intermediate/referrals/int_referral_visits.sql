with

    referrals as (select * from {{ ref('int_referrals') }}),

    visit_rows as (select * from {{ ref('stg_social_care__visits') }} where visit_type = 'referral'),

    calendar as (select calendar_date, working_day_number from {{ ref('int_working_calendar') }}),

    -- A council whose feeds never send such a visit says nothing by sending none
    systems_with_visits as (select distinct system from visit_rows),

    limits as (

        select
            max(case when rule_id = 'first_visit_band_1' then rule_value end) as limit_1,
            max(case when rule_id = 'first_visit_band_2' then rule_value end) as limit_2,
            max(case when rule_id = 'first_visit_band_3' then rule_value end) as limit_3
        from {{ ref('int_rules_in_force') }}
        where rule_id in ('first_visit_band_1', 'first_visit_band_2', 'first_visit_band_3')

    ),

    -- 1. Visits that answer a referral: while it was open, by feed no matter which of the council's.
    -- Seen alone is seen
    answers as (

        select
            referrals.referral_key,
            visit_rows.visit_date,
            visit_rows.delivery_id,
            coalesce(visit_rows.was_seen, visit_rows.seen_alone, false) as is_seen,
            coalesce(visit_rows.was_seen, visit_rows.seen_alone, false)
            and coalesce(visit_rows.seen_alone, false) as is_seen_alone
        from referrals
        inner join
            visit_rows
            on referrals.record_key = visit_rows.record_key
            and visit_rows.visit_date
            between referrals.referral_date and coalesce(referrals.closed_date, {{ as_of() }})

    ),

    firsts as (

        select
            referral_key,
            min(visit_date) as first_visit_date,
            min(case when is_seen then visit_date end) as first_seen_date,
            min(case when is_seen_alone then visit_date end) as first_seen_alone_date,
            cast(count(*) as integer) as visits,
            {{ clock_distinct_list('delivery_id') }} as delivery_ids
        from answers
        group by referral_key

    ),

    -- 2. Working days to each, by the running number of the calendar
    counted as (

        select
            referrals.referral_key,
            referrals.is_no_further_action,
            referrals.is_before_birth,
            systems_with_visits.system is not null as are_visits_supplied,
            firsts.first_visit_date,
            firsts.first_seen_date,
            firsts.first_seen_alone_date,
            coalesce(firsts.visits, 0) as visits,
            firsts.delivery_ids,
            visit_days.working_day_number - start_days.working_day_number as first_visit_working_days,
            seen_days.working_day_number - start_days.working_day_number as first_seen_working_days,
            alone_days.working_day_number - start_days.working_day_number as first_seen_alone_working_days,
            end_days.working_day_number - start_days.working_day_number as open_working_days
        from referrals
        left join firsts on referrals.referral_key = firsts.referral_key
        left join systems_with_visits on referrals.system = systems_with_visits.system
        left join calendar as start_days on referrals.referral_date = start_days.calendar_date
        left join calendar as visit_days on firsts.first_visit_date = visit_days.calendar_date
        left join calendar as seen_days on firsts.first_seen_date = seen_days.calendar_date
        left join calendar as alone_days on firsts.first_seen_alone_date = alone_days.calendar_date
        left join
            calendar as end_days on coalesce(referrals.closed_date, {{ as_of() }}) = end_days.calendar_date

    ),

    -- 3. The band. Bands say who is waited for: a referral without further action needs no visit, a
    -- child cannot
    -- be seen before birth
    banded as (

        select
            counted.*,
            case
                when counted.is_no_further_action
                then 'not_required'
                when counted.is_before_birth
                then 'before_birth'
                when not counted.are_visits_supplied
                then 'not_supplied'
                when counted.first_seen_date is null
                then 'not_seen'
                when counted.first_seen_working_days <= limits.limit_1
                then 'range_1'
                when counted.first_seen_working_days <= limits.limit_2
                then 'range_2'
                when counted.first_seen_working_days <= limits.limit_3
                then 'range_3'
                else 'over'
            end as band_kind,
            limits.limit_1,
            limits.limit_2,
            limits.limit_3
        from counted
        cross join limits

    ),

    numbered as (

        select
            *,
            case
                band_kind
                when 'range_1'
                then '0'
                when 'range_2'
                then cast(limit_1 + 1 as varchar)
                when 'range_3'
                then cast(limit_2 + 1 as varchar)
                when 'over'
                then cast(limit_3 as varchar)
            end as band_from,
            case
                band_kind
                when 'range_1'
                then cast(limit_1 as varchar)
                when 'range_2'
                then cast(limit_2 as varchar)
                when 'range_3'
                then cast(limit_3 as varchar)
            end as band_to,
            case
                when band_kind = 'range_1'
                then 'first_visit_band_1'
                when band_kind = 'range_2'
                then 'first_visit_band_2'
                when band_kind in ('range_3', 'over')
                then 'first_visit_band_3'
            end as band_rule_id
        from banded

    )

select
    numbered.referral_key,
    numbered.are_visits_supplied,
    numbered.first_visit_date,
    numbered.first_visit_working_days,
    numbered.first_seen_date,
    numbered.first_seen_working_days,
    numbered.first_seen_alone_date,
    numbered.first_seen_alone_working_days,
    numbered.visits,
    case when numbered.first_seen_date is null then numbered.open_working_days end as waited_working_days,
    case
        when numbered.band_to is not null
        then numbered.band_from || '_' || numbered.band_to
        when numbered.band_from is not null
        then numbered.band_kind || '_' || numbered.band_from
        else numbered.band_kind
    end as visit_band,
    replace(
        replace(words.label_en, '#1', coalesce(numbered.band_from, '')), '#2', coalesce(numbered.band_to, '')
    ) as visit_band_label_en,
    replace(
        replace(words.label_cy, '#1', coalesce(numbered.band_from, '')), '#2', coalesce(numbered.band_to, '')
    ) as visit_band_label_cy,
    numbered.band_rule_id,
    rules.rule_status as band_rule_status,
    numbered.delivery_ids
from numbered
left join
    {{ ref('status_labels') }} as words
    on words.code_set = 'visit_band'
    and case when numbered.band_to is not null then 'range' else numbered.band_kind end = words.code
left join {{ ref('int_rules_in_force') }} as rules on numbered.band_rule_id = rules.rule_id
