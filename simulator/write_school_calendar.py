"""Writes school calendars as CSV: terms, half terms, INSET days and closures of schools and of one council.

Put here: which days schools are open to pupils. Keep out: rules of clocks, which the marts have.
"""

from __future__ import annotations

from datetime import date, timedelta

import holidays
import polars as pl

from simulator.clock import to_date
from simulator.deliveries import Inbox, Weeks
from simulator.diary import Diary
from simulator.population import Population
from simulator.truth import Truth

AGENCY, FEED, SUPPLIER, DATASET = "education", "school_calendar", "councils", "school_calendar"
COLUMNS = ("authority_code", "establishment_number", "period_kind", "first_date", "last_date")
WITH_COUNCIL_CALENDAR = 681  # the other council gives none, so its schools without terms have no calendar
Period = tuple[str, date, date]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def school_year(year: int) -> list[Period]:
    """Return terms and half terms of the school year that starts in a September, as Welsh councils set them."""
    fridays = holidays.country_holidays("GB", subdiv="WLS", years=year + 1)
    easter = next(day for day, name in sorted(fridays.items()) if "Good Friday" in name)
    winter = date(year, 12, 20) - timedelta(days=(date(year, 12, 20).weekday() - 4) % 7)
    spring, spring_end = _monday(date(year + 1, 1, 10)), easter - timedelta(days=7)
    middle = spring + timedelta(days=7 * (((spring_end - spring).days // 7 + 1) // 2))
    october, may = _monday(date(year, 10, 31)), _monday(date(year + 1, 5, 31))
    week = timedelta(days=4)
    return [
        ("term", date(year, 9, 1), winter),
        ("half_term", october, october + week),
        ("term", spring, spring_end),
        ("half_term", middle, middle + week),
        ("term", spring_end + timedelta(days=17), date(year + 1, 7, 20)),
        ("half_term", may, may + week),
    ]


def _training(year: int, school: int) -> list[Period]:
    """Return the INSET days and, for some schools, two days of snow."""
    halves = [first for kind, first, _ in school_year(year) if kind == "half_term"]
    spring = school_year(year)[2][1]
    start = max(date(year, 9, 1), _monday(date(year, 9, 3)))
    days = [start, spring, halves[1] + timedelta(days=7), halves[2] + timedelta(days=7)]
    if school % 2:
        days.append(halves[0] + timedelta(days=7))
    snow = [("closure", spring + timedelta(days=10), spring + timedelta(days=11))] if school % 3 == 1 else []
    return [("inset", day, day) for day in days] + snow


def periods(pop: Population) -> list[tuple[int, int | None, str, date, date]]:
    """Return every row of every calendar: (authority, school or none, kind, first day, last day)."""
    now = to_date(pop.as_of)
    years = range(now.year - 2, now.year + 1)
    rows: list[tuple[int, int | None, str, date, date]] = []
    for year in years:
        rows += [(WITH_COUNCIL_CALENDAR, None, *period) for period in school_year(year)]
        for number, (authority, estab) in enumerate(zip(pop.schools["authority"], pop.schools["estab"], strict=True)):
            has_own_terms = authority != WITH_COUNCIL_CALENDAR or number % 2 == 0
            if authority != WITH_COUNCIL_CALENDAR and estab < 4000 and estab % 4 == 1:
                continue  # sends nothing, and its council has no calendar either
            own = school_year(year) if has_own_terms else []
            rows += [(int(authority), int(estab), *period) for period in own + _training(year, number)]
    return [row for row in rows if row[2] != "closure" or row[3] <= now]


def open_days(pop: Population) -> dict[str, set[date]]:
    """Return the days on which each school (authority and number in one) or council has pupils in."""
    found: dict[str, dict[str, set[date]]] = {}
    for authority, estab, kind, first, last in periods(pop):
        days = found.setdefault(f"{authority}{estab or ''}", {"in": set(), "out": set()})
        span = {first + timedelta(days=n) for n in range((last - first).days + 1)}
        days["in" if kind == "term" else "out"] |= span
    shut = set(holidays.country_holidays("GB", subdiv="WLS", years=range(2000, 2041)))
    council = found[str(WITH_COUNCIL_CALENDAR)]
    result = {}
    for school, days in found.items():
        terms, closed = days["in"], days["out"]
        if not terms:
            terms, closed = council["in"], closed | council["out"]
        result[school] = {day for day in terms - closed - shut if day.weekday() < 5}
    return result


def write(diary: Diary, inbox: Inbox, weeks: Weeks, truth: Truth, seed: int) -> None:
    """Write two full calendars of both councils; the first looks half a year ahead only."""
    del seed
    frame = pl.DataFrame(periods(diary.pop), schema=list(COLUMNS), orient="row", infer_schema_length=None)
    first, last = weeks.cuts[0], weeks.cuts[-1]
    for cut, rows in ((first, frame.filter(pl.col("first_date") <= to_date(first + 183))), (last, frame)):
        inbox.deliver(AGENCY, FEED, SUPPLIER, DATASET, cut, "full", rows.write_csv().encode(), suffix=".csv")
    open_on = [(school, day) for school, days in sorted(open_days(diary.pop).items()) for day in sorted(days)]
    truth.tables["school_days"] = pl.DataFrame(open_on, schema=["school_id", "school_date"], orient="row")
