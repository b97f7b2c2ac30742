"""Casts the families: which live through what, and how many.

Put here: the rates of life events and their minimum numbers in a small region. Keep out: the events themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np

from simulator import lives_care, lives_front_door, lives_protection, lives_wider
from simulator.clock import WorkingDays, scalar_stream, stream, to_date
from simulator.diary import Diary
from simulator.population import YEAR, Population

LOOKED_AFTER, REGISTERED = 0.010, 0.008
LOOKED_AFTER_BEFORE, REGISTERED_BEFORE, SUPPORTED, EARLY_HELP = 0.003, 0.005, 0.010, 0.007
AT_LEAST = 26
Act = Callable[[list[int], int], int]  # (children of a family, room left) -> children used


def live(pop: Population, seed: int) -> Diary:
    """Draw all lives of a population."""
    first, last = date(2003, 1, 1), to_date(pop.as_of) + timedelta(days=900)
    diary = Diary(pop, WorkingDays(first, last), scalar_stream(seed, "lives"))
    rng = stream(seed, "cast")
    plain = ~pop.is_second & (pop.sealed_on < 0) & ~pop.is_unborn
    by_family: dict[int, list[int]] = {}
    for child in np.flatnonzero(plain & (pop.ages(pop.as_of) < 17.8)):
        by_family.setdefault(int(pop.family[child]), []).append(int(child))
    unborn_of = {int(pop.family[child]): int(child) for child in np.flatnonzero(pop.is_unborn)}
    cast = [family for family in rng.permutation(int(pop.family.max()) + 1).tolist() if family in by_family]
    people = pop.people
    queue = iter(cast)

    def fill(share: float, least: int, act: Act) -> None:
        wanted, filled = max(least, round(share * people)), 0
        while filled < wanted:
            filled += act(by_family[next(queue)], wanted - filled)

    def counted(write: Callable[[Diary, list[int]], None]) -> Act:
        def act(kids: list[int], _room: int) -> int:
            write(diary, kids)
            return len(kids)

        return act

    fill(LOOKED_AFTER, AT_LEAST, lambda kids, room: lives_care.looked_after_now(diary, kids, room))
    fill(REGISTERED, AT_LEAST, lambda kids, _room: lives_protection.registered_now(diary, kids))
    fill(LOOKED_AFTER_BEFORE, 5, counted(lives_care.looked_after_once))
    fill(REGISTERED_BEFORE, 6, counted(lives_protection.registered_once))
    fill(SUPPORTED, 10, counted(lives_protection.supported))
    fill(EARLY_HELP, 8, counted(lives_protection.early_help))
    for second in np.flatnonzero(pop.is_second):
        lives_care.adopted(diary, int(pop.adopted_from[second]), int(second))
    _unborn(diary, list(unborn_of.values()))
    known = np.array(sorted(diary.known_since), dtype=np.int64)
    _elder_missing(diary, known)
    for child in {row[0] for row in diary.rows["true_register"] if row[2] is None}:
        if diary.draw.random() < 0.8 and not pop.is_unborn[child]:
            start = max(row[1] for row in diary.rows["true_register"] if row[0] == child and row[2] is None)
            diary.add("flags", child, "342191000000101", start + diary.draw.randint(0, 8), None)
    lives_wider.police(diary, known, seed)
    lives_wider.attendances(diary, known, seed)
    lives_wider.bookings(diary, seed)
    lives_wider.vaccinations(diary, known, seed)
    lives_front_door.plant(diary, seed)
    return diary


def _unborn(diary: Diary, unborn: list[int]) -> None:
    """Refer unborn children; the conferences of some lie before birth."""
    pop, draw, work = diary.pop, diary.draw, diary.work
    for number, child in enumerate(unborn):
        due_in = int(pop.birth_day[child]) - pop.as_of
        if number % 3 == 0 and due_in < 100:
            day = work.back(pop.as_of, draw.randint(2, 18))
            lives_protection.register(diary, [child], day, None, 0)
        else:
            opening = lives_protection.open_referral(
                diary, [child], work.back(pop.as_of, draw.randint(1, 25)), "assessment", None
            )
            lives_protection.assess(diary, opening, referral_visits=False)


def _elder_missing(diary: Diary, known: np.ndarray) -> None:
    pop, draw = diary.pop, diary.draw
    for child in known:
        old = (pop.as_of - pop.birth_day[child]) / YEAR > 12.5
        if old and pop.sealed_on[child] < 0 and draw.random() < 0.05:
            day = pop.as_of - draw.randint(1, 250)
            lives_care.write_missing(diary, int(child), day)
            diary.open_case(int(child), day - 1)
