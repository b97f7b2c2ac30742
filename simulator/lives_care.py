"""Lives in care: episodes, placements, legal statuses, reviews, health assessments, dental checks, missing.

Put here: drawing of looked-after histories. Keep out: the register (`lives_protection`) and what other agencies see of
the child beside the assessments (`lives_wider`).
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.clock import months_after
from simulator.diary import Diary
from simulator.lives_protection import assess, enquire, open_referral, visit
from simulator.population import YEAR

# Years in care of those looked after now: (from, to, weight).
TENURE = ((0.0, 0.08, 7), (0.08, 0.5, 17), (0.5, 1.0, 16), (1.0, 3.0, 34), (3.0, 7.0, 26))
FIRST_TENURES = (3, 1, 0, 2, 4, 3, 1, 4, 2, 3)  # so that a small region has them all
FIRST_OUTCOMES = (
    *("in_time", "refused", "late", "in_time", "not_brought", "missing", "in_time", "in_time"),
    *("refused", "missing", "late", "not_brought", "in_time", "in_time", "in_time"),
)
# Drawn outcomes of an assessment that is due.
INITIAL_OUTCOMES = (("in_time", 60), ("late", 21), ("refused", 4), ("not_brought", 6), ("missing", 9))
REVIEW_OUTCOMES = (("in_time", 69), ("late", 17), ("refused", 4), ("not_brought", 4), ("missing", 6))
# Who wrote a completed assessment down.
RECORDED_BY = (("both", 70), ("both_other_date", 8), ("social_care", 12), ("health", 10))
STATUSES = (("C1", 30), ("C2", 34), ("V2", 28), ("E1", 8))
PLACEMENTS = (("U4", 26), ("U6", 24), ("U1", 14), ("U3", 8), ("K2", 9), ("P1", 10), ("H5", 3), ("K1", 2), ("Z1", 4))
PROVIDERS = ("PR1", "PR2", "PR4")
ENDINGS = ("E4A", "E4B", "E46", "E45", "E13")
_OUTSIDE = ("NP98 1AX", "NP98 2BX", "NP98 3DW", "SA98 4EX", "SA98 5FY", "LD97 1GX")


def _choose(diary: Diary, options: tuple[tuple[str, int], ...]) -> str:
    return diary.draw.choices([o[0] for o in options], [o[1] for o in options])[0]


def looked_after_now(diary: Diary, kids: list[int], room: int) -> int:
    """Write a family some of whose children are looked after today; return how many."""
    draw, pop = diary.draw, diary.pop
    start = pop.as_of - 1 - diary.draw_band("care", TENURE, FIRST_TENURES, YEAR, kids)
    group = [child for child in kids if pop.birth_day[child] <= start and (draw.random() < 0.8 or child == kids[0])]
    if not group:  # a baby taken into care soon after birth
        youngest = max(kids, key=lambda child: pop.birth_day[child])
        start = min(pop.as_of - 1, int(pop.birth_day[youngest]) + draw.randint(0, 60))
        group = [youngest]
    group = group[:room]
    _into_care(diary, group, start)
    for child in group:
        own = start if draw.random() < 0.9 else min(start + draw.randint(1, 20), pop.as_of)
        care_period(diary, child, own, None, None)
    return len(group)


def looked_after_once(diary: Diary, kids: list[int]) -> None:
    """Write a family whose child has come home again."""
    draw, pop = diary.draw, diary.pop
    child = draw.choice(kids)
    end = pop.as_of - draw.randint(3, 900)
    start = end - draw.randint(20, 700)
    start = max(start, int(pop.birth_day[child]))
    if end - start < 10:
        return
    _into_care(diary, [child], start)
    care_period(diary, child, start, end, draw.choice(ENDINGS))


def adopted(diary: Diary, child: int, second: int) -> None:
    """Write the care of a child before adoption; the second identity is opened by the council, sealed."""
    pop = diary.pop
    sealed = int(pop.sealed_on[child])
    start = max(int(pop.birth_day[child]) + 10, sealed - diary.draw.randint(300, 800))
    _into_care(diary, [child], start)
    care_period(diary, child, start, sealed, "E11")
    diary.open_case(second, sealed)


def _into_care(diary: Diary, kids: list[int], start: int) -> None:
    """Write the report and the enquiry that most often come before care."""
    draw, work = diary.draw, diary.work
    day = work.back(start, draw.randint(1, 40))
    opening = open_referral(diary, kids, day, "strategy_discussion" if draw.random() < 0.6 else "assessment", None)
    assess(diary, opening)
    if draw.random() < 0.55:
        enquire(diary, opening, work.add(day, 0), work.add(day, draw.randint(3, 14)), "looked_after")


def care_period(diary: Diary, child: int, start: int, end: int | None, ending: str | None) -> None:
    """Write one period of care with everything that belongs to it."""
    diary.add("true_care", child, start, end)
    until = diary.pop.as_of if end is None else end
    moves = _episodes(diary, child, start, end, ending)
    _reviews(diary, child, start, until)
    _visits(diary, child, start, until)
    _assessments(diary, child, start, until, left=end is not None)
    _dental(diary, child, start, until)
    _immunisations(diary, child, start, until)
    _missing(diary, child, start, until)
    if diary.draw.random() < 0.85:
        diary.add("flags", child, "764841000000100", start + diary.draw.randint(0, 12), end)
    for day in moves:
        roll = diary.draw.random()
        if roll < 0.9:
            diary.add("gp_moves", child, diary.work.add(day, diary.draw.randint(1, 10 if roll < 0.75 else 45)))


def _episodes(diary: Diary, child: int, start: int, end: int | None, ending: str | None) -> list[int]:
    """Write contiguous episodes and placements; return the days on which a placement began."""
    draw, pop = diary.draw, diary.pop
    until = pop.as_of if end is None else end
    length = until - start
    changes = sorted(
        {start + draw.randint(8, max(9, length)) for _ in range(draw.choices((0, 1, 2, 3), (30, 34, 22, 14))[0])}
    )
    points = [start, *[day for day in changes if start + 7 < day < until - 7]]
    legal = _choose(diary, STATUSES)
    home = str(pop.addresses["postcode"][pop.address[child]])
    legal_start, placement_starts = start, []
    kind, provider, postcode = "", "", ""
    for number, began in enumerate(points):
        last = number == len(points) - 1
        stops = end if last else points[number + 1]
        reason = "S" if number == 0 else draw.choice("PPPLB")
        if number == 0 or reason in "PB":
            kind = "A3" if ending == "E11" and last and number else _choose(diary, PLACEMENTS)
            provider = draw.choice(PROVIDERS)
            away = draw.random() < 0.3
            postcode = (
                home if kind == "P1" else draw.choice(_OUTSIDE) if away else str(draw.choice(pop.addresses["postcode"]))
            )
            placement_starts.append((began, kind, provider, postcode))
        if reason in "LB" and number:
            diary.add("legal_statuses", child, legal, legal_start, began)
            legal, legal_start = ("C2" if legal == "C1" else "C1" if legal == "V2" else legal), began
        diary.add(
            "looked_after_episodes",
            diary.new_id("EPI"),
            child,
            began,
            reason,
            legal,
            draw.choice(("N1", "N1", "N4", "N5")),
            kind,
            provider,
            stops,
            None if stops is None else ("X1" if not last else ending),
            None if stops is None or last else draw.choice(("PLAN", "CARPL", "STAND", "CHILD")),
            home,
            postcode,
            f"SC{draw.randint(100000, 999999)}" if kind.startswith("K") else None,
        )
    diary.add("legal_statuses", child, legal, legal_start, end)
    for number, (began, kind_here, provider_here, postcode_here) in enumerate(placement_starts):
        stops = end if number == len(placement_starts) - 1 else placement_starts[number + 1][0]
        diary.add(
            "placements",
            diary.new_id("PLC"),
            child,
            began,
            stops,
            kind_here,
            provider_here,
            postcode_here,
            stops is None and until - began > 500 and draw.random() < 0.5,
        )
    return [began for began, *_ in placement_starts]


def _reviews(diary: Diary, child: int, start: int, until: int) -> None:
    draw, work = diary.draw, diary.work
    day = work.add(start, draw.randint(12, 20) if draw.random() < 0.86 else draw.randint(21, 35))
    number = 0
    while day <= until:
        age = (day - diary.pop.birth_day[child]) / YEAR
        code = "PN0" if age < 4 else draw.choice(("PN1", "PN2", "PN3", "PN5", "PN7"))
        diary.add("looked_after_reviews", diary.new_id("LAR"), child, day, code)
        limit = 3 if number == 0 else 6
        late = draw.random() < 0.13
        due = months_after(day, limit)
        day = work.add(due + draw.randint(3, 40), 0) if late else work.back(due - draw.randint(0, 16), 1)
        number += 1


def _visits(diary: Diary, child: int, start: int, until: int) -> None:
    draw, work = diary.draw, diary.work
    day = work.add(start, draw.randint(1, 5) if draw.random() < 0.9 else draw.randint(6, 15))
    while day <= until:
        visit(diary, child, day, "looked_after")
        day = work.add(day + (draw.randint(24, 41) if draw.random() < 0.87 else draw.randint(43, 75)), 0)


@dataclass(frozen=True)
class _Due:
    """One assessment that falls due."""

    child: int
    kind: str
    start: int
    anchor: int
    due: int
    until: int

    @property
    def code(self) -> str:
        """Return the code of the child health system."""
        return "IHA" if self.kind == "initial" else "RHA"


def _assessments(diary: Diary, child: int, start: int, until: int, *, left: bool) -> None:
    """Write initial and review health assessments as drawn: in time, late, refused, not brought, missing."""
    draw, work, birth = diary.draw, diary.work, int(diary.pop.birth_day[child])
    kind, anchor, due = "initial", start, work.add(start, 20)
    while anchor <= until and due <= until + 200:
        outcome = _draw_outcome(diary, kind)
        done = 0
        if outcome == "in_time":
            done = (
                work.add(start, draw.randint(6, 20)) if kind == "initial" else work.back(due - draw.randint(0, 28), 0)
            )
            done = done if done <= due else work.back(due, 1)
        elif outcome in {"late", "not_brought"}:
            done = work.add(due, draw.randint(1, 45))
        done_at = _assess_once(diary, _Due(child, kind, start, anchor, due, until), outcome, done)
        anchor = done_at or due
        kind = "review"
        following = months_after(anchor, 6 if anchor - birth < 5 * YEAR else 12)
        if following <= due or (left and following > until):
            break
        due = following


def _draw_outcome(diary: Diary, kind: str) -> str:
    """Draw how an assessment goes; the first ones are fixed, so that a small region has every outcome."""
    number = diary.counters[f"{kind} assessments"] = diary.counters[f"{kind} assessments"] + 1
    if number <= len(FIRST_OUTCOMES):
        return FIRST_OUTCOMES[number - 1]
    return _choose(diary, INITIAL_OUTCOMES if kind == "initial" else REVIEW_OUTCOMES)


def _assess_once(diary: Diary, item: _Due, outcome: str, done: int) -> int:
    """Write one assessment into the systems that recorded it; return the day done, 0 if none."""
    draw, work = diary.draw, diary.work
    if item.kind == "initial":
        requested = work.add(item.start, draw.randint(0, 9))
    else:
        requested = work.back(item.due, draw.randint(20, 45))
    offered = work.add(requested, draw.randint(3, 12))
    role = draw.choices(("doctor", "nurse"), (75, 25) if item.kind == "initial" else (25, 75))[0]
    staff = (role, "Cardiff and Vale UHB" if draw.random() < 0.93 else "other health board")
    if outcome == "missing":
        if item.due <= item.until:
            _remember(diary, item, None, "missing", "nobody", None, None, None)
    elif outcome == "refused":
        _refuse(diary, item, requested, offered, staff)
    else:
        if outcome == "not_brought":
            _miss(diary, item, requested, work.back(min(item.due, done), draw.randint(2, 8)), staff)
        if done <= item.until:
            _complete(diary, item, outcome, requested, offered, done, staff)
            return done
        _await(diary, item, requested, offered, staff)
    return 0


def _remember(
    diary: Diary,
    item: _Due,
    done: int | None,
    outcome: str,
    by: str,
    in_care: int | None,
    in_health: int | None,
    role: str | None,
) -> None:
    diary.add("true_assessments", item.child, item.kind, item.anchor, done, outcome, by, in_care, in_health, role)


def _enter(
    diary: Diary,
    item: _Due,
    requested: int,
    offered: int | None,
    done: int | None,
    status: str,
    staff: tuple[str, str],
    entered: int,
) -> None:
    """Write a row of the council's table of assessments."""
    diary.add(
        "health_assessments",
        diary.new_id("HAS"),
        item.child,
        item.kind,
        requested,
        offered,
        done,
        status,
        *staff,
        min(entered, diary.pop.as_of),
    )


