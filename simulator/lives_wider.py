"""Lives that health and the police see: notifications, emergency attendances, appointments, vaccinations.

Put here: events over the whole population, vectorised where every child takes part. Keep out: social care.
"""

from __future__ import annotations

import numpy as np

from simulator.clock import stream
from simulator.diary import Diary, Row
from simulator.population import YEAR, Population

INCIDENT_KINDS = ("domestic_abuse", "child_concern", "missing", "exploitation", "other")
INCIDENT_WEIGHT = (52, 27, 9, 5, 7)
HISTORY_DAYS = 365
_THERE = (True,)  # adults named in a notification were present
# (age in years, vaccine SNOMED code, dose): the routine schedule, simplified.
SCHEDULE = (
    (0.16, "871878002", 1),
    (0.25, "871878002", 2),
    (0.33, "871878002", 3),
    (1.02, "871831003", 1),
    (3.35, "871831003", 2),
    (3.36, "871893003", 4),
    (12.8, "871741001", 1),
    (13.9, "871804007", 1),
)
UPTAKE = 0.93


def police(diary: Diary, favoured: np.ndarray, seed: int) -> None:
    """Write notifications for about a tenth of the children, mostly with brothers and sisters present."""
    draw, pop = diary.draw, diary.pop
    rng = stream(seed, "police")
    real = ~pop.is_unborn & ((pop.sealed_on < 0) | pop.is_second)
    families = int(pop.family.max()) + 1
    weight = np.ones(families)
    weight[np.unique(pop.family[favoured])] = 9.0
    by_family: dict[int, list[int]] = {}
    order = np.argsort(rng.random(families) ** (1.0 / weight))[::-1]
    for child in np.flatnonzero(real):
        by_family.setdefault(int(pop.family[child]), []).append(int(child))
    wanted, touched = int(pop.people * 0.10), 0
    for family in order:
        if touched >= wanted:
            break
        kids = by_family.get(int(family), [])
        if not kids:
            continue
        touched += len(kids)
        for _ in range(draw.choices((1, 2, 3, 5), (66, 20, 9, 5))[0]):
            _incident(diary, kids)


def _incident(diary: Diary, kids: list[int]) -> None:
    draw, pop = diary.draw, diary.pop
    day = pop.as_of - draw.randint(1, HISTORY_DAYS)
    kind = draw.choices(INCIDENT_KINDS, INCIDENT_WEIGHT)[0]
    born = [child for child in kids if (pop.sealed_on if pop.is_second[child] else pop.birth_day)[child] < day]
    if kind in ("missing", "exploitation"):
        born = [child for child in born if day - pop.birth_day[child] > 10 * YEAR][:1]
    if not born:
        return
    reference = f"PPN{diary.draw.randint(10, 99)}{diary.new_id('')}"
    risk = draw.choices(("standard", "medium", "high"), (62, 28, 10))[0]
    subject = draw.choice(born)
    for child in born:
        role = "subject" if child == subject else "sibling"
        if kind == "domestic_abuse" and child == subject and draw.random() < 0.2:
            role = "victim"
        diary.add("incidents", reference, child, role, day, kind, risk, child == subject or draw.random() < 0.75)
    diary.add("incidents", reference, -1, "suspect", day, kind, risk, *_THERE)
    if kind == "domestic_abuse" or draw.random() < 0.5:
        diary.add(
            "incidents", reference, -2, "victim" if kind == "domestic_abuse" else "parent", day, kind, risk, *_THERE
        )


def _since(pop: Population) -> np.ndarray:
    """Return the day from which an identity exists: birth, or adoption."""
    return np.where(pop.is_second, pop.sealed_on, pop.birth_day)


def attendances(diary: Diary, favoured: np.ndarray, seed: int) -> None:
    """Write emergency attendances and ward stays of a year; some children come again and again."""
    pop = diary.pop
    rng = stream(seed, "attendances")
    age = pop.ages(pop.as_of)
    rate = np.where(age < 2, 0.62, np.where(age < 5, 0.42, np.where(age < 12, 0.24, 0.3)))
    rate = rate * rng.gamma(0.9, 1 / 0.9, pop.size)
    rate[favoured] *= 1.8
    rate[pop.is_unborn | ((pop.sealed_on >= 0) & ~pop.is_second)] = 0
    count = rng.poisson(rate)
    child = np.repeat(np.arange(pop.size), count)
    day = pop.as_of - rng.integers(0, HISTORY_DAYS, len(child))
    good = day > _since(pop)[child]
    child, day = child[good], day[good]
    minute = rng.integers(0, 1440, len(child))
    ward = rng.random(len(child)) < 0.11
    stay = np.where(ward, rng.integers(1, 6, len(child)), 0)
    reason = rng.integers(0, 8, len(child))
    left = rng.random(len(child)) < 0.03
    diary.rows["attendances"] = list(
        zip(
            child.tolist(),
            day.tolist(),
            minute.tolist(),
            np.where(ward, "ward", "ed").tolist(),
            stay.tolist(),
            reason.tolist(),
            left.tolist(),
            strict=True,
        )
    )


def bookings(diary: Diary, seed: int) -> None:
    """Write outpatient appointments of a quarter of a year; about one in nine child was not brought."""
    pop = diary.pop
    rng = stream(seed, "bookings")
    born = np.flatnonzero((pop.birth_day < pop.as_of - 100) & ((pop.sealed_on < 0) | pop.is_second))
    child = born[rng.random(len(born)) < 0.05]
    child = child[_since(pop)[child] < pop.as_of - 95]
    day = pop.as_of - rng.integers(1, 90, len(child))
    day -= np.where((day + 3) % 7 >= 5, 2, 0)
    minute = 540 + 15 * rng.integers(0, 30, len(child))
    service = rng.integers(0, 5, len(child))
    missed = rng.random(len(child)) < 0.11
    diary.rows["bookings"] = list(
        zip(child.tolist(), day.tolist(), minute.tolist(), service.tolist(), missed.tolist(), strict=True)
    )


def vaccinations(diary: Diary, favoured: np.ndarray, seed: int) -> None:
    """Write vaccinations: of children in a service all, of the others those of the last year."""
    pop = diary.pop
    rng = stream(seed, "vaccinations")
    everything = np.zeros(pop.size, dtype=bool)
    everything[favoured] = True
    rows: list[Row] = []
    for years, code, dose in SCHEDULE:
        day = pop.birth_day + (years * YEAR + rng.gamma(1.2, 14, pop.size)).astype(np.int64)
        given = (day <= pop.as_of) & ~pop.is_unborn & (rng.random(pop.size) < UPTAKE)
        given &= (everything | (day > pop.as_of - 365)) & ((pop.sealed_on < 0) | pop.is_second)
        at = np.flatnonzero(given)
        rows += [(child, when, code, dose) for child, when in zip(at.tolist(), day[at].tolist(), strict=True)]
    diary.rows["vaccinations"] = rows
