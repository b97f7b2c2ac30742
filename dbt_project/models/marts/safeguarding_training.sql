with

    training as (select * from {{ ref('int_staff_training') }}),

    rules as (select rule_id, rule_value, rule_status from {{ ref('int_rules_in_force') }}),

    agencies as (select * from {{ ref('agencies') }}),

    labels as (select * from {{ ref('status_labels') }}),

    -- 1. The clock in the words of training
    judged as (

        select
            *,
            case
                when is_exempt
                then 'exempt'
                when clock_status = 'not_computable'
                then 'not_computable'
                when last_completed_date is not null and clock_status = 'due'
                then 'in_date'
                when last_completed_date is not null
                then 'expired'
                when clock_status = 'due'
                then 'never_done_due'
                else 'never_done_overdue'
            end as training_status,
            {{ clock_days_overdue('clock_status', 'due_date') }} as clock_days_overdue,
            case
                when agency = 'health' then 'training_nhs_target' else 'training_target'
            end as general_target_rule_id
        from training

    ),

    -- 2. The target of the agency: its own before the general one
    targeted as (

        select
            judged.*,
            coalesce(own.rule_id, general.rule_id) as target_rule_id,
            coalesce(own.rule_value, general.rule_value) as target_percent,
            coalesce(own.rule_status, general.rule_status) as target_rule_status
        from judged
        left join rules as own on judged.general_target_rule_id || '_' || judged.agency = own.rule_id
        left join rules as general on judged.general_target_rule_id = general.rule_id

    )

-- 3. With the labels of every code
select
    targeted.training_key,
    targeted.staff_key,
    targeted.agency,
    agencies.label_en as agency_label_en,
    agencies.label_cy as agency_label_cy,
    targeted.system,
    targeted.organisation,
    targeted.directorate,
    targeted.staff_group,
    targeted.role_title,
    targeted.role_started_date,
    targeted.is_on_leave,
    targeted.is_exempt,
    not targeted.is_on_leave and not targeted.is_exempt as is_counted,
    targeted.course_group,
    group_labels.label_en as course_group_label_en,
    group_labels.label_cy as course_group_label_cy,
    targeted.training_group,
    targeted.nhs_level,
    targeted.topic,
    topic_labels.label_en as topic_label_en,
    topic_labels.label_cy as topic_label_cy,
    targeted.last_completed_date,
    case when targeted.last_completed_date is not null then targeted.due_date end as valid_until_date,
    targeted.expires_supplied_date,
    coalesce(
        targeted.last_completed_date is not null and targeted.expires_supplied_date <> targeted.due_date,
        false
    ) as is_expiry_different,
    case when targeted.last_completed_date is null then targeted.due_date end as first_due_date,
    targeted.training_status,
    status_labels.label_en as training_status_label_en,
    status_labels.label_cy as training_status_label_cy,
    targeted.training_status = 'in_date' as is_in_date,
    targeted.last_completed_date is null as is_never_done,
    case
        when targeted.training_status in ('expired', 'never_done_overdue') then targeted.clock_days_overdue
    end as days_overdue,
    case
        when targeted.training_status = 'not_computable' then targeted.why_not_computable
    end as why_not_computable,
    targeted.has_completion_after_as_of,
    targeted.rule_id,
    targeted.rule_status,
    targeted.rule_source,
    targeted.is_local_rule,
    targeted.target_percent,
    targeted.target_rule_id,
    targeted.target_rule_status,
    targeted.source_delivery_ids,
    targeted.data_current_to,
    {{ as_of() }} as as_of_date
from targeted
left join agencies on targeted.agency = agencies.agency
left join
    labels as group_labels
    on group_labels.code_set = 'course_group'
    and targeted.course_group = group_labels.code
left join
    labels as topic_labels on topic_labels.code_set = 'training_topic' and targeted.topic = topic_labels.code
left join
    labels as status_labels
    on status_labels.code_set = 'training_status'
    and targeted.training_status = status_labels.code
order by training_key
