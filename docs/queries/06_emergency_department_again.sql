-- Which children come to the emergency department again and again, and does social care know them?
select
    repeat_rule_label_en as rule,
    count(*) as children_with_attendances,
    count(case when is_repeat_attender then 1 end) as repeat_attenders,
    count(case when is_repeat_attender and not is_known_to_social_care then 1 end) as not_known_to_social_care,
    count(case when is_repeat_attender and left_before_seen > 0 then 1 end) as left_before_being_seen
from emergency_attendance_windows
group by repeat_rule_label_en
order by rule
