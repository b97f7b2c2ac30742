"""Writes the early-help system (Family Gateway): requests as CSV, a full extract a week.

Put here: who asked there, what the council's case system has of it, that export and its faults. Keep out: the council's
own early-help rows (`lives_protection`, `lives_front_door`) and the case system (`write_case_export`).
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import polars as pl

from simulator.clock import scalar_stream, stream
from simulator.deliveries import Inbox, Weeks, without_column, without_tail
from simulator.diary import Diary
from simulator.lives_protection import SOURCE_WEIGHT, SOURCES
from simulator.noise import observe
from simulator.population import Population
from simulator.truth import Truth

AGENCY, FEED, SYSTEM, SUPPLIER, DATASET = "social_care", "early_help", "Early help", "gateway", "early_help"
COLUMNS = (
    "request_id", "person_id", "council_person_id", "forename", "surname", "birth_date", "sex", "address_line",
    "postcode", "team", "ward", "request_source", "requested_date", "allocated_date", "started_date", "closed_date",
    "outcome_code",
)  # fmt: skip
WARDS = ("Glan yr Afon", "Pen y Bryn", "Maes Gwyn", "Tref Isaf", "Coed Uchaf", "Porth Mawr")
TEAMS = ("north", "south", "vale")
ALSO_HERE = 0.75  # of the requests that the case system has
OWN, AT_LEAST = 0.012, 24  # share of children whose request the case system has not heard of
_DAYS = ("requested_date", "allocated_date", "started_date", "closed_date")
_SCHEMA = {
    "request_id": pl.String, "child": pl.Int64, "case_early_help_id": pl.String,
    **dict.fromkeys(_DAYS, pl.Int32), "outcome_code": pl.String,
}  # fmt: skip


def requests(diary: Diary, seed: int) -> pl.DataFrame:
    """Return every request made to this system by the as-of day, with the case system's number of the same one."""
    pop, draw = diary.pop, scalar_stream(seed, "early_help")
    rows: list[tuple[Any, ...]] = []
    case_rows = diary.rows["early_help"] + diary.planted["early_help"]
    for case_id, child, asked, allocated, started, closed, _, outcome in case_rows:
        if draw.random() < ALSO_HERE:  # the gateway hears of it first
            heard = asked - draw.choice((0, 0, 0, 0, 1, 2, 5))
            rows.append((child, case_id, heard, allocated, started, closed, outcome if closed else None))
    rows += [
        (child, None, *_course(diary, draw, pop.as_of - int(draw.triangular(0, 500, 40))))
        for child in _own_children(pop, {row[1] for row in case_rows}, seed)
    ]
    # A second request of a child weeks after the first is not the first once more.
    for child, _, asked, *_ in list(rows):
        again = asked + 45
        if again <= pop.as_of and draw.random() < 0.12:
            rows.append((child, None, *_course(diary, draw, again)))
    rows.sort(key=lambda row: (row[2], row[0], row[1] or ""))
    return pl.DataFrame(
        [(f"EHR{number:06d}", *row) for number, row in enumerate(rows, start=1)], schema=_SCHEMA, orient="row"
    )


def _own_children(pop: Population, taken: set[int], seed: int) -> list[int]:
    rng = stream(seed, "early_help_children")
    old = pop.ages(pop.as_of)
    plain = ~pop.is_second & (pop.sealed_on < 0) & ~pop.is_unborn & (old < 17) & (old > 1.5)
    there = [int(child) for child in np.flatnonzero(plain) if int(child) not in taken]
    wanted = min(len(there), max(AT_LEAST, round(OWN * pop.people)))
    return sorted(rng.choice(there, wanted, replace=False).tolist())


def _course(diary: Diary, draw: random.Random, asked: int) -> tuple[int | str | None, ...]:
    """Return requested, allocated, started, closed and outcome of a request, as far as it has come."""
    work, today = diary.work, diary.pop.as_of
    allocated = work.add(asked, draw.randint(2, 70))
    if draw.random() < 0.12:  # gone before a worker was found
        closed = asked + draw.randint(5, 60)
        return (asked, None, None, closed, "left_without_service") if closed <= today else (asked, *(None,) * 4)
    started = work.add(allocated, draw.randint(1, 25))
    closed = started + draw.randint(40, 260)
    days = [day if day <= today else None for day in (allocated, started, closed)]
    return asked, *days, draw.choice(("goals_met", "step_up", "disengaged")) if days[-1] else None


