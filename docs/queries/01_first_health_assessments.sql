-- How many looked-after children miss their first health assessment, and is it a late booking or a late request?
-- Children counted by the state of their newest first assessment. A request made after the due day is the council's
-- delay; a due day that passes after the request is one of capacity.
select
    status_label_en as status,
    count(distinct child_id) as children,
    count(case when requested_date > due_date or (requested_date is null and done_date is null) then 1 end)
        as not_requested_in_time,
    max(days_overdue) as most_days_overdue
from looked_after_health_assessments
where kind = 'initial'
group by status_label_en
order by children desc, status