def _refuse(diary: Diary, item: _Due, requested: int, offered: int, staff: tuple[str, str]) -> None:
    draw, work = diary.draw, diary.work
    day = work.back(item.due, draw.randint(1, 6))
    if day > item.until:
        return
    by = draw.choices(("both", "social_care", "health"), (70, 18, 12))[0]
    requested, offered = _in_order(requested, offered, day)
    if by != "health":
        _enter(diary, item, requested, offered, None, "refused", staff, work.add(day, draw.randint(0, 5)))
    if by != "social_care":
        diary.add("health_contacts", item.child, item.code, "declined", day)
    in_care, in_health = (day if by != "health" else None), (day if by != "social_care" else None)
    _remember(diary, item, None, "refused", by, in_care, in_health, staff[0])


def _miss(diary: Diary, item: _Due, requested: int, missed: int, staff: tuple[str, str]) -> None:
    """Write an appointment to which the child was not brought."""
    draw = diary.draw
    if item.start < missed <= item.until:
        diary.add("health_contacts", item.child, item.code, "missed", missed)
        if draw.random() < 0.7:
            entered = diary.work.add(missed, draw.randint(0, 6))
            _enter(diary, item, min(requested, missed - 3), missed, None, "not_brought", staff, entered)


def _await(diary: Diary, item: _Due, requested: int, offered: int, staff: tuple[str, str]) -> None:
    """Write an assessment that lies ahead; most are booked."""
    today = diary.pop.as_of
    if requested <= today and item.until == today:
        if diary.draw.random() < 0.8:
            _enter(diary, item, requested, offered if offered <= today else None, None, "booked", staff, requested + 1)
        _remember(diary, item, None, "pending", "nobody", None, None, None)


