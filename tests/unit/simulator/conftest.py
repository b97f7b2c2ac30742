"""One small region for all tests of the simulator. Put here: fixtures. Keep out: assertions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from simulator import SimulationSummary, generate

AS_OF = date(2026, 11, 1)


@dataclass(frozen=True)
class Region:
    """A generated region and the ways to read it."""

    root: Path
    summary: SimulationSummary

    def truth(self, table: str) -> pl.DataFrame:
        """Return a truth table."""
        return pl.read_parquet(self.root / "truth" / f"{table}.parquet")

    def deliveries(self, agency: str, feed: str, *expected: str) -> list[Path]:
        """Return the paths of deliveries whose expected end is among those given."""
        rows = self.truth("deliveries").filter(
            (pl.col("agency") == agency) & (pl.col("feed") == feed) & pl.col("expected").is_in(list(expected))
        )
        return [self.root / "inbox" / agency / feed / name for name in rows["delivery"]]

    def case_table(self, table: str) -> pl.DataFrame:
        """Return a case table as it stands after the last delta; deliberately bad rows are left out."""
        key = {"persons": "source_person_id"}.get(table)
        frames = []
        for path in self.deliveries("social_care", "case_export", "landed"):
            frame = pl.read_csv(path / f"{table}.csv", infer_schema=False)
            dates = [name for name in frame.columns if name.endswith("_date") or name in {"valid_from", "valid_to"}]
            if "record_action" not in frame.columns:
                frame = frame.with_columns(record_action=pl.lit("upsert"))
            british = pl.col(dates).str.contains("/", literal=True)
            frame = frame.filter(~pl.col(frame.columns[0]).str.contains("BAD")).with_columns(
                pl.when(british)
                .then(pl.col(dates).str.to_date("%d/%m/%Y", strict=False))
                .otherwise(pl.col(dates).str.to_date("%Y-%m-%d", strict=False))
            )
            frames.append(frame)
        merged = pl.concat(frames).unique(key or frames[0].columns[0], keep="last", maintain_order=True)
        return merged.filter(pl.col("record_action") == "upsert").drop("record_action")


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    """Return a region of 900 children."""
    root = tmp_path_factory.mktemp("region")
    return Region(root, generate(root, children=900, seed=11, as_of=AS_OF))
