-- Is the staff of each agency trained, against the target?
select
    agency_label_en as agency,
    course_group_label_en as course_group,
    staff_counted,
    in_date_percent,
    target_percent,
    staff_never_done_overdue as never_done
from safeguarding_training_summary
where scope = 'agency' and not is_target_met
order by in_date_percent, agency, course_group
