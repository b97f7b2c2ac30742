-- Who waits for early help, in which team, and how long?
select
    coalesce(team, 'not recorded') as team,
    count(*) as waiting,
    median(waiting_working_days) as median_working_days,
    max(waiting_working_days) as longest_working_days,
    count(case when allocation_status = 'overdue' then 1 end) as past_the_local_limit
from early_help_waiting_list
where is_waiting
group by all
order by waiting desc, team
