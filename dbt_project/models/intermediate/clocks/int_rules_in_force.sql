with

    rules as (select * from {{ ref('statutory_rules') }}),

    overrides as (select * from {{ ref('stg_region__rule_overrides') }}),

    -- 1. Rows of the jurisdiction, and local rows, that are in force on as_of
    in_force as (

        select
            *,
            row_number() over (
                partition by rule_id
                order by case when jurisdiction = 'local' then 1 else 0 end, valid_from desc nulls last
            ) as preference
        from rules
        where
            jurisdiction in ('{{ var("jurisdiction") }}', 'local')
            and (valid_from is null or valid_from <= {{ as_of() }})
            and (valid_to is null or valid_to >= {{ as_of() }})

    ),

    -- 2. One row a rule: the jurisdiction's own before a local default
    chosen as (select * from in_force where preference = 1),

    -- 3. The region's own value wins, and says that it is local
    decided as (

        select
            coalesce(overrides.rule_id, chosen.rule_id) as rule_id,
            case when overrides.rule_id is not null then 'local' else chosen.jurisdiction end as jurisdiction,
            cast(coalesce(overrides.value, chosen.value) as integer) as rule_value,
            coalesce(overrides.unit, chosen.unit) as rule_unit,
            chosen.anchor_event,
            chosen.applies_to,
            case
                when overrides.rule_id is not null
                then 'Region: ' || overrides.reason
                when chosen.source_section is null
                then chosen.source_title
                else chosen.source_title || ', ' || chosen.source_section
            end as rule_source,
            case when overrides.rule_id is not null then 'local_choice' else chosen.status end as rule_status,
            overrides.rule_id is not null or chosen.jurisdiction = 'local' as is_local_rule,
            chosen.valid_from,
            chosen.valid_to,
            coalesce(chosen.owner, 'safeguarding_board') as owner,
            chosen.note
        from chosen
        full outer join overrides on chosen.rule_id = overrides.rule_id

    )

select *
from decided
