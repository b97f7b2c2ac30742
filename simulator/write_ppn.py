"""Writes police protection notifications (Niche) as CSV, one row a person and role.

Put here: the police's columns, nominal records and transfer faults. Keep out: the incidents (`lives_wider`).
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import polars as pl

from simulator.clock import scalar_stream, stream, to_date
from simulator.deliveries import Inbox, Weeks, cut_in_a_quote
from simulator.diary import Diary, Row
from simulator.names import ETHNIC_CODES
from simulator.noise import fold, observe
from simulator.truth import Truth

AGENCY, FEED, SYSTEM, SUPPLIER, DATASET = "police", "ppn", "Niche", "niche", "ppn"
COLUMNS = (
    "notificationReference",
    "personRole",
    "policePersonId",
    "createdAt",
    "sentAt",
    "incidentAt",
    "notificationType",
    "riskGrade",
    "givenName",
    "middleName",
    "surname",
    "dateOfBirth",
    "dateOfBirthKnown",
    "estimatedAge",
    "sex",
    "selfDefinedEthnicity",
    "officerDefinedEthnicity",
    "addressLine",
    "postcode",
    "schoolName",
    "isChild",
    "wasPresent",
    "acknowledgedAt",
    "circumstancesCode",
)
NEW_NOMINAL = 0.08  # a child already known is entered again under another number


def _instant(day: int, minute: int) -> str:
    return f"{to_date(day).isoformat()}T{minute // 60:02d}:{minute % 60:02d}:00Z"


def _course(draw: random.Random, day: int, last: int) -> tuple[str, str, str, str | None, int]:
    """Return when a notification was written, sent, had its cause, was received, and the day it was sent."""
    happened = day * 1440 + draw.randint(0, 1439)
    end = last * 1440 + 1439
    created = min(end, happened + draw.choice((40, 90, 150, 300, 700, 1500, 2800)))
    sent = min(end, created + draw.choice((20, 60, 240, 900, 1400, 1600, 3000, 4400, 8700)))
    received = min(end, sent + draw.choice((5, 30, 120, 840, 1500, 4300)))
    receipt = _instant(*divmod(received, 1440)) if draw.random() < 0.8 else None
    return (
        _instant(*divmod(created, 1440)),
        _instant(*divmod(sent, 1440)),
        _instant(*divmod(happened, 1440)),
        receipt,
        sent // 1440,
    )


def rows(diary: Diary, truth: Truth, seed: int) -> list[tuple[int, Row]]:
    """Return (day sent, row) of every person in every notification."""
    pop, draw, rng = diary.pop, scalar_stream(seed, "ppn"), stream(seed, "ppn")
    incidents = diary.rows["incidents"]
    nominal_of: dict[int, int] = {}
    nominal_child: list[int] = []
    nominal_row: list[int] = []
    for row in incidents:
        child = int(row[1])
        if child < 0:
            nominal_row.append(-1)
            continue
        if child not in nominal_of or draw.random() < NEW_NOMINAL:
            nominal_of[child] = len(nominal_child)
            nominal_child.append(child)
        nominal_row.append(nominal_of[child])
    children = np.array(nominal_child, dtype=np.int64)
    seen = observe(pop, children, rng, draw, scale=3.6, nhs_share=0.0, upn_share=0.0, stale=0.15, phonetic_share=0.09)
    numbers = 10_000_000 + rng.permutation(4_000_000)[: len(children)]
    ids = np.array([f"N{number}" for number in numbers], dtype=object)
    truth.record(AGENCY, FEED, SYSTEM, ids, children)
    diary.rows["nominals"] = list(zip(ids.tolist(), children.tolist(), strict=True))
    unknown = rng.random(len(children)) < 0.13
    guessed = rng.random(len(children)) < 0.05
    out, adults, head = [], {}, {}
    for row, nominal in zip(incidents, nominal_row, strict=True):
        reference, child, role, day, kind, risk, present = row
        if reference not in head:
            head[reference] = (*_course(draw, day, pop.as_of), child, f"C{draw.randint(1, 40):02d}")
        created, sent, happened, receipt, sent_day, subject, code = head[reference]
        start = (reference, role)
        times = (created, sent, happened, kind, risk)
        if child < 0:
            out.append((sent_day, start + _adult(diary, adults, int(subject), int(child), times, receipt, code)))
            continue
        birth = int(seen.birth_day[nominal])
        age = max(0, int((day - pop.birth_day[child]) / 365.25))
        place = seen.address[nominal]
        school = int(pop.school[child])
        fore, sur = fold(seen.forename[nominal]), fold(seen.surname[nominal])
        shown = (
            None
            if unknown[nominal]
            else f"{to_date(birth).year}-01-01"
            if guessed[nominal]
            else to_date(birth).isoformat()
        )
        vague = bool(unknown[nominal] or guessed[nominal])
        out.append(
            (
                sent_day,
                (
                    *start,
                    ids[nominal],
                    *times,
                    fore,
                    None if draw.random() < 0.8 else seen.middle[nominal],
                    sur.upper() if draw.random() < 0.3 else sur,
                    shown,
                    not vague,
                    max(0, age + draw.choice((-2, -1, 0, 0, 1, 2))) if vague else None,
                    seen.sex[nominal],
                    ETHNIC_CODES[pop.ethnic[child]]["police_16_1"]
                    if draw.random() < 0.55
                    else draw.choice(("NS", None)),
                    ETHNIC_CODES[pop.ethnic[child]]["officer"] if draw.random() < 0.9 else "9",
                    pop.addresses["line"][place],
                    pop.addresses["postcode"][place] if draw.random() < 0.93 else None,
                    str(pop.schools["name"][school]) if school >= 0 and draw.random() < 0.6 else None,
                    True,
                    present,
                    receipt,
                    code,
                ),
            )
        )
    people = np.array([f"A{family:06d}{which}" for family, which in adults], dtype=object)
    truth.record_people(AGENCY, FEED, SYSTEM, np.array(list(adults.values()), dtype=object), people, is_child=False)
    return out


def _adult(diary: Diary, adults: dict, child: int, which: int, times: tuple, receipt: str | None, code: str) -> Row:
    """Return the columns of a parent or suspect; adults are never linked."""
    pop = diary.pop
    side = "father" if which == -1 else "mother"
    key = (int(pop.family[child]), "f" if which == -1 else "m")
    number = adults.setdefault(key, f"N9{key[0]:06d}{1 if which == -1 else 2}")
    birth = to_date(int(pop.mother_birth[child]) - (700 if which == -1 else 0)).isoformat()
    place = pop.address[child]
    return (
        number,
        *times,
        fold(str(pop.columns[f"{side}_forename"][child])),
        None,
        fold(str(pop.columns[f"{side}_surname"][child])),
        birth,
        True,
        None,
        "M" if which == -1 else "F",
        None,
        ETHNIC_CODES[pop.ethnic[child]]["officer"],
        pop.addresses["line"][place],
        pop.addresses["postcode"][place],
        None,
        False,
        True,
        receipt,
        code,
    )


def _csv(rows_: list[Row]) -> bytes:
    schema: dict[str, Any] = dict.fromkeys(COLUMNS, pl.String)
    schema.update(dateOfBirthKnown=pl.Boolean, isChild=pl.Boolean, wasPresent=pl.Boolean, estimatedAge=pl.Int32)
    return pl.DataFrame(rows_, schema=schema, orient="row").write_csv().encode()


def _bad_rows(sample: Row, cut: int) -> list[Row]:
    """Return rows that must not land as they are: no reference, an unknown type, a date to come, a repeated key."""

    def changed(**values: object) -> Row:
        return tuple(values.get(name, old) for name, old in zip(COLUMNS, sample, strict=True))

    return [
        changed(notificationReference=None),
        changed(notificationReference="PPNBAD1", notificationType="rumour"),
        changed(notificationReference="PPNBAD2", incidentAt=_instant(cut + 300, 60)),
        changed(notificationReference="PPNBAD3", incidentAt="2026-13-45T00:00:00Z"),
        sample,
    ]


def write(diary: Diary, inbox: Inbox, weeks: Weeks, truth: Truth, seed: int) -> None:
    """Write a first delta with the history, then weekly ones: late, cut off, repeated and sent again."""
    every = sorted(rows(diary, truth, seed), key=lambda item: (item[0], str(item[1][0])))
    diary.rows["notifications"] = [row for _, row in every]

    def deliver(day: int, content: bytes, **how: Any) -> None:
        inbox.deliver(AGENCY, FEED, SUPPLIER, DATASET, day, "delta", content, suffix=".csv", **how)

    deliver(weeks.cuts[0], _csv([row for sent, row in every if sent <= weeks.cuts[0]]))
    for number, after, cut in weeks.windows():
        part = [row for sent, row in every if after < sent <= cut]
        data = _csv(part)
        if number == weeks.number(2):
            deliver(cut, cut_in_a_quote(data), kind="truncated", expect="held")
        if number == weeks.number(4):
            deliver(cut, b"", kind="empty", expect="held")
            data = _csv(part + (_bad_rows(part[0], cut) if part else []))
        deliver(
            cut, data, kind="late" if number == weeks.number(1) else "good", late_days=9 * (number == weeks.number(1))
        )
        if number == weeks.number(3):
            deliver(cut, data, kind="duplicate", expect="duplicate")
