"""What runs by itself: jobs, the nightly schedule, the inbox sensor. Everything unattended is listed here.

Put here: when something runs. Keep out: what it does.
"""

import dagster as dg

from connectors.catalogue import FEEDS
from orchestration.defs.landing import asset_key
from orchestration.inbox import waiting
from orchestration.resources import Installation

_LANDING = dg.AssetSelection.assets(*(asset_key(feed) for feed in FEEDS.values()))

# Land what is new, then build: what `dolen run` and the nightly schedule do.
run_job = dg.define_asset_job("run", dg.AssetSelection.all(), executor_def=dg.in_process_executor,
                              description="Land everything new in the inbox, then build and release.")
# Build over what has landed: what `dolen build` does.
build_job = dg.define_asset_job("build", dg.AssetSelection.all() - _LANDING, executor_def=dg.in_process_executor,
                                description="Standardise, link, publish and release what has landed.")
land_job = dg.define_asset_job("land", _LANDING, executor_def=dg.in_process_executor,
                               description="Land everything new in the inbox.")

nightly = dg.ScheduleDefinition(
    name="nightly", job=run_job, cron_schedule="30 2 * * *", execution_timezone="Europe/London",
    description="Every night at half past two, after the suppliers' exports. Off until somebody switches it on.",
)


@dg.sensor(job=land_job, minimum_interval_seconds=60,
           description="Lands each new delivery once it has settled. Off until somebody switches it on.")
def inbox_sensor(context: dg.SensorEvaluationContext, installation: Installation) -> dg.SensorResult:
    """Ask for one landing run a new delivery; its content hash is the run key, so the same bytes run once."""
    entries = waiting(installation.settings(), installation.region(), settled_only=True)
    requests = [
        dg.RunRequest(
            run_key=f"{entry.feed.key}:{entry.delivery_id}", asset_selection=[asset_key(entry.feed)],
            tags={"dolen/feed": entry.feed.key, "dolen/delivery": entry.delivery_id[:12]},
        )
        for entry in entries
    ]
    context.log.info("%d new deliveries in the inbox", len(requests))
    return dg.SensorResult(run_requests=requests)
