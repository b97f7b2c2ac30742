"""What dbt reads beside the landed tables: the index of deliveries, the configured feeds, the local rules.

Here belongs writing them before a build, from the folder listing and the region file, each by one rename. Nothing is
computed about a child here.
"""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from connectors.catalogue import FEEDS
from connectors.delivery import Delivery, deliveries
from connectors.landing import write_schemas
from orchestration.region import CADENCE_DAYS, Region
from orchestration.settings import Settings

DELIVERIES: dict[str, pl.DataType] = {
    "delivery_id": pl.String(), "agency": pl.String(), "feed": pl.String(), "system": pl.String(),
    "as_at_date": pl.Date(), "period_start": pl.Date(), "period_end": pl.Date(), "mode": pl.String(),
    "schema_version": pl.String(), "received_at": pl.Datetime("us", "UTC"), "records_in": pl.Int64(),
    "records_landed": pl.Int64(), "records_quarantined": pl.Int64(), "records_duplicate": pl.Int64(),
    "state": pl.String(), "hold_rule": pl.String(), "supersedes": pl.String(), "software_version": pl.String(),
    "cadence": pl.String(), "arrival_deadline_days": pl.Int64(), "files": pl.Int64(),
    "rejects_by_rule": pl.String(), "repairs_by_rule": pl.String(), "warnings_by_rule": pl.String(),
}
CONFIGURED_FEEDS: dict[str, pl.DataType] = {
    "agency": pl.String(), "feed": pl.String(), "system": pl.String(), "mode": pl.String(), "cadence": pl.String(),
    "cadence_days": pl.Int64(), "arrival_deadline_days": pl.Int64(),
}
RULE_OVERRIDES: dict[str, pl.DataType] = {
    "rule_id": pl.String(), "value": pl.Float64(), "unit": pl.String(), "reason": pl.String(),
}


def write_inputs(settings: Settings, region: Region) -> list[Delivery]:
    """Write the inputs of a build.

    Args:
        settings: The installation.
        region: Its region.

    Returns:
        Every delivery, landed and held.
    """
    landing, work = settings.places.landing, settings.work
    write_schemas(FEEDS.values(), landing)
    found = [delivery for feed in FEEDS.values() for delivery in deliveries(settings.places, feed)]
    _replace(pl.DataFrame([_row(delivery, region) for delivery in found], schema=DELIVERIES, orient="row")
             .sort("agency", "feed", "system", "as_at_date", "delivery_id"), landing / "deliveries.parquet")
    _replace(pl.DataFrame(
        [(*terms.feed.split("/"), terms.system, terms.mode, terms.cadence, CADENCE_DAYS[terms.cadence],
          terms.arrival_deadline_days) for terms in region.feeds],
        schema=CONFIGURED_FEEDS, orient="row"), landing / "configured_feeds.parquet")
    _replace(pl.DataFrame(
        [(rule.rule_id, rule.value, rule.unit, rule.reason) for rule in region.rule_overrides],
        schema=RULE_OVERRIDES, orient="row"), work / "rule_overrides.parquet")
    return found


def _row(delivery: Delivery, region: Region) -> tuple[object, ...]:
    key = f"{delivery.agency}/{delivery.feed}"
    terms = next((terms for terms in region.terms_of(key) if terms.system == delivery.system), None)
    return (
        delivery.delivery_id, delivery.agency, delivery.feed, delivery.system, delivery.as_at_date,
        delivery.period_start, delivery.period_end, delivery.mode, delivery.schema_version, delivery.received_at,
        delivery.records_in, delivery.records_landed, delivery.records_quarantined, delivery.records_duplicate,
        delivery.state, delivery.hold_rule, delivery.supersedes, delivery.software_version,
        terms.cadence if terms else None, terms.arrival_deadline_days if terms else None, delivery.files,
        *(json.dumps(counts, sort_keys=True) for counts in
          (delivery.rejects_by_rule, delivery.repairs_by_rule, delivery.warnings_by_rule)),
    )


def _replace(frame: pl.DataFrame, path: Path) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    frame.write_parquet(temporary)
    temporary.rename(path)