def _complete(
    diary: Diary, item: _Due, outcome: str, requested: int, offered: int, done: int, staff: tuple[str, str]
) -> None:
    """Write a completed assessment into one system, the other, or both; the dates do not always agree."""
    draw, work = diary.draw, diary.work
    by = _choose(diary, RECORDED_BY)
    care_day = done if by != "both_other_date" else work.add(done, draw.choice((1, 2, 3, 5, 8, 10)))
    if care_day > diary.pop.as_of:
        by, care_day = "both", done
    requested, offered = _in_order(requested, offered, done)
    if by != "health":
        _enter(diary, item, requested, offered, care_day, "completed", staff, work.add(care_day, draw.randint(0, 12)))
    if by != "social_care":
        diary.add("health_contacts", item.child, item.code, "done", done)
    in_care, in_health = (care_day if by != "health" else None), (done if by != "social_care" else None)
    _remember(diary, item, done, outcome, by.replace("_other_date", ""), in_care, in_health, staff[0])


def _in_order(requested: int, offered: int, done: int) -> tuple[int, int]:
    """Return days of request and offer that do not lie after the day itself."""
    return min(requested, done - 2), max(min(offered, done), min(requested, done - 2))


def _dental(diary: Diary, child: int, start: int, until: int) -> None:
    draw, work, birth = diary.draw, diary.work, int(diary.pop.birth_day[child])
    day = work.add(start, draw.randint(10, 60) if draw.random() < 0.75 else draw.randint(62, 200))
    while day <= until:
        if day - birth > 1.2 * YEAR and draw.random() < 0.85:
            by = draw.choices(("both", "social_care", "health"), (55, 30, 15))[0]
            if by != "health":
                diary.add(
                    "health_assessments",
                    diary.new_id("HAS"),
                    child,
                    "dental",
                    None,
                    None,
                    day,
                    "completed",
                    "dentist",
                    "dental practice",
                    min(diary.pop.as_of, work.add(day, draw.randint(0, 10))),
                )
            if by != "social_care":
                diary.add("health_contacts", child, "DENTAL", "done", day)
        day = work.add(day + draw.randint(150, 420), 0)


