"""Writes what schools and councils say of pupils beside the census: attendance, exclusions, concerns, arrangements.

Put here: the four files that name pupils by UPN, and what is awkward in them. Keep out: enrolments (`write_census`) and
calendars (`write_school_calendar`).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import polars as pl

from simulator.clock import scalar_stream, to_date, to_day
from simulator.deliveries import Inbox, Weeks
from simulator.diary import Diary
from simulator.population import Population
from simulator.truth import Truth
from simulator.write_school_calendar import open_days

AGENCY = "education"
Record = dict[str, Any]
SILENT = 4041  # schools with this number send no concerns
REASONS = ("PP", "PA", "VP", "DB", "BU", "OT")


def _school(pop: Population, child: int) -> str:
    at = int(pop.school[child])
    return f"{pop.schools['authority'][at]}{pop.schools['estab'][at]}"


def _pupils(pop: Population) -> list[int]:
    return [child for child in range(pop.size) if pop.school[child] >= 0 and pop.upn[child]]


def _months(first: date, last: date) -> list[tuple[date, date]]:
    found = []
    while first <= last:
        end = (first.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        found.append((first, min(end, last)))
        first = end + timedelta(days=1)
    return found


def attendance(pop: Population, draw: random.Random) -> list[Record]:
    """Return sessions by pupil and month of this school year, and the last summer's for some."""
    today, days, rows = to_date(pop.as_of), open_days(pop), []
    start = date(today.year - (today.month < 9), 9, 1)
    counts: dict[tuple[str, date, date], int] = {}
    for child in _pupils(pop):
        school, joined = _school(pop, child), to_date(int(pop.entry_day[child]))
        absent = draw.choices((0.02, 0.06, 0.15, 0.4), (55, 30, 11, 4))[0]
        last_summer = [(date(start.year, 6, 1), date(start.year, 7, 17))] * (child % 5 == 0)
        for first, last in [*_months(start, today), *last_summer]:
            if joined > last or draw.random() < 0.02:
                continue
            key = school, first, last
            if key not in counts:
                counts[key] = 2 * sum(first <= day <= last for day in days.get(school, ()))
            possible = counts[key]
            missed = sum(draw.random() < absent for _ in range(possible))
            without = sum(draw.random() < 0.3 for _ in range(missed))
            rows.append({"child": child, "upn": str(pop.upn[child]), "school_id": school, "from_date": first,
                         "to_date": last, "sessions_possible": possible, "sessions_attended": possible - missed,
                         "sessions_authorised": missed - without, "sessions_unauthorised": without})  # fmt: skip
    return rows


def exclusions(pop: Population, draw: random.Random) -> list[Record]:
    """Return exclusions of the last 400 days."""
    rows = []
    for child in _pupils(pop):
        if draw.random() >= (0.05 if pop.ncy[child] >= 7 else 0.006):
            continue
        for day in sorted({pop.as_of - draw.randint(1, 400) for _ in range(draw.choice((1, 1, 1, 2, 3)))}):
            if day < pop.entry_day[child]:
                continue
            permanent = draw.random() < 0.08
            rows.append({"child": child, "upn": str(pop.upn[child]), "school_id": _school(pop, child),
                         "started_date": to_date(day), "category": "PERM" if permanent else "SUSP",
                         "sessions": None if permanent else draw.randint(1, 10),
                         "reason": draw.choice(REASONS)})  # fmt: skip
    return rows


@dataclass
class _Concerns:
    """What schools have recorded so far."""

    pop: Population
    rows: list[Record] = field(default_factory=list)

    def add(self, child: int, day: int, category: str, action: str, informed: int | None) -> None:
        """Record a concern, unless the day has not come or the school sends none."""
        pop = self.pop
        if day > pop.as_of or pop.schools["estab"][pop.school[child]] == SILENT:
            return
        known = to_date(informed) if informed is not None else None
        self.rows.append({
            "child": child, "concern_reference": f"C{len(self.rows) + 1:06d}", "school_id": _school(pop, child),
            "upn": str(pop.upn[child]), "concern_date": to_date(day), "category": category, "action": action,
            "is_dsp_informed": known is not None, "dsp_informed_date": known,
        })  # fmt: skip


def concerns(diary: Diary, draw: random.Random) -> list[Record]:
    """Return what schools recorded: register and care made known to them, plans, and concerns of their own."""
    pop, found, at_school = diary.pop, _Concerns(diary.pop), set(_pupils(diary.pop))
    _register_made_known(diary, draw, found, at_school)
    _care_made_known(diary, draw, found, at_school)
    for child in sorted(at_school):
        if draw.random() < 0.02:
            day = pop.as_of - draw.randint(1, 300)
            found.add(child, day, draw.choice(("neglect", "bullying", "self_harm")), "monitored", day)
    _plans_around_the_due_day(diary, found, at_school)
    return found.rows


