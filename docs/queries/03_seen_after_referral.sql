-- How soon is a child first seen after a referral?
-- Referrals of the last twelve months to the day of the marts; no visit deadline is law.
select
    visit_band_label_en as first_seen,
    count(*) as referrals,
    count(distinct child_id) as children,
    count(first_seen_alone_date) as seen_alone,
    round(100.0 * count(*) / sum(count(*)) over (), 1) as percent
from referral_visits
where referral_date > as_of_date - interval 12 month
group by visit_band, visit_band_label_en
order by referrals desc, first_seen
