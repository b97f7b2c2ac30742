-- Which children have been on the child protection register long, and is their next review in time?
-- Children and conferences, since one conference may be about a whole family.
select
    length_band_label_en as time_on_register,
    count(distinct child_id) as children,
    count(distinct conference_key) as conferences,
    count(distinct case when review_status = 'overdue' then child_id end) as review_overdue,
    count(distinct case when review_status = 'not_computable' then child_id end) as not_computable
from register_reviews
where is_on_register
group by length_band_label_en
order by min(days_on_register)
