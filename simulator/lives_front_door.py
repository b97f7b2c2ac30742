"""Plants what rarely happens by chance at the front door: contacts on the wrong route, again and again, up and down.

Put here: a few awkward cases of contacts, referrals and early help that marts must find, in families that social care
knows already. They go to `diary.planted`, so that nothing drawn before them moves. Keep out: ordinary lives.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from simulator.clock import months_after, scalar_stream
from simulator.diary import Diary


def plant(diary: Diary, seed: int) -> None:
    """Plant every case once or twice, each in a family of its own; a very small region may lack a case."""
    draw = scalar_stream(seed, "front_door")
    for case in (_on_register, _up, _again_and_again, _down, _not_registered, _undecided):
        case(diary, draw)


def _families(diary: Diary, rows: Iterable[tuple[int, int]]) -> list[tuple[int, list[int]]]:
    """Return (day, children) of the rows (child, day), one entry a family that no case has used, oldest first."""
    pop, found = diary.pop, {}
    used = {int(pop.family[row[1]]) for table in ("contacts", "early_help") for row in diary.planted[table]}
    for child, day in rows:
        family = int(pop.family[child])
        if family not in used and not pop.is_second[child] and pop.sealed_on[child] < 0:
            found.setdefault(family, (day, []))
            if day == found[family][0] and child not in found[family][1]:
                found[family][1].append(child)
    return sorted(found.values())


def _contact(diary: Diary, child: int, day: int, source: str, route: str, outcome: str | None, wait: int = 1) -> None:
    decided = None if outcome is None else min(diary.pop.as_of, diary.work.add(day, wait))
    diary.planted["contacts"].append((diary.new_id("CON"), child, day, source, route, outcome, decided))


def _refer(diary: Diary, child: int, day: int, decision: str | None) -> str:
    referral = diary.new_id("REF")
    decided = None if decision is None else min(diary.pop.as_of, diary.work.add(day, 1))
    diary.planted["referrals"].append(
        (referral, child, day, "school", decided, decision, False if decision else None, "N1", None, None)
    )
    return referral


def _on_register(diary: Diary, draw: random.Random) -> None:
    """Route a child on the register to early help; another on the very day of leaving it, which is no mistake."""
    today = diary.pop.as_of
    now = [(row[0], row[1]) for row in diary.rows["true_register"] if row[2] is None and row[1] < today - 40]
    for _, kids in _families(diary, now)[-3:-1]:
        for child in kids:
            _contact(diary, child, today - draw.randint(5, 20), "school", "early_help", "early_help")
    once = [(row[0], row[2]) for row in diary.rows["true_register"] if row[2] is not None and row[2] < today - 5]
    for left, kids in _families(diary, once)[-1:]:
        for child in kids:
            _contact(diary, child, left, "school", "early_help", "early_help")


def _again_and_again(diary: Diary, draw: random.Random) -> None:
    """Bring families to the hub three times within a year, without action; one only twice within and once before."""
    today = diary.pop.as_of
    known = [(row[1], row[2]) for row in diary.rows["early_help"] if row[2] < today - 60]
    for number, (_, kids) in enumerate(_families(diary, known)[:4]):
        last = today - draw.randint(3, 12)
        first = months_after(last, -12)  # within the year on its very day; one day earlier it is not
        for day in (first - (number == 1), first + 150, last):
            for child in (child for child in kids if diary.pop.birth_day[child] < first - 1):
                _contact(diary, child, day, "police", "mash", "nfa")


def _up(diary: Diary, draw: random.Random) -> None:
    """Refer families that early help had taken up: within a year, one after it; their assessment is not done."""
    today = diary.pop.as_of
    taken = [(row[1], row[2]) for row in diary.rows["contacts"] if row[4] == row[5] == "early_help"]
    for number, (day, kids) in enumerate(_families(diary, taken)[:4]):
        again = diary.work.back(today, 70) if number else diary.work.add(months_after(day, 12) + 9, 0)
        if not day + 10 < again <= today:
            continue
        for child in kids:
            _contact(diary, child, again, "school", "mash", "referral")
            referral = _refer(diary, child, again, "assessment")
            diary.planted["assessments"].append((diary.new_id("ASM"), child, referral, again, None, None))
    del draw


def _down(diary: Diary, draw: random.Random) -> None:
    """Ask for early help when a referral has been closed: on the day, some weeks later, and half a year later."""
    today, work = diary.pop.as_of, diary.work
    ended = [(row[1], row[8]) for row in diary.rows["referrals"] if row[8] is not None and row[8] < today - 10]
    for (day, kids), later in zip(_families(diary, ended), (200, 25, 0, 40), strict=False):
        asked, team = day + later, draw.choice(("north", "south"))
        if asked > today:
            continue
        for child in kids:
            course = (work.add(asked, 15), work.add(asked, 25), asked + 150)  # allocated, started, closed
            days = [day if day <= today else None for day in course]
            diary.planted["early_help"].append((diary.new_id("EHP"), child, asked, *days, team, "goals_met"))


def _not_registered(diary: Diary, draw: random.Random) -> None:
    """Hold a conference that puts no child on the register."""
    work, today = diary.work, diary.pop.as_of
    registered = {row[0] for row in diary.rows["true_register"]}
    open_ones = {
        (row[1], row[2]): row[0]
        for row in diary.rows["referrals"]
        if row[5] == "assessment" and row[8] is None and row[2] < today - 50 and row[1] not in registered
    }
    for day, kids in _families(diary, open_ones)[:1]:
        strategy, held, meeting = work.add(day, 2), work.add(day, draw.randint(9, 16)), diary.new_id("MTG")
        for child in kids:
            enquiry = diary.new_id("S47")
            done = work.back(held, 2)
            diary.planted["s47_enquiries"].append(
                (enquiry, child, open_ones[child, day], strategy, strategy, done, "conference", False)
            )
            diary.planted["initial_conferences"].append(
                (diary.new_id("ICC"), child, enquiry, held, "initial", "not_registered", meeting)
            )


def _undecided(diary: Diary, draw: random.Random) -> None:
    """Leave referrals of the last days without a decision: one due today, others overdue."""
    today, work = diary.pop.as_of, diary.work
    known = [(row[1], row[2]) for row in diary.rows["contacts"] if row[2] < today - 60]
    waits = (work.back(today, 1), work.back(today, 2), work.back(today, 8))
    for (_, kids), day in zip(_families(diary, known)[-3:], waits, strict=False):
        for child in kids:
            _contact(diary, child, day, "school", "mash", None)
            _refer(diary, child, day, None)
    del draw
