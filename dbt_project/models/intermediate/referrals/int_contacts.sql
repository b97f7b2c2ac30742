with

    records as (select record_key, child_id from {{ ref('int_record_children') }}),

    contact_rows as (select * from {{ ref('stg_social_care__contacts') }}),

    referrals as (select * from {{ ref('int_referrals') }}),

    families as (

        select record_key, max(family_group_id) as family_group_id
        from {{ ref('stg_social_care__persons') }}
        group by record_key

    ),

    -- Which outcomes of a contact mean no further action
    no_action_codes as (

        select code from {{ ref('status_labels') }} where code_set = 'contact_no_further_action'

    ),

    -- 1. Contacts that came in by as_of; a decision after it has not happened
    contacts as (

        select
            contact_rows.system || '|' || contact_rows.feed || '|' || contact_rows.contact_id as contact_key,
            contact_rows.contact_id,
            contact_rows.record_key,
            records.child_id,
            contact_rows.system,
            contact_rows.feed,
            contact_rows.delivery_id,
            contact_rows.system
            || '|'
            || coalesce('family|' || families.family_group_id, 'child|' || contact_rows.record_key)
            || '|'
            || cast(contact_rows.contact_date as varchar) as contact_event_key,
            contact_rows.contact_date,
            contact_rows.source_code,
            contact_rows.route,
            case
                when coalesce(contact_rows.decision_date, {{ as_of() }}) <= {{ as_of() }}
                then contact_rows.outcome_code
            end as outcome_code,
            case
                when contact_rows.decision_date <= {{ as_of() }} then contact_rows.decision_date
            end as decision_date
        from contact_rows
        inner join records on contact_rows.record_key = records.record_key
        left join families on contact_rows.record_key = families.record_key
        where contact_rows.contact_date <= {{ as_of() }}

    ),

    -- 2. No feed says from which contact a referral came: it came from the last one about the child
    -- that is not too
    -- long before it, of the same source first
    clocks as (

        select
            contact_key,
            contact_id,
            record_key,
            feed,
            source_code,
            contact_date as clock_start_date,
            'contact_referral_window' as rule_id
        from contacts

    ),

    windows as ({{ clock_due_dates('clocks') }}),

    contact_of_referral as (

        select
            referrals.referral_key,
            referrals.referral_date,
            referrals.is_no_further_action,
            windows.contact_key,
            windows.rule_id,
            windows.rule_status,
            row_number() over (
                partition by referrals.referral_key
                order by
                    windows.clock_start_date desc,
                    case when referrals.source_code = windows.source_code then 0 else 1 end,
                    windows.contact_id
            ) as preference
        from referrals
        inner join
            windows
            on referrals.record_key = windows.record_key
            and referrals.feed = windows.feed
            and referrals.referral_date between windows.clock_start_date and windows.due_date

    ),

    referral_of_contact as (

        select
            *,
            row_number() over (
                partition by contact_key order by referral_date, referral_key
            ) as order_of_referral
        from contact_of_referral
        where preference = 1

    )

select
    contacts.*,
    referral_of_contact.referral_key,
    coalesce(
        no_action_codes.code is not null or referral_of_contact.is_no_further_action, false
    ) as is_no_further_action
from contacts
left join
    referral_of_contact
    on contacts.contact_key = referral_of_contact.contact_key
    and referral_of_contact.order_of_referral = 1
left join no_action_codes on contacts.outcome_code = no_action_codes.code
