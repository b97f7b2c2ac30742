"""Days counted one by one, so that a fault of the SQL calendar is not repeated here.

Put here: calendar arithmetic for tests of marts. Keep out: rules and the truth.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from functools import cache

import holidays


@cache
def _closed() -> set[date]:
    return set(holidays.country_holidays("GB", subdiv="WLS", years=range(2000, 2041)))


def is_working_day(day: date) -> bool:
    return day.weekday() < 5 and day not in _closed()


def working_days_on(start: date, count: int) -> date:
    """The count-th working day after a day."""
    day = start
    while count:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day


def working_days_between(start: date, end: date | None) -> int | None:
    """How many working days come after the first day, up to the last."""
    if end is None:
        return None
    return sum(is_working_day(start + timedelta(days=n)) for n in range(1, (end - start).days + 1))


def months_on(start: date, months: int) -> date:
    """The same day of the month some months on, clipped to the month's end."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))
