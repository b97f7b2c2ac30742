"""How children were heard: views, languages, interpreters and advocates, beside the rows of the case export.

Put here: the columns of that and their shares. Keep out: the meetings and visits themselves (`lives_*`). It draws from
streams of its own, so that no other value of the region depends on it.
"""

from __future__ import annotations

import random
from typing import Any

import polars as pl

from simulator.case_schema import FIRST_DATE, VOICE
from simulator.clock import scalar_stream, stream
from simulator.population import YEAR, Population

INTERPRETER_NEEDED = 0.03
SIGN = "bfi"  # British Sign Language
# Participation codes of the 903 for a child old enough, and those that convey views.
CODES, WEIGHTS = ("PN1", "PN2", "PN3", "PN4", "PN5", "PN6", "PN7"), (34, 10, 4, 8, 8, 14, 22)
CONVEYED = frozenset({"PN1", "PN2", "PN3", "PN5", "PN6"})


def needs(pop: Population, seed: int) -> list[bool]:
    """Whether each child needs an interpreter."""
    return [bool(value) for value in stream(seed, "voice").random(pop.size) < INTERPRETER_NEEDED]


def midwife_told(pop: Population, seed: int, known_since: dict[int, int]) -> dict[int, int]:
    """The day on which the midwife of a child known before birth was told; a fifth were never told."""
    draw, told = scalar_stream(seed, "voice_midwife"), {}
    for child in sorted(known_since):
        day = known_since[child] + draw.randint(0, 9)
        if draw.random() < 0.8 and day < int(pop.birth_day[child]) and day <= pop.as_of:
            told[child] = day
    return told


def with_voice(table: str, frame: pl.DataFrame, pop: Population, seed: int) -> pl.DataFrame:
    """Add to an event table, whose children are indexes still, how each child was heard."""
    columns = dict(VOICE.get(table, ()))
    if not columns:
        return frame
    draw, interpreted = scalar_stream(seed, f"voice_{table}"), needs(pop, seed)
    drawn: list[dict[str, Any]] = []
    for row in frame.iter_rows(named=True):
        child, day = row["source_person_id"], row[FIRST_DATE[table]]
        drawn.append(_heard(draw, row, (day - int(pop.birth_day[child])) / YEAR, str(pop.language[child]),
                            needed=interpreted[child]))  # fmt: skip
    kinds = {"V": pl.String, "B": pl.Boolean}
    return frame.with_columns(
        pl.Series(name, [values.get(name) for values in drawn], dtype=kinds[kind]) for name, kind in columns.items()
    )


def _heard(draw: random.Random, row: dict[str, Any], age: float, language: str, *, needed: bool) -> dict[str, Any]:
    """Draw all columns of one occasion; the table takes those it has."""
    if age < 0:
        return {}
    old = age > 4
    code = row.get("participation_code") or (draw.choices(CODES, WEIGHTS)[0] if old else "PN0")
    is_conference = "was_seen" not in row and "started_date" not in row
    seen = row.get("was_seen", draw.random() < 0.95)
    there = code in CODES[:4] if is_conference else bool(seen)
    recorded = code in CONVEYED if is_conference else bool(seen) and draw.random() < (0.8 if old else 0.2)
    offered = old and draw.random() < 0.7
    interpreter = needed and there and draw.random() < 0.7
    spoken = SIGN if interpreter else "en" if draw.random() < 0.35 else language
    return {
        "participation_code": code,
        "was_seen": seen,
        "seen_alone": bool(seen) and draw.random() < (0.7 if old else 0.3),
        "views_recorded": None if draw.random() < 0.05 else recorded,
        "advocacy_offered": None if draw.random() < 0.05 else offered,
        "advocacy_accepted": (code in ("PN2", "PN5") or draw.random() < 0.35) if offered else None,
        "language_code": spoken if there else None,
        "interpreter_used": interpreter if there else None,
    }
