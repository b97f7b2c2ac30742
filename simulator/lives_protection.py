"""Lives that social care knows: contact, referral, enquiry, conference, register, early help.

Put here: drawing of protection and support histories, family by family. Keep out: being looked after (`lives_care`)
and what other agencies see (`lives_wider`). Shares are documented in docs/simulator.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.diary import Diary
from simulator.population import YEAR

SOURCES = ("police", "school", "health", "family", "housing", "anonymous", "other_council")
SOURCE_WEIGHT = (34, 26, 18, 8, 5, 5, 4)
NEEDS = ("N1", "N2", "N3", "N4", "N5", "N6", "N8")
CATEGORIES = ("NEG", "EMO", "PHY", "SAB", "MUL")
CATEGORY_WEIGHT = (42, 36, 12, 5, 5)
# Months on the register of those registered now: (from, to, weight); the headline bands are all filled.
TENURE = ((0, 3, 27), (3, 9, 36), (9, 12, 14), (12, 15, 9), (15, 18, 6), (18, 24, 5), (24, 34, 3))
FIRST_TENURES = (1, 0, 3, 1, 6, 0, 4, 1, 2, 5)  # so that a small region has them all
FIRST_REVIEW_LATE, NEXT_REVIEW_LATE, REVIEW_FORGOTTEN = 0.15, 0.20, 0.30


@dataclass(frozen=True)
class Opening:
    """The way into a case: dates and ids that later events hang on."""

    referral_ids: dict[int, str]
    referral_day: int


def open_referral(diary: Diary, kids: list[int], day: int, decision: str, closed: int | None) -> Opening:
    """Write contact and referral of a group of children of one family."""
    draw, work, today = diary.draw, diary.work, diary.pop.as_of
    source = draw.choices(SOURCES, SOURCE_WEIGHT)[0]
    route = draw.choices(("mash", "early_help", "advice", "other"), (78, 6, 8, 8))[0]
    need = draw.choice(NEEDS)
    contact = day - draw.choice((0, 0, 0, 0, 1, 1, 2))
    slow = draw.random()
    decided = work.add(contact, 0 if slow < 0.4 else 1 if slow < 0.86 else draw.randint(2, 9))
    decided = max(decided, day)
    ids = {}
    for child in kids:
        diary.open_case(child, contact)
        diary.add("contacts", diary.new_id("CON"), child, contact, source, route, "referral", decided)
        ids[child] = diary.new_id("REF")
        shut = closed if closed is not None and closed <= today else None
        diary.add(
            "referrals",
            ids[child],
            child,
            day,
            source,
            decided,
            decision,
            decision == "nfa",
            need,
            shut,
            None if shut is None else draw.choice(("RC1", "RC4", "RC7", "RC8")),
        )
    return Opening(ids, day)


def assess(diary: Diary, opening: Opening, *, referral_visits: bool = True) -> int:
    """Write the assessment (mostly within 42 working days) and the first visit; return the day of completion."""
    draw, work, today = diary.draw, diary.work, diary.pop.as_of
    started = work.add(opening.referral_day, draw.randint(0, 4))
    roll = draw.random()
    length = draw.randint(12, 40) if roll < 0.82 else draw.randint(43, 75)
    done = work.add(opening.referral_day, length)
    first = work.add(opening.referral_day, draw.choice((0, 1, 1, 2, 3, 4, 6, 8, 12, 15)))
    for child, referral in opening.referral_ids.items():
        if started > today:
            continue
        factors = ",".join(sorted(draw.sample(("1A", "2B", "3A", "3B", "4B", "5A", "6A", "15A", "16A", "18B"), 2)))
        diary.add(
            "assessments", diary.new_id("ASM"), child, referral, started, done if done <= today else None, factors
        )
        if referral_visits and first <= today and draw.random() < 0.93:
            visit(diary, child, first, "referral")
    return done


def visit(diary: Diary, child: int, day: int, kind: str) -> None:
    """Write one visit: seen, alone (rarely below four), at home."""
    draw = diary.draw
    if (day - diary.pop.birth_day[child]) < 0:
        bedroom = draw.random() < 0.3
        at_home = True
        diary.add("visits", diary.new_id("VIS"), child, day, kind, None, None, at_home, bedroom)
        return
    seen = draw.random() < 0.94
    old = (day - diary.pop.birth_day[child]) / YEAR > 4
    home = draw.random() < 0.78
    diary.add(
        "visits",
        diary.new_id("VIS"),
        child,
        day,
        kind,
        seen,
        seen and draw.random() < (0.72 if old else 0.35),
        home,
        home and draw.random() < 0.4,
    )


def enquire(diary: Diary, opening: Opening, strategy: int, done: int, outcome: str) -> dict[int, str]:
    """Write the section 47 enquiries after the last strategy discussion."""
    today = diary.pop.as_of
    ids = {}
    for child, referral in opening.referral_ids.items():
        ids[child] = diary.new_id("S47")
        finished = done if done <= today else None
        diary.add(
            "s47_enquiries",
            ids[child],
            child,
            referral,
            strategy,
            strategy,
            finished,
            outcome if finished else None,
            (outcome != "conference") if finished else None,
        )
    return ids


def register(diary: Diary, kids: list[int], registered: int, until: int | None, earlier: int) -> None:
    """Write one registration of a sibling group, from the report to the last core group.

    Args:
        diary: the diary.
        kids: children of one family; all are in the same conferences.
        registered: day of the initial conference and of registration (a working day).
        until: day of leaving the register, if it has come.
        earlier: number of earlier registrations.
    """
    draw, work, pop = diary.draw, diary.work, diary.pop
    wait = draw.randint(7, 15) if draw.random() < 0.74 else draw.randint(16, 34)
    strategy = work.back(registered, wait)
    opening = open_referral(diary, kids, work.back(strategy, draw.randint(0, 4)), "strategy_discussion", until)
    assess(diary, opening)
    enquiries = enquire(diary, opening, strategy, work.back(registered, draw.randint(1, 4)), "conference")
    meeting, category = diary.new_id("MTG"), draw.choices(CATEGORIES, CATEGORY_WEIGHT)[0]
    later = category if draw.random() < 0.9 else draw.choices(CATEGORIES, CATEGORY_WEIGHT)[0]
    end = pop.as_of if until is None else until
    reason = None
    if until is not None:
        reason = draw.choices(("conference_decision", "looked_after", "moved", "left_uk"), (86, 9, 4, 1))[0]
    registrations = {}
    for child in kids:
        born = pop.birth_day[child] <= registered
        conference = diary.new_id("ICC")
        diary.add(
            "initial_conferences",
            conference,
            child,
            enquiries[child],
            registered,
            ("transfer_in" if draw.random() < 0.03 else "initial") if born else "pre_birth",
            "registered",
            meeting,
        )
        registrations[child] = diary.new_id("REG")
        diary.add(
            "registrations",
            registrations[child],
            child,
            registered,
            until,
            later,
            category,
            conference,
            earlier,
            reason,
        )
    drawn = _reviews(diary, registrations, registered, end, left=until is not None)
    for child in kids:
        diary.add("true_register", child, registered, until, drawn)
    _core_groups(diary, registrations, registered, end)
    for child in kids:
        _register_visits(diary, child, registered, end)


def _reviews(diary: Diary, registrations: dict[int, str], registered: int, end: int, *, left: bool) -> str:
    """Write review conferences, on time and late; return how the last one was drawn."""
    draw, work = diary.draw, diary.work
    previous, number, drawn = registered, 0, "none_due"
    while True:
        limit = 90 if number == 0 else 181
        share = FIRST_REVIEW_LATE if number == 0 else NEXT_REVIEW_LATE
        late = draw.random() < share
        gap = draw.randint(limit + 4, limit + 50) if late else draw.randint(int(limit * 0.72), limit - 3)
        day = work.back(previous + gap, 0) if late else work.back(previous + gap + 1, 1)
        if left and day > end - 40:
            day = end  # the conference that ends the registration
            if day - previous < 20:
                break
        if day > end:
            drawn = "overdue" if end - previous > limit + 3 else drawn
            break
        if not left and end - day < 60 and draw.random() < REVIEW_FORGOTTEN:
            drawn = "forgotten"
            break
        meeting = diary.new_id("MTG")
        for child, registration in registrations.items():
            outcome = "deregister" if left and day == end else "continue"
            diary.add("review_conferences", diary.new_id("RVC"), registration, child, day, outcome, meeting)
        drawn = "late" if late else "on_time"
        previous, number = day, number + 1
        if day == end:
            break
    return drawn


def _core_groups(diary: Diary, registrations: dict[int, str], registered: int, end: int) -> None:
    draw, work = diary.draw, diary.work
    day = work.add(registered, draw.randint(5, 10) if draw.random() < 0.82 else draw.randint(11, 19))
    while day <= end:
        for child, registration in registrations.items():
            diary.add("core_groups", diary.new_id("CGR"), registration, child, day)
        day = work.add(day + (draw.randint(25, 41) if draw.random() < 0.85 else draw.randint(44, 75)), 0)


def _register_visits(diary: Diary, child: int, registered: int, end: int) -> None:
    draw, work = diary.draw, diary.work
    day = work.add(registered, draw.randint(1, 8))
    while day <= end:
        visit(diary, child, day, "register")
        day = work.add(day, draw.randint(5, 10) if draw.random() < 0.86 else draw.randint(11, 24))


def registered_now(diary: Diary, kids: list[int]) -> int:
    """Write a family on the register today, some of them again; return how many children."""
    draw, work, pop = diary.draw, diary.work, diary.pop
    ago = diary.draw_band("register", TENURE, FIRST_TENURES, 30.44, kids)
    day = work.add(pop.as_of - 1 - ago, 0)
    day = day if day <= pop.as_of else work.back(pop.as_of, 1)
    group = [child for child in kids if pop.birth_day[child] <= day or pop.birth_day[child] - day < 180]
    group = [child for child in group if draw.random() < 0.93] or group[:1]
    if not group:
        day, group = work.back(pop.as_of, draw.randint(1, 30)), kids[:1]
    before = others = 0
    if draw.random() < 0.17:
        ended = day - draw.randint(60, 900)
        started = work.add(ended - draw.randint(95, 500), 0)
        elder = [child for child in group if pop.birth_day[child] < started]
        if elder:
            register(diary, elder, started, work.add(ended, 0), 0)
            before = 1
            younger = [child for child in group if child not in elder]
            if younger:
                register(diary, younger, day, None, 0)
            group = elder
            others = len(younger)
    register(diary, group, day, None, before)
    return len(group) + others


def registered_once(diary: Diary, kids: list[int]) -> None:
    """Write a family that has left the register in the last three years."""
    draw, work, pop = diary.draw, diary.work, diary.pop
    ended = work.back(pop.as_of - draw.randint(5, 1000), 0)
    started = work.add(ended - draw.randint(95, 620), 0)
    group = [child for child in kids if pop.birth_day[child] < started]
    if group and ended > started + 90:
        register(diary, group, started, ended, 0)
    else:
        supported(diary, kids)


def supported(diary: Diary, kids: list[int]) -> None:
    """Write a family with a referral and an assessment, some with an enquiry that ended without a conference."""
    draw, work, pop = diary.draw, diary.work, diary.pop
    day = work.back(pop.as_of - draw.randint(1, 720), 0)
    group = [child for child in kids if pop.birth_day[child] < day + 150] or kids[:1]
    closed = work.add(day + draw.randint(30, 300), 0) if draw.random() < 0.7 else None
    kind = draw.choices(("assessment", "strategy_discussion", "nfa"), (66, 16, 18))[0]
    opening = open_referral(diary, group, day, kind, day + 7 if kind == "nfa" else closed)
    if kind == "nfa":
        return
    assess(diary, opening)
    if kind == "strategy_discussion":
        strategy = work.add(day, draw.randint(0, 2))
        if strategy <= pop.as_of:
            enquire(diary, opening, strategy, work.add(strategy, draw.randint(5, 30)), "care_and_support")
    end = min(closed or pop.as_of, pop.as_of)
    seen = work.add(day, 20)
    while seen <= end:
        for child in group:
            visit(diary, child, seen, "other")
        seen = work.add(seen, draw.randint(15, 35))
    if closed and closed < pop.as_of - 40 and draw.random() < 0.18:  # referred again
        again = work.add(closed + draw.randint(10, 400), 0)
        if again <= pop.as_of:
            assess(diary, open_referral(diary, group, again, "assessment", None))


def early_help(diary: Diary, kids: list[int]) -> None:
    """Write a family that asked for early help, or only made contact."""
    draw, work, pop = diary.draw, diary.work, diary.pop
    day = work.back(pop.as_of - draw.randint(1, 540), 0)
    group = [child for child in kids if pop.birth_day[child] < day] or kids[:1]
    asked = draw.random() < 0.7
    contact_source = draw.choices(SOURCES, SOURCE_WEIGHT)[0]
    for child in group:
        diary.open_case(child, day)
        outcome = "early_help" if asked else draw.choice(("advice", "nfa"))
        diary.add(
            "contacts",
            diary.new_id("CON"),
            child,
            day,
            contact_source,
            "early_help" if asked else "mash",
            outcome,
            work.add(day, draw.randint(0, 2)),
        )
    if not asked:
        return
    allocated = work.add(day, draw.randint(3, 60))
    started = work.add(allocated, draw.randint(1, 25))
    closed = started + draw.randint(40, 260)
    without = draw.random() < 0.12
    for child in group:
        diary.add(
            "early_help",
            diary.new_id("EHP"),
            child,
            day,
            _past(allocated, pop.as_of),
            None if without else _past(started, pop.as_of),
            _past(closed, pop.as_of),
            draw.choice(("north", "south", "vale")),
            ("left_without_service" if without else draw.choice(("goals_met", "step_up", "disengaged"))),
        )


def _past(day: int, today: int) -> int | None:
    return day if day <= today else None
