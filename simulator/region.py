"""Generates a whole region: population, lives, deliveries, truth.

Put here: the order of the parts. Keep out: everything else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from simulator import (
    lives,
    population,
    write_adt,
    write_case_export,
    write_census,
    write_conferences,
    write_domestic_abuse,
    write_early_help,
    write_fhir,
    write_hospital_cases,
    write_ppn,
    write_pupils,
    write_school_calendar,
    write_training,
)
from simulator.deliveries import Inbox, Weeks
from simulator.truth import Truth

Progress = Callable[[str], None]


@dataclass(frozen=True)
class SimulationSummary:
    """Counts of what was written; no names."""

    children: int
    unborn: int
    second_identities: int
    looked_after_now: int
    registered_now: int
    known_to_social_care: int
    with_police_notification: int
    source_records: int
    deliveries: int
    deliveries_by_kind: dict[str, int]
    bytes_written: int


def generate(
    out: Path, *, children: int, seed: int, as_of: date, weeks: int = 4, progress: Progress | None = None
) -> SimulationSummary:
    """Write `<out>/inbox` and `<out>/truth` of a synthetic region.

    Args:
        out: folder to write into; its `inbox` and `truth` must not hold an earlier region.
        children: number of living children under 18.
        seed: the same seed gives the same bytes.
        as_of: day of the last extracts; nothing happened after it.
        weeks: number of weekly deltas after the first extracts.
        progress: is called with a few words at each step.

    Returns:
        Counts of the region.
    """
    if weeks < 1 or children < 200:
        raise ValueError("a region needs at least one week of deltas and 200 children")
    for folder in (out / "inbox", out / "truth"):
        if folder.exists() and any(folder.iterdir()):
            raise FileExistsError(f"{folder} is not empty")
    say = progress or (lambda _text: None)
    say("families")
    pop = population.build(children, seed, as_of)
    say("lives")
    diary = lives.live(pop, seed)
    inbox, truth, cuts = Inbox(out / "inbox"), Truth(pop), Weeks.before(pop.as_of, weeks)
    for name, writer in (
        ("social care", write_case_export),
        ("police", write_ppn),
        ("schools", write_census),
        ("hospitals", write_adt),
        ("child health", write_fhir),
        ("early help", write_early_help),
        ("training", write_training),
        ("hospital cases", write_hospital_cases),
        ("conferences", write_conferences),
        ("school calendars", write_school_calendar),
        ("notices to schools", write_domestic_abuse),
        ("pupils", write_pupils),
    ):
        say(name)
        writer.write(diary, inbox, cuts, truth, seed)
    say("truth")
    records = truth.write(out / "truth", diary, inbox.entries)
    kinds = [str(entry["kind"]) for entry in inbox.entries]
    return SimulationSummary(
        children=children,
        unborn=int(pop.is_unborn.sum()),
        second_identities=int(pop.is_second.sum()),
        looked_after_now=len({row[0] for row in diary.rows["true_care"] if row[2] is None}),
        registered_now=len({row[0] for row in diary.rows["true_register"] if row[2] is None}),
        known_to_social_care=len(diary.known_since),
        with_police_notification=len({row[1] for row in diary.rows["incidents"] if row[1] >= 0}),
        source_records=records,
        deliveries=len(inbox.entries),
        deliveries_by_kind={kind: kinds.count(kind) for kind in sorted(set(kinds))},
        bytes_written=sum(int(entry["bytes"]) for entry in inbox.entries),
    )
