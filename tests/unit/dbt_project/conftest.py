"""A landing folder made by hand, and dbt over it.

Put here: writing landed tables of a few rows and running dbt. Keep out: what a model should say (the tests).
The columns are those that the staging models declare; test_staging holds them against the contracts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

AS_OF = date(2026, 11, 20)
NOT_LANDED = {"as_at_date", "first_as_at_date", "record_key"}
TYPES = {
    "varchar": pl.String(), "date": pl.Date(), "timestamptz": pl.Datetime("us", "UTC"), "boolean": pl.Boolean(),
    "bigint": pl.Int64(), "double": pl.Float64(),
}
FOLDERS = {
    "health_adt": ["health/adt"], "health_fhir": ["health/fhir"], "police_ppn": ["police/ppn"],
    "education_school_census": ["education/school_census"],
    "social_care": ["social_care/case_export", "social_care/ssda903", "social_care/early_help"],
    "social_care_conferences": ["social_care/conferences"],
    "training": ["health/training", "police/training", "education/training", "social_care/training"],
    "education_eotas_and_home_education": ["education/eotas_and_home_education"],
    "education_safeguarding_concerns": ["education/safeguarding_concerns"],
    "education_exclusions": ["education/exclusions"],
    "education_attendance": ["education/attendance"],
    "police_domestic_abuse": ["police/domestic_abuse"],
    "education_school_calendar": ["education/school_calendar"],
}
CONFIGURED_FEEDS = {
    "agency": pl.String(), "feed": pl.String(), "system": pl.String(), "mode": pl.String(), "cadence": pl.String(),
    "cadence_days": pl.Int64(), "arrival_deadline_days": pl.Int64(),
}
RULE_OVERRIDES = {"rule_id": pl.String(), "value": pl.Float64(), "unit": pl.String(), "reason": pl.String()}
CLUSTERS = {
    "record_key": pl.String(), "child_id": pl.String(), "cluster_size": pl.Int32(), "link_confidence": pl.Float64(),
    "link_method": pl.String(), "linked_on": pl.Date(),
}
QUALITY = {
    "measure_key": pl.String, "measure": pl.String, "slice_kind": pl.String, "slice": pl.String,
    "numerator": pl.Int64, "denominator": pl.Int64, "value": pl.Float64, "limit_low": pl.Float64,
    "limit_high": pl.Float64, "is_within_limits": pl.Boolean,
}
PAIRS = {
    "record_key_l": pl.String(), "record_key_r": pl.String(), "probability": pl.Float64(), "decision": pl.String(),
    "blocking_rules": pl.String(), "veto": pl.String(),
}


def declared_columns(project: Path) -> dict[str, dict[str, dict[str, pl.DataType]]]:
    """Source to table to column to type, from the yml of the staging models."""
    found: dict[str, dict[str, dict[str, pl.DataType]]] = {}
    for path in sorted((project / "models" / "staging").glob("*/_*__models.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]:
            source, table = model["name"].removeprefix("stg_").split("__")
            found.setdefault(source, {})[table] = {
                column["name"]: TYPES.get(column["data_type"], pl.String())
                for column in model["columns"]
                if column["name"] not in NOT_LANDED
            }
    return found


@dataclass
class Region:
    """A home folder with hand-made deliveries, and the warehouse that dbt makes of it."""

    root: Path
    project: Path
    columns: dict[str, dict[str, dict[str, pl.DataType]]]
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    feeds: list[dict[str, Any]] = field(default_factory=list)
    overrides: list[tuple[str, float, str, str]] = field(default_factory=list)

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def work(self) -> Path:
        return self.root / "work"

    def deliver(
        self, feed: str, system: str, as_at: date, tables: dict[str, list[dict[str, Any]]], *, mode: str = "full",
        **delivery: Any,
    ) -> str:
        """Land one delivery; rows say what matters to the test, the rest is empty."""
        agency, name = feed.split("/")
        delivery_id = delivery.pop("delivery_id", f"{agency}-{name}-{len(self.deliveries):03d}")
        received = datetime(as_at.year, as_at.month, as_at.day, 20, len(self.deliveries) % 60, tzinfo=UTC)
        source = next(source for source, feeds in FOLDERS.items() if feed in feeds)
        total = sum(len(rows) for rows in tables.values())
        self.deliveries.append({
            "delivery_id": delivery_id, "agency": agency, "feed": name, "system": system, "as_at_date": as_at,
            "mode": mode, "received_at": received, "records_in": total, "records_landed": total,
            "records_quarantined": 0, "records_duplicate": 0, "state": "landed", "files": 1, "rejects_by_rule": "{}",
            **delivery,
        })  # fmt: skip
        if self.deliveries[-1]["state"] == "held":
            return delivery_id
        for table, rows in tables.items():
            schema = self.columns[source][table]
            filled = [
                {
                    "agency": agency, "feed": name, "system": system, "delivery_id": delivery_id,
                    "source_file": f"{table}.csv", "row_number": number, "record_hash": f"{number}",
                    "extracted_at": received, "record_action": "upsert", **row,
                }
                for number, row in enumerate(rows, start=1)
            ]  # fmt: skip
            unknown = {column for row in filled for column in row} - set(schema)
            assert not unknown, f"{table} has no column {unknown}"
            folder = self._folder(feed, f"delivery={delivery_id}")
            _write(pl.DataFrame(filled, schema=schema, orient="row"), folder / f"{table}.parquet")
        return delivery_id

    def _folder(self, feed: str, name: str) -> Path:
        return self.landing / feed / name

    def write_inputs(self) -> None:
        """Write the empty tables of every feed and the indexes, as orchestration does before a build."""
        for source, feeds in FOLDERS.items():
            for feed in feeds:
                for table, schema in self.columns[source].items():
                    _write(pl.DataFrame(schema=schema), self._folder(feed, "schema") / f"{table}.parquet")
        index = {name: kind for name, kind in self.columns["landing"]["deliveries"].items()
                 if name not in ("is_superseded", "is_in_force")} | {"as_at_date": pl.Date()}
        _write(pl.DataFrame(self.deliveries, schema=index, orient="row"), self.landing / "deliveries.parquet")
        feeds = pl.DataFrame(self.feeds, schema=CONFIGURED_FEEDS, orient="row")
        _write(feeds, self.landing / "configured_feeds.parquet")
        overrides = pl.DataFrame(self.overrides, schema=RULE_OVERRIDES, orient="row")
        _write(overrides, self.work / "rule_overrides.parquet")

    def write_links(self, clusters: list[dict[str, Any]], pairs: list[dict[str, Any]] | None = None) -> None:
        """Write what the linkage would have decided."""
        _write(pl.DataFrame(clusters, schema=CLUSTERS, orient="row"), self.work / "linkage" / "clusters.parquet")
        _write(pl.DataFrame(pairs or [], schema=PAIRS, orient="row"), self.work / "linkage" / "pairs.parquet")
        measured = [("churn|overall|all", "churn", "overall", "all", 1, 100, 0.01, None, 0.001, False)]
        _write(pl.DataFrame(measured, schema=QUALITY, orient="row"), self.work / "linkage" / "quality.parquet")

    def dbt(self, command: str, *arguments: str, as_of: date = AS_OF) -> Any:
        """Run dbt and fail with what failed. The rows are invented, so dbt's text may be shown."""
        variables = {"as_of": as_of.isoformat(), "jurisdiction": "wales", "region_name": "Test"}
        result = dbtRunner().invoke([
            command, "--quiet", "--project-dir", str(self.project), "--profiles-dir", str(self.project),
            "--target-path", str(self.root / "target"), "--log-path", str(self.root / "logs"),
            "--vars", json.dumps(variables), *arguments,
        ])  # fmt: skip
        # dbt keeps the file open for its next command in this process, which locks the readers out.
        DuckDBConnectionManager.close_all_connections()
        failed = [
            f"{each.node.name}: {each.message}"
            for each in getattr(result.result, "results", [])
            if each.status not in ("success", "pass", "no-op")
        ]
        assert result.success, failed or result.exception
        return result

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the warehouse."""
        with duckdb.connect(str(self.root / "warehouse.duckdb"), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            return connection.execute(query).fetchall()


def _write(frame: pl.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path)


@pytest.fixture(scope="session")
def make_region(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Callable[[], Region]]:
    """Makes empty regions; the environment names the newest."""
    project = repository / "dbt_project"
    columns = declared_columns(project)
    patch = pytest.MonkeyPatch()

    def make() -> Region:
        region = Region(tmp_path_factory.mktemp("dbt"), project, columns)
        for folder in (region.landing, region.work):
            folder.mkdir()
        patch.setenv("DOLEN_LANDING", str(region.landing))
        patch.setenv("DOLEN_WORK", str(region.work))
        patch.setenv("DOLEN_WAREHOUSE", str(region.root / "warehouse.duckdb"))
        patch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
        return region

    yield make
    patch.undo()