class Gateway:
    """The early-help system's requests at any day."""

    def __init__(self, diary: Diary, truth: Truth, seed: int) -> None:
        """Number the persons and take down who they are."""
        pop, draw, rng = diary.pop, scalar_stream(seed, "early_help_writing"), stream(seed, "early_help_writing")
        every = requests(diary, seed)
        children = np.array(sorted(set(every["child"])), dtype=np.int64)
        seen = observe(pop, children, rng, draw, scale=1.8, nhs_share=0.0, upn_share=0.0, stale=0.1)
        numbers = 40_000 + rng.permutation(max(50_000, len(children)))[: len(children)]
        ids = [f"EH{number}" for number in numbers]
        truth.record(AGENCY, FEED, SYSTEM, np.array(ids, dtype=object), children)
        in_case_system = pl.concat(truth.parts).filter(pl.col("feed") == "case_export")
        council = dict(in_case_system.select("person_id", "source_person_id").rows())
        places = [int(place) for place in seen.address]
        people = pl.DataFrame({
            "child": children,
            "person_id": ids,
            "council_person_id": [
                council.get(str(pop.person_id[child])) if draw.random() < 0.7 else None for child in children
            ],
            "forename": list(seen.forename),
            "surname": list(seen.surname),
            "birth_date": pl.Series(seen.birth_day, dtype=pl.Int32),
            "sex": list(seen.sex),
            "address_line": [pop.addresses["line"][place] for place in places],
            "postcode": [pop.addresses["postcode"][place] for place in places],
            "ward": [WARDS[place % len(WARDS)] for place in places],
            "team": [TEAMS[place % len(TEAMS)] for place in places],
        })  # fmt: skip
        asked_by = draw.choices(SOURCES, SOURCE_WEIGHT, k=len(every))
        self.rows = every.join(people, on="child", how="left").with_columns(
            request_source=pl.Series(asked_by, dtype=pl.String)
        )

    def at(self, cut: int) -> pl.DataFrame:
        """Return what the system says on a day."""
        known = self.rows.filter(pl.col("requested_date") <= cut)
        later = {name: pl.col(name) > cut for name in _DAYS[1:]}
        gone = pl.col("closed_date").is_null() | later["closed_date"]
        return known.with_columns(
            *(pl.when(hidden).then(None).otherwise(pl.col(name)).alias(name) for name, hidden in later.items()),
            pl.when(gone).then(None).otherwise(pl.col("outcome_code")).alias("outcome_code"),
        )


def _csv(frame: pl.DataFrame) -> bytes:
    days = [pl.col(name).cast(pl.Date).dt.strftime("%Y-%m-%d") for name in (*_DAYS, "birth_date")]
    return frame.with_columns(days).select(COLUMNS).write_csv().encode()


def _bad_rows(good: bytes) -> bytes:
    """Add rows that must not land as they are: no number, an impossible day, days the wrong way round, a key twice."""
    shown = pl.read_csv(good, infer_schema=False)
    bad = pl.concat([
        shown.head(1).with_columns(request_id=pl.lit(None, pl.String)),
        shown.head(1).with_columns(request_id=pl.lit("EHRBAD1"), requested_date=pl.lit("2026-02-31")),
        shown.head(1).with_columns(request_id=pl.lit("EHRBAD2"), requested_date=pl.lit(None, pl.String)),
        shown[1],
    ])
    return pl.concat([shown, bad]).write_csv().encode()


def write(diary: Diary, inbox: Inbox, weeks: Weeks, truth: Truth, seed: int) -> None:
    """Write a full extract a week, with its faults, and keep what the system truly knows."""
    gateway = Gateway(diary, truth, seed)
    kept = gateway.at(weeks.cuts[-1]).drop("forename", "surname", "birth_date", "sex", "address_line", "postcode")
    truth.keep("early_help_requests", kept.rename({"person_id": "source_person_id"}))

    def deliver(day: int, content: bytes, **how: Any) -> None:
        inbox.deliver(AGENCY, FEED, SUPPLIER, DATASET, day, "full", content, suffix=".csv", **how)

    deliver(weeks.cuts[0], _csv(gateway.at(weeks.cuts[0])))
    for number, _, cut in weeks.windows():
        data = _csv(gateway.at(cut))
        if number == weeks.number(2):
            deliver(cut, without_column(data, "requested_date"), kind="missing_column", expect="held")
        if number == weeks.number(3):
            deliver(cut, without_tail(data.rstrip(), 0.4), kind="truncated", expect="held")
        if number == weeks.number(4):
            data = _bad_rows(data)
        deliver(cut, data, kind="bad_rows" if number == weeks.number(4) else "good")
