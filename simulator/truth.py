"""The truth folder: who each source record is, and what truly happened when.

Put here: the tables that tests and the demo compare with. Keep out: anything that a supplier would send.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from simulator.diary import EXTRA, Diary
from simulator.population import Population


@dataclass
class Truth:
    """Collects the person behind every source record."""

    pop: Population
    parts: list[pl.DataFrame] = field(default_factory=list)
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)

    def keep(self, name: str, frame: pl.DataFrame, *, child: str = "child") -> None:
        """Keep what a system truly knows by the as-of day as one more table of the truth.

        Args:
            name: of the table.
            frame: its rows; days may be day numbers in columns whose names end in `_date` (or are typed already).
            child: column with the child's index, which becomes `person_id`; -1 and null stay without a person.
        """
        known = [None if at is None or at < 0 else str(self.pop.person_id[at]) for at in frame[child]]
        days = [pl.col(column).cast(pl.Date) for column in frame.columns if column.endswith("_date")]
        people = pl.Series("person_id", known, dtype=pl.String)
        self.tables[name] = frame.with_columns(days).drop(child).insert_column(0, people)

    def record(
        self, agency: str, feed: str, system: str, source_ids: np.ndarray, child: np.ndarray, **flags: np.ndarray
    ) -> None:
        """Register source records of children given by index."""
        self.record_people(agency, feed, system, source_ids, self.pop.person_id[child], is_child=True, **flags)

    def record_people(
        self,
        agency: str,
        feed: str,
        system: str,
        source_ids: np.ndarray,
        people: np.ndarray,
        *,
        is_child: bool,
        retired: np.ndarray | None = None,
    ) -> None:
        """Register source records of people given by their identifier."""
        count = len(source_ids)
        self.parts.append(
            pl.DataFrame(
                {
                    "agency": [agency] * count,
                    "feed": [feed] * count,
                    "system": [system] * count,
                    "source_person_id": pl.Series([str(value) for value in source_ids], dtype=pl.String),
                    "person_id": pl.Series([str(value) for value in people], dtype=pl.String),
                    "is_child": [is_child] * count,
                    "is_retired": pl.Series(
                        retired.tolist() if retired is not None else [False] * count, dtype=pl.Boolean
                    ),
                }
            )
        )

    def write(self, out: Path, diary: Diary, deliveries: list[dict[str, Any]]) -> int:
        """Write all truth tables; return the number of source records."""
        out.mkdir(parents=True, exist_ok=True)
        keys = ["agency", "feed", "source_person_id"]
        records = pl.concat(self.parts).unique(keys, keep="first", maintain_order=True).sort(keys)
        records.write_parquet(out / "record_persons.parquet")
        self._persons().write_parquet(out / "persons.parquet")
        for table, name in (
            ("true_care", "looked_after"),
            ("true_register", "registrations"),
            ("true_assessments", "health_assessments"),
        ):
            self._events(diary, table).write_parquet(out / f"{name}.parquet")
        for name, frame in self.tables.items():
            frame.write_parquet(out / f"{name}.parquet")
        pl.DataFrame(deliveries).sort("agency", "feed", "delivery").write_parquet(out / "deliveries.parquet")
        return len(records)

    def _persons(self) -> pl.DataFrame:
        pop = self.pop
        birth_identity = [None if at < 0 else str(pop.person_id[at]) for at in pop.adopted_from]
        texts = {
            name: pl.Series(list(pop.columns[source]), dtype=pl.String)
            for name, source in (
                ("person_id", "person_id"),
                ("forename", "forename"),
                ("middle_names", "middle"),
                ("surname", "surname"),
                ("former_surname", "former_surname"),
                ("sex", "sex"),
                ("nhs_number", "nhs"),
                ("upn", "upn"),
                ("former_upn", "former_upn"),
                ("ethnic_group", "ethnic"),
                ("preferred_language", "language"),
            )
        }
        days = pl.Series(pop.birth_day, dtype=pl.Int32).cast(pl.Date)
        return pl.DataFrame(texts).with_columns(
            birth_date=days,
            family_id=pl.Series([f"F{number:06d}" for number in pop.family]),
            twin_group=pl.Series([None if g < 0 else f"T{g:06d}" for g in pop.twin_group], dtype=pl.String),
            is_unborn=pl.Series(pop.is_unborn),
            is_second_identity=pl.Series(pop.is_second),
            birth_identity_person_id=pl.Series(birth_identity, dtype=pl.String),
            sealed_date=pl.Series([None if d < 0 else int(d) for d in pop.sealed_on], dtype=pl.Int32).cast(pl.Date),
            postcode=pl.Series(list(pop.addresses["postcode"][pop.address]), dtype=pl.String),
        )

    def _events(self, diary: Diary, table: str) -> pl.DataFrame:
        dates = [name for name in EXTRA[table] if name.endswith("_date")]
        schema = {name: (pl.Int32 if name in dates or name == "child" else pl.String) for name in EXTRA[table]}
        frame = pl.DataFrame(diary.rows[table], schema=schema, orient="row")
        people = pl.Series([str(self.pop.person_id[child]) for child in frame["child"]], dtype=pl.String)
        return frame.with_columns(pl.col(dates).cast(pl.Date)).drop("child").insert_column(0, people.alias("person_id"))
