with

    records as (select record_key, child_id, link_confidence from {{ ref('int_record_children') }}),

    persons as (

        select record_key, agency, birth_date, expected_birth_date, data_current_to from {{ ref('persons') }}

    ),

    described as (

        select
            records.child_id,
            records.link_confidence,
            persons.agency,
            persons.birth_date,
            persons.expected_birth_date,
            persons.data_current_to,
            row_number() over (
                partition by records.child_id
                order by
                    case when persons.birth_date is null then 1 else 0 end,
                    case when persons.agency = 'social_care' then 0 else 1 end,
                    records.record_key
            ) as preference
        from records
        inner join persons on records.record_key = persons.record_key

    ),

    joined as (

        select
            child_id,
            max(case when preference = 1 then birth_date end) as birth_date,
            max(expected_birth_date) as expected_birth_date,
            min(link_confidence) as link_confidence,
            min(
                case when agency in ('social_care', 'health') then data_current_to end
            ) as care_data_current_to,
            min(case when agency = 'social_care' then data_current_to end) as social_care_data_current_to
        from described
        group by child_id

    ),

    -- The switch of the review interval, the first dental check and the end of childhood hang on
    -- birthdays
    birthdays as (

        select
            joined.*,
            {{ clock_add('joined.birth_date', 'switch_rule.rule_unit', 'switch_rule.rule_value') }}
            as switch_birthday,
            {{ clock_add('joined.birth_date', 'dental_rule.rule_unit', 'dental_rule.rule_value') }}
            as dental_birthday,
            {{ clock_add('joined.birth_date', 'adult_rule.rule_unit', 'adult_rule.rule_value') }}
            as adult_birthday
        from joined
        left join {{ ref('int_rules_in_force') }} as switch_rule on switch_rule.rule_id = 'rha_switch_age'
        left join
            {{ ref('int_rules_in_force') }} as dental_rule on dental_rule.rule_id = 'dental_check_from_age'
        left join {{ ref('int_rules_in_force') }} as adult_rule on adult_rule.rule_id = 'child_until_age'

    )

select
    child_id,
    birth_date,
    expected_birth_date,
    switch_birthday,
    dental_birthday,
    adult_birthday,
    link_confidence,
    care_data_current_to,
    social_care_data_current_to
from birthdays
