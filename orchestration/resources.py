"""Resources that assets share.

Here belongs what an asset is handed; how it is made from the environment belongs to `orchestration.settings`.
"""

from pathlib import Path

import dagster as dg

from orchestration.region import Region
from orchestration.settings import Settings


class Installation(dg.ConfigurableResource):
    """One installation of Dolen: its folders and its region, as plain paths."""

    home: str
    region_file: str

    def settings(self) -> Settings:
        """The folders, made and told to dbt."""
        settings = Settings(home=Path(self.home), region=Path(self.region_file))
        settings.prepare()
        return settings

    def region(self) -> Region:
        """The region, read anew for each run, so that a changed file needs no restart."""
        return Settings(home=Path(self.home), region=Path(self.region_file)).load_region()


class AsOf(dg.Config):
    """The date a build speaks for.

    Attributes:
        as_of: ISO date; the partition-less default is the day the run starts.
    """

    as_of: str | None = None
