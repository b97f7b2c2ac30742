"""The release at the end of a build.

Put here: the asset that publishes. Keep out: what a release is (`orchestration.release`). It depends on every public
mart and its blocking checks, so that a failed check leaves the last good release where it is.
"""

import dagster as dg
from dagster_dbt import DbtProject

from connectors.delivery import delivery_folders
from orchestration.dbt import mart_columns
from orchestration.defs.transform import as_of_date
from orchestration.release import publish
from orchestration.resources import AsOf, Installation
from orchestration.settings import SOFTWARE_VERSION


def release_asset(project: DbtProject) -> dg.AssetsDefinition:
    """The release of all public marts."""
    columns = mart_columns(project.manifest_path)
    marts = columns.get_column("mart").unique(maintain_order=True).to_list()

    @dg.asset(name="release", group_name="release", deps=[dg.AssetKey(["marts", mart]) for mart in marts],
              kinds={"duckdb"}, pool="warehouse")
    def release(installation: Installation, config: AsOf) -> dg.MaterializeResult:
        """One checked, numbered set of marts, swapped in whole."""
        settings, region = installation.settings(), installation.region()
        current = publish(
            settings.warehouse, settings.releases, columns, as_of=as_of_date(config), region=region.name,
            jurisdiction=region.jurisdiction, made_from=delivery_folders(settings.places.landing),
            software_version=SOFTWARE_VERSION,
        )
        rows = {mart: content["rows"] for mart, content in current.marts.items()}
        return dg.MaterializeResult(metadata={"release": current.number, "as_of": current.as_of, "rows": rows})

    return release