def _immunisations(diary: Diary, child: int, start: int, until: int) -> None:
    day = start + diary.draw.randint(15, 60)
    while day <= until:
        diary.add("immunisations", child, day, diary.draw.random() < 0.84)
        day += 365


def _missing(diary: Diary, child: int, start: int, until: int) -> None:
    draw, birth = diary.draw, int(diary.pop.birth_day[child])
    if draw.random() > 0.2:
        return
    for _ in range(draw.randint(1, 6)):
        day = until - draw.randint(0, 700)
        if day < start or day - birth < 11 * YEAR:
            continue
        write_missing(diary, child, day)


def write_missing(diary: Diary, child: int, day: int) -> None:
    """Write one missing episode and the interview after the return."""
    draw, today = diary.draw, diary.pop.as_of
    back = day + draw.choice((0, 0, 1, 1, 1, 2, 3, 6))
    ended = back if back <= today else None
    offered = ended is not None and draw.random() < 0.88
    accepted = offered and draw.random() < 0.62
    interview = back + draw.randint(0, 6) if accepted else None
    if interview is not None and interview > today:
        interview = None
    diary.add(
        "missing_episodes",
        diary.new_id("MIS"),
        child,
        day,
        ended,
        draw.choice(("missing", "missing", "absent")),
        offered if ended else None,
        accepted if ended else None,
        interview,
    )
