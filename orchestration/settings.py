"""Where Dolen keeps its state: the only reader of the environment.

What a region is belongs to `orchestration.region`; this module knows folders only.
"""

from __future__ import annotations

import csv
import os
from functools import cached_property
from importlib import metadata
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from connectors.delivery import Places
from connectors.errors import ConfigurationError
from orchestration.region import Region, load_region

REPOSITORY = Path(__file__).resolve().parent.parent
SOFTWARE_VERSION = metadata.version("dolen")


class Settings(BaseSettings):
    """Folders and files of one installation.

    Attributes:
        home: `DOLEN_HOME`, the one folder of all state; `var/` below the working directory by default.
        region: `DOLEN_REGION`, the region file; `region.toml` of the working directory, else of the repository.
    """

    model_config = SettingsConfigDict(env_prefix="DOLEN_", env_ignore_empty=True, frozen=True)

    home: Path = Path("var")
    region: Path | None = None

    @property
    def root(self) -> Path:
        """The home folder, absolute: dbt and DuckDB run in other working directories."""
        return self.home.expanduser().absolute()

    @property
    def inbox(self) -> Path:
        """What suppliers drop; never changed."""
        return self.root / "inbox"

    @property
    def places(self) -> Places:
        """Landing and quarantine."""
        return Places(self.root / "landing", self.root / "quarantine")

    @property
    def work(self) -> Path:
        """What one stage hands to the next: persons, links, rule overrides."""
        return self.root / "work"

    @property
    def warehouse(self) -> Path:
        """The database that dbt writes. Readers never open it."""
        return self.root / "warehouse.duckdb"

    @property
    def releases(self) -> Path:
        """Checked, numbered sets of marts."""
        return self.root / "releases"

    @property
    def identity(self) -> Path:
        """The identity store: which record is which child, and why. Only `linkage` opens it."""
        return self.root / "identity.duckdb"

    @property
    def decisions(self) -> Path:
        """What people decided about pairs of records; one file a batch, never changed."""
        return self.root / "decisions"

    @property
    def variants(self) -> Path:
        """Variants of forenames, a seed of dbt and an input of the linkage of other files."""
        return REPOSITORY / "dbt_project" / "seeds" / "forename_variants.csv"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own storage: runs, events, schedules."""
        return self.root / "dagster"

    @cached_property
    def region_file(self) -> Path:
        """The region file in use."""
        if self.region:
            return self.region.expanduser().absolute()
        here = Path("region.toml").absolute()
        return here if here.exists() else REPOSITORY / "region.toml"

    def load_region(self) -> Region:
        """Read the region file.

        Raises:
            ConfigurationError: With the key of the first mistake in it.
        """
        region = load_region(self.region_file)
        with (REPOSITORY / "dbt_project" / "seeds" / "statutory_rules.csv").open(encoding="utf-8") as seed:
            known = {row["rule_id"] for row in csv.DictReader(seed)}
        for rule in region.rule_overrides:
            if rule.rule_id not in known:
                raise ConfigurationError(f"{self.region_file.name}: rule_overrides: there is no rule {rule.rule_id!r}")
        return region

    def prepare(self) -> None:
        """Make the folders, and tell dbt and Dagster, which run as other processes, where they are.

        Raises:
            ConfigurationError: The home folder cannot be made, or dbt could not name it.
        """
        if "'" in str(self.root):
            raise ConfigurationError(f"the home folder {self.root} must not have an apostrophe in its path")
        try:
            self._make_folders()
        except OSError as fault:
            raise ConfigurationError(f"the home folder {self.root} cannot be used: {fault.strerror}") from fault
        os.environ |= {
            "DOLEN_HOME": str(self.root),
            "DOLEN_REGION": str(self.region_file),
            "DOLEN_LANDING": str(self.places.landing),
            "DOLEN_WORK": str(self.work),
            "DOLEN_WAREHOUSE": str(self.warehouse),
            "DAGSTER_HOME": str(self.dagster_home),
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DO_NOT_TRACK": "1",
        }

    def _make_folders(self) -> None:
        # Whatever this process and dbt write from here on is for the pipeline's user only; a release says itself who
        # may read it. The inbox keeps its rights: suppliers write there.
        os.umask(0o077)
        for folder in (self.inbox, self.places.landing, self.places.quarantine, self.work, self.releases,
                       self.decisions, self.dagster_home):
            folder.mkdir(parents=True, exist_ok=True)
        for private in (self.places.landing, self.places.quarantine, self.work, self.decisions, self.dagster_home):
            private.chmod(0o700)
        if self.warehouse.exists():
            self.warehouse.chmod(0o600)
        config = self.dagster_home / "dagster.yaml"
        template = (REPOSITORY / "orchestration" / "instance" / "dagster.yaml").read_text(encoding="utf-8")
        if not config.exists() or config.read_text(encoding="utf-8") != template:
            config.write_text(template, encoding="utf-8")
