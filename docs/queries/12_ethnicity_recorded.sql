-- How often is a child's ethnicity recorded, agency by agency, and could another agency give it?
-- A coarse code is what was sent; it is never turned into a finer one.
select
    agency_label_en as agency,
    count(*) as children,
    count(case when recording_status in ('fine', 'coarse') then 1 end) as recorded,
    count(case when recording_status = 'refused' then 1 end) as refused,
    count(case when recording_status = 'not_asked' then 1 end) as not_asked,
    count(case when recording_status in ('not_recorded', 'unknown_code') then 1 end) as missing_or_unknown,
    count(case when recording_status = 'not_supplied' then 1 end) as not_supplied_by_the_system,
    count(offered_code) as another_agency_could_give_it,
    count(case when has_conflict then 1 end) as in_conflict
from ethnicity_recording
group by agency_label_en
order by agency
