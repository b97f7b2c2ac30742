"""Landing assets: one a feed, with its contract as a blocking check.

Put here: the asset and check of a feed. Keep out: reading, parsing and checking files (`connectors`), finding them
(`orchestration.inbox`).
"""

from datetime import timedelta

import dagster as dg

from connectors.catalogue import FEEDS
from connectors.delivery import Delivery, deliveries
from connectors.feed import Feed
from orchestration.inbox import land_waiting, waiting
from orchestration.region import Region
from orchestration.resources import Installation


def asset_key(feed: Feed) -> dg.AssetKey:
    """`landing/<agency>_<feed>`, which dbt's sources name as their asset."""
    return dg.AssetKey(["landing", f"{feed.agency}_{feed.name}"])


def landing_assets(region: Region) -> list[dg.AssetsDefinition]:
    """One landing asset a feed of the catalogue."""
    return [_landing_asset(feed, region) for feed in FEEDS.values()]


def _landing_asset(feed: Feed, region: Region) -> dg.AssetsDefinition:
    key = asset_key(feed)

    @dg.asset(
        key=key,
        group_name="landing",
        description=f"{feed.title}. Lands every new delivery of the inbox; one bad file never stops another.",
        kinds={"parquet", "polars"},
        pool="landing",
        freshness_policy=_freshness(feed, region),
        check_specs=[dg.AssetCheckSpec(
            "contract", asset=key, blocking=True,
            description="Records in = landed + quarantined + duplicate, and the last delivery was not all rejected.",
        )],
    )
    def landing(installation: Installation) -> dg.MaterializeResult:
        settings, region = installation.settings(), installation.region()
        landed = land_waiting(settings, region, waiting(settings, region, only=feed.key))
        return dg.MaterializeResult(
            metadata=_counts(landed, deliveries(settings.places, feed)), check_results=[_contract_check(landed)]
        )

    return landing


def _freshness(feed: Feed, region: Region) -> dg.FreshnessPolicy | None:
    """The strictest cadence and deadline among the systems that send the feed."""
    days = [terms.late_after_days for terms in region.terms_of(feed.key)]
    return dg.FreshnessPolicy.time_window(fail_window=timedelta(days=min(days))) if days else None


def _counts(landed: list[Delivery], ever: list[Delivery]) -> dict[str, dg.MetadataValue]:
    """Counts and rule ids, never a value of a person or a file's name."""
    rules: dict[str, int] = {}
    for delivery in landed:
        for rule_id, n in delivery.rejects_by_rule.items():
            rules[rule_id] = rules.get(rule_id, 0) + n
    return {
        "deliveries_landed": dg.MetadataValue.int(sum(delivery.state == "landed" for delivery in landed)),
        "deliveries_held": dg.MetadataValue.int(sum(delivery.state == "held" for delivery in landed)),
        "deliveries_ever": dg.MetadataValue.int(len(ever)),
        "records_in": dg.MetadataValue.int(sum(delivery.records_in for delivery in landed)),
        "dagster/row_count": dg.MetadataValue.int(sum(delivery.records_landed for delivery in landed)),
        "records_quarantined": dg.MetadataValue.int(sum(delivery.records_quarantined for delivery in landed)),
        "records_duplicate": dg.MetadataValue.int(sum(delivery.records_duplicate for delivery in landed)),
        "rejects_by_rule": dg.MetadataValue.json(dict(sorted(rules.items()))),
        "hold_rules": dg.MetadataValue.json(sorted(delivery.hold_rule for delivery in landed if delivery.hold_rule)),
    }


def _contract_check(landed: list[Delivery]) -> dg.AssetCheckResult:
    """Held files are not a failure of the check: they are set aside, reported, and the good ones go on."""
    balanced = all(
        delivery.records_in == delivery.records_landed + delivery.records_quarantined + delivery.records_duplicate
        for delivery in landed
    )
    all_rejected = [d for d in landed if d.state == "landed" and d.records_in and not
                    (d.records_landed or d.records_duplicate)]
    return dg.AssetCheckResult(
        check_name="contract", passed=balanced and not all_rejected,
        metadata={"deliveries": len(landed), "deliveries_all_rejected": len(all_rejected)},
    )
