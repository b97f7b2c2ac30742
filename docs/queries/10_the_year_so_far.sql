-- Where does the region stand this year on each headline measure?
-- Small counts are hidden and all counts rounded; the mart says which and why.
select
    measure_label_en as measure,
    numerator,
    denominator,
    rate_percent,
    target_percent,
    is_target_met
from board_scorecard
where area_code = 'region' and period_kind in ('as_of', 'year_to_date')
order by measure