def _register_made_known(diary: Diary, draw: random.Random, found: _Concerns, at_school: set[int]) -> None:
    """Most schools are told soon, some late, some before the day, some record it and tell nobody, some nothing."""
    add = found.add
    for row in diary.rows["true_register"]:
        child, registered, ended = int(row[0]), int(row[1]), row[2]
        if child not in at_school or (ended is not None and draw.random() < 0.5):
            continue
        fate, day = draw.random(), registered + draw.choice((1, 2, 5, 12, 30))
        if fate < 0.7:
            add(child, day, "child_protection_register", "recorded", day)
        elif fate < 0.8:
            add(child, registered - 3, "child_protection_register", "recorded", registered - 3)
        elif fate < 0.9:
            add(child, day, "child_protection_register", "recorded", None)


def _care_made_known(diary: Diary, draw: random.Random, found: _Concerns, at_school: set[int]) -> None:
    """Care is made known within days; plans are finished around the day they are due, or only begun."""
    add = found.add
    for row in diary.rows["true_care"]:
        child, started = int(row[0]), int(row[1])
        if child not in at_school:
            continue
        if draw.random() < 0.7:
            add(child, started + 2, "looked_after", "recorded", started + 2)
        if draw.random() < 0.75:
            add(child, started + draw.choice((5, 18, 27, 28, 29, 45, 90)), "personal_education_plan", "completed", None)
        elif draw.random() < 0.5:
            add(child, started + 10, "personal_education_plan", "recorded", None)


def _plans_around_the_due_day(diary: Diary, found: _Concerns, at_school: set[int]) -> None:
    """Plant plans of children in care the school day before the twentieth, on it and on the one after it."""
    pop, days, wanted = diary.pop, open_days(diary.pop), [18, 19, 20]
    planned = {row["child"] for row in found.rows if row["category"] == "personal_education_plan"}
    for row in diary.rows["true_care"]:
        child, start = int(row[0]), to_date(max(int(row[1]), int(pop.entry_day[int(row[0])])))
        if not wanted or row[2] is not None or child not in at_school or child in planned:
            continue
        at_work = sorted(days.get(_school(pop, child), ()))
        ahead = [day for day in at_work if day > start]
        if not at_work or at_work[0] > start or len(ahead) < 21 or to_day(ahead[20]) > pop.as_of:
            continue
        before = len(found.rows)
        found.add(child, to_day(ahead[wanted[0]]), "personal_education_plan", "completed", None)
        wanted = wanted[len(found.rows) - before :]


def arrangements(pop: Population, draw: random.Random) -> list[Record]:
    """Return education elsewhere: some older pupils, and most children of school age without a school."""
    rows = []
    for child in range(pop.size):
        age = (pop.as_of - pop.birth_day[child]) / 365.25
        if not pop.upn[child] or pop.is_second[child] or not 5 <= age < 16:
            continue
        if pop.school[child] < 0 and draw.random() < 0.7:
            kind, provider = "EHE", None
        elif pop.school[child] >= 0 and pop.ncy[child] >= 7 and draw.random() < 0.012:
            kind, provider = draw.choice((("EOTAS", "Tuition service"), ("PRU", "Greenhill Unit"), ("EHE", None)))
        else:
            continue
        start = pop.as_of - draw.randint(20, 500)
        end = start + draw.randint(30, 300) if draw.random() < 0.25 else None
        rows.append({"child": child, "upn": str(pop.upn[child]), "kind": kind, "start": to_date(start),
                     "end": to_date(end) if end else None, "provider": provider})  # fmt: skip
    return rows


def write(diary: Diary, inbox: Inbox, weeks: Weeks, truth: Truth, seed: int) -> None:
    """Write each file twice: what was known at the first extract, and at the last; one UPN is in no other record."""
    pop = diary.pop
    nobody = {"upn": "Z999000000001"}

    def frame(rows: list[Record]) -> pl.DataFrame:
        return pl.DataFrame(rows, infer_schema_length=None)

    def deliver(feed: str, mode: str, day: int, rows: list[Record]) -> None:
        data = frame(rows).drop("child").write_csv().encode()
        inbox.deliver(AGENCY, feed, "schools", feed, day, mode, data, suffix=".csv")

    first, last = weeks.cuts[0], weeks.cuts[-1]
    for feed, mode, rows, known_on in (
        ("attendance", "delta", attendance(pop, scalar_stream(seed, "attendance")), "to_date"),
        ("exclusions", "delta", exclusions(pop, scalar_stream(seed, "exclusions")), "started_date"),
        ("safeguarding_concerns", "delta", concerns(diary, scalar_stream(seed, "concerns")), "concern_date"),
        ("eotas_and_home_education", "full", arrangements(pop, scalar_stream(seed, "arrangements")), "start"),
    ):
        truth.keep(f"school_{feed}", frame(rows))
        early = [row for row in rows if to_day(row[known_on]) <= first]
        late = rows if mode == "full" else [row for row in rows if to_day(row[known_on]) > first]
        late = late or rows[:1]
        deliver(feed, mode, first, early or rows[:1])
        stranger = late[0] | nobody | ({"concern_reference": "C999999"} if "concern_reference" in late[0] else {})
        deliver(feed, mode, last, [*late, stranger])
