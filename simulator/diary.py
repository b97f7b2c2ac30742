"""The diary of the region: every event that happened, by table, with its true dates.

Put here: the container that the `lives_*` modules fill and the writers read. Keep out: drawing and formats.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from simulator.case_schema import TABLES
from simulator.clock import WorkingDays
from simulator.population import Population

Row = tuple[Any, ...]
Bands = tuple[tuple[float, float, int], ...]

# Events that health systems and the police know of, and the truth tables.
EXTRA: dict[str, tuple[str, ...]] = {
    "health_contacts": ("child", "kind", "status", "day"),  # kind: IHA RHA DENTAL; status: done declined missed
    "flags": ("child", "code", "start", "end"),
    "gp_moves": ("child", "start"),
    "incidents": ("reference", "child", "role", "day", "kind", "risk", "present"),
    "attendances": ("child", "day", "minute", "kind", "days", "reason", "left"),  # kind: ED or ward
    "bookings": ("child", "day", "minute", "service", "missed"),
    "vaccinations": ("child", "day", "code", "dose"),
    "true_assessments": (
        "child",
        "assessment_kind",
        "clock_start_date",
        "done_date",
        "outcome",
        "recorded_by",
        "social_care_date",
        "health_date",
        "assessor_role",
    ),
    # What hospitals and child health truly know, also of the cases on purpose; outcome as the senders tell it.
    "true_attendances": ("child", "visit", "day", "minute", "category", "outcome", "reason", "sources"),
    "true_appointments": ("child", "appointment", "day", "minute", "service", "outcome", "sources"),
    "true_actions": ("child", "kind", "day"),
    "true_questionnaires": ("child", "day"),
    "true_care": ("child", "started_date", "ended_date"),
    "true_register": ("child", "registered_date", "deregistered_date", "drawn_review"),
}


@dataclass
class Diary:
    """Events of all lives; rows of case tables carry the child's index where the file has source_person_id."""

    pop: Population
    work: WorkingDays
    draw: random.Random
    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    planted: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))  # case rows drawn after all lives
    counters: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    wanted_bands: dict[str, list[int]] = field(default_factory=dict)
    known_since: dict[int, int] = field(default_factory=dict)

    def new_id(self, prefix: str) -> str:
        """Return the next identifier of a kind."""
        self.counters[prefix] += 1
        return f"{prefix}{self.counters[prefix]:07d}"

    def draw_band(self, kind: str, bands: Bands, first: tuple[int, ...], days: float, kids: list[int]) -> int:
        """Draw how many days ago something began.

        Args:
            kind: name of the draw.
            bands: (from, to, weight) in some unit.
            first: bands that the first families fill, each when its children are old enough for it.
            days: length of the unit.
            kids: the children.
        """
        waiting = self.wanted_bands.setdefault(kind, list(first))
        age = max(self.pop.as_of - int(self.pop.birth_day[child]) for child in kids)
        fit = next((number for number in waiting if bands[number][1] * days < age), None)
        if fit is None:
            low, high, _ = self.draw.choices(bands, [band[2] for band in bands])[0]
        else:
            waiting.remove(fit)
            low, high, _ = bands[fit]
        return int((low + self.draw.random() * (high - low)) * days)

    def add(self, table: str, *values: Any) -> None:
        """Write one row; the values follow the table's columns."""
        self.rows[table].append(values)

    def open_case(self, child: int, day: int) -> None:
        """Record that social care knows a child since a day at the latest."""
        self.known_since[child] = min(day, self.known_since.get(child, day))

    def frame(self, table: str, *, planted: bool = False) -> pl.DataFrame:
        """Return a table, or what was planted in it, as a frame: days stay day numbers, children stay indexes."""
        if table in EXTRA:
            names = EXTRA[table]
            return pl.DataFrame(self.rows[table], schema=list(names), orient="row", infer_schema_length=None)
        kinds = {"V": pl.String, "D": pl.Int32, "B": pl.Boolean, "I": pl.Int32}
        schema = {name: (pl.Int32 if name == "source_person_id" else kinds[kind]) for name, kind in TABLES[table]}
        return pl.DataFrame((self.planted if planted else self.rows)[table], schema=schema, orient="row")
