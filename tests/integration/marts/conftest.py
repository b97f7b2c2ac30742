"""A region of 2,000 children whose links are the true ones, so that a mart can be held against the truth row by row.

Put here: building that region once. Keep out: what a mart should say, which each test works out from the truth in plain
Python. `child_id` is the simulated person's id: whatever differs is the fault of a mart, never of the linkage.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

import simulator
from orchestration.dbt import EXECUTABLE, PROJECT_DIR, PUBLISH, STANDARDISE, build_arguments
from orchestration.inbox import land_waiting, waiting
from orchestration.inputs import write_inputs
from orchestration.settings import Settings
from tests.unit.dbt_project.conftest import CLUSTERS, PAIRS, QUALITY

AS_OF = date(2026, 11, 20)
KEPT = "DOLEN_TEST_REGION"  # a folder to build the region in, and to find it again: only seeds and marts are built anew


@dataclass(frozen=True)
class TrueRegion:
    """The marts of a region and the truth behind them."""

    root: Path
    as_of: date = AS_OF

    def mart(self, name: str) -> pl.DataFrame:
        """All rows of a mart; instants are UTC."""
        return self.query(f"select * from marts.{name}")

    def query(self, sql: str) -> pl.DataFrame:
        """Ask the warehouse."""
        with duckdb.connect(str(self.root / "warehouse.duckdb"), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            return connection.execute(sql).pl()

    def truth(self, table: str) -> pl.DataFrame:
        """A table of the truth: what a system truly knows by as_of, with the person behind each row."""
        return pl.read_parquet(self.root / "truth" / f"{table}.parquet")


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> TrueRegion:
    """Simulated, landed, standardised, linked by the truth, published."""
    kept = os.environ.get(KEPT)
    root = Path(kept) if kept else tmp_path_factory.mktemp("true_region")
    settings = Settings(home=root)
    if not (root / "truth").exists():
        simulator.generate(root, children=2_000, seed=7, as_of=AS_OF, weeks=4)
        settings.prepare()
        landed = settings.load_region()
        land_waiting(settings, landed, waiting(settings, landed))
        write_inputs(settings, landed)
        _dbt(settings, STANDARDISE)
        _link_by_the_truth(root)
    settings.prepare()
    _dbt(settings, f"{PUBLISH} resource_type:seed")
    return TrueRegion(root)


def _dbt(settings: Settings, selected: str) -> None:
    region, work = settings.load_region(), settings.work
    done = subprocess.run(
        [EXECUTABLE, "--quiet", *build_arguments(AS_OF, region), "--select", *selected.split(),
         "--project-dir", str(PROJECT_DIR), "--profiles-dir", str(PROJECT_DIR),
         "--target-path", str(work / "dbt-test"), "--log-path", str(work / "dbt-test")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-2000:]}"


def _link_by_the_truth(root: Path) -> None:
    """Write what people who never err would have decided; records outside the truth are nobody else's."""
    keys = ["agency", "feed", "source_person_id"]
    persons = pl.read_parquet(root / "work" / "persons.parquet", columns=["record_key", *keys])
    people = pl.read_parquet(root / "truth" / "record_persons.parquet", columns=[*keys, "person_id"])
    known = persons.join(people, on=keys, how="left").select(
        "record_key", child_id=pl.coalesce("person_id", pl.concat_str(pl.lit("outside|"), "record_key"))
    )
    folder = root / "work" / "linkage"
    folder.mkdir(parents=True, exist_ok=True)
    known.select(
        "record_key", "child_id", cluster_size=pl.len().over("child_id").cast(pl.Int32), link_confidence=pl.lit(1.0),
        link_method=pl.lit("decision"), linked_on=pl.lit(AS_OF),
    ).cast(CLUSTERS).write_parquet(folder / "clusters.parquet")  # fmt: skip
    pl.DataFrame(schema=PAIRS).write_parquet(folder / "pairs.parquet")
    pl.DataFrame(schema=QUALITY).write_parquet(folder / "quality.parquet")
