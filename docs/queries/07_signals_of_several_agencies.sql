-- For which children have two or more agencies raised something, and nobody has them on a list?
-- Which agencies, how many children, and how many are neither looked after nor on the register. A list, no score.
select
    window_rule_id as time_window,
    agencies,
    count(*) as children,
    count(case when not is_looked_after and not is_on_register then 1 end) as neither_looked_after_nor_on_register
from multi_agency_signals
where is_multi_agency
group by window_rule_id, agencies
order by time_window, children desc, agencies
