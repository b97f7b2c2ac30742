with

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    periods as (select * from {{ ref('int_looked_after_periods') }}),

    registrations as (select * from {{ ref('int_registrations') }}),

    referrals as (select * from {{ ref('stg_social_care__referrals') }}),

    plans as (select * from {{ ref('stg_social_care__care_support_plans') }}),

    spans as (

        select child_id, 'looked_after' as involvement, started_date, ended_date
        from periods
        where not is_short_break

        union all

        select child_id, 'on_register' as involvement, registered_date, deregistered_date
        from registrations

        union all

        -- A referral without further action that nobody closed was over when that was decided
        select
            records.child_id,
            'open_referral' as involvement,
            referrals.referral_date,
            coalesce(
                referrals.closed_date,
                case when referrals.is_no_further_action then referrals.decision_date end
            )
        from referrals
        inner join records on referrals.record_key = records.record_key

        union all

        select records.child_id, 'care_support_plan' as involvement, plans.started_date, plans.ended_date
        from plans
        inner join records on plans.record_key = records.record_key

    )

select distinct
    child_id,
    involvement,
    started_date,
    case when ended_date <= {{ as_of() }} then ended_date end as ended_date
from spans
where started_date <= {{ as_of() }}
