-- Can these figures be trusted today? Feeds that are late, incomplete or were turned back.
select
    feed_key,
    freshness,
    age_days,
    deliveries_held,
    deliveries_missing,
    records_quarantined,
    median_days_to_visible
from feed_status
where is_configured
order by is_late desc, deliveries_held desc, feed_key
