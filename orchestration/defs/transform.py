"""The two halves of dbt: standardise (landing to persons) and publish (persons and links to marts).

Put here: the assets that run dbt. Keep out: SQL (`dbt_project`), arguments and keys (`orchestration.dbt`).
"""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

from connectors.catalogue import FEEDS
from orchestration.dbt import PUBLISH, STANDARDISE, TRANSLATOR, build_arguments
from orchestration.defs.landing import asset_key
from orchestration.inputs import write_inputs
from orchestration.resources import AsOf, Installation


def as_of_date(config: AsOf) -> date:
    """The date of the run's configuration, else today: the one place where a build reads the clock."""
    return date.fromisoformat(config.as_of) if config.as_of else date.today()  # noqa: DTZ011  a date in Europe/London


def target_path(installation: Installation, name: str) -> Path:
    """An empty folder for dbt's compiled SQL and log of one run, which stay with the installation's other state."""
    path = installation.settings().work / "dbt" / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def transform_assets(project: DbtProject) -> list[dg.AssetsDefinition]:
    """The two dbt assets, and the index of deliveries they start from."""

    @dg.multi_asset(
        specs=[dg.AssetSpec(["landing", "deliveries"], group_name="landing", kinds={"parquet"},
                            deps=[asset_key(feed) for feed in FEEDS.values()],
                            description="Index of all deliveries, the configured feeds and the local rules.")],
        pool="landing",
    )
    def deliveries(installation: Installation) -> dg.MaterializeResult:
        found = write_inputs(installation.settings(), installation.region())
        return dg.MaterializeResult(metadata={"dagster/row_count": len(found)})

    @dbt_assets(manifest=project.manifest_path, project=project, select=STANDARDISE,
                dagster_dbt_translator=TRANSLATOR, name="standardise", pool="warehouse")
    def standardise(context: dg.AssetExecutionContext, dbt: DbtCliResource, installation: Installation,
                    config: AsOf) -> Iterator[Any]:
        installation.settings()
        arguments = build_arguments(as_of_date(config), installation.region())
        yield from dbt.cli(arguments, context=context, target_path=target_path(installation, "standardise")).stream()

    @dbt_assets(manifest=project.manifest_path, project=project, select=PUBLISH,
                dagster_dbt_translator=TRANSLATOR, name="publish", pool="warehouse")
    def publish(context: dg.AssetExecutionContext, dbt: DbtCliResource, installation: Installation,
                config: AsOf) -> Iterator[Any]:
        installation.settings()
        arguments = build_arguments(as_of_date(config), installation.region())
        yield from dbt.cli(arguments, context=context, target_path=target_path(installation, "publish")).stream()

    return [deliveries, standardise, publish]
