-- Was the school told of domestic abuse before the child's next school day?
-- Incidents and children of the last twelve months; each school's own calendar says when its next day began.
select
    status_label_en as told,
    count(distinct incident_reference) as incidents,
    count(*) as children_told_about,
    median(minutes_late) as median_minutes_late
from domestic_abuse_school_notifications
where incident_at > as_of_date - interval 12 month
group by status_label_en
order by children_told_about desc, told
