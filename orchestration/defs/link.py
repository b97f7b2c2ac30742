"""The linkage between the two halves of dbt.

Put here: the asset that calls `linkage`. Keep out: anything about how records are linked.
"""

import dagster as dg

import linkage
from orchestration.defs.transform import as_of_date
from orchestration.identity import linkage_config
from orchestration.resources import AsOf, Installation

PERSONS = dg.AssetKey(["intermediate", "persons"])
KEYS = [dg.AssetKey(["linkage", name]) for name in ("pairs", "clusters", "quality")]


@dg.multi_asset(
    specs=[dg.AssetSpec(key, deps=[PERSONS], group_name="linkage", kinds={"parquet"}) for key in KEYS],
    pool="warehouse",
)
def link(installation: Installation, config: AsOf):  # noqa: ANN201  dagster reads the generator's annotation
    """Give every source record a child_id: scored pairs, then clusters."""
    settings = installation.settings()
    summary = linkage.link(
        settings.work / "persons.parquet", settings.work / "linkage", as_of=as_of_date(config),
        config=linkage_config(settings, installation.region()), identity=settings.identity, decided=settings.decisions,
    )
    counts = {name: value for name, value in vars(summary).items() if isinstance(value, int | float)}
    for key in KEYS:
        yield dg.MaterializeResult(asset_key=key, metadata=counts)
