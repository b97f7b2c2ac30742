"""Days and working days of the simulated region.

Put here: calendar arithmetic on day numbers (days since 1970-01-01) and the seeded random streams. Keep out: rules
of care; the simulator draws lives, it does not compute statutory clocks (so a fault in the marts is not repeated here).
"""

from __future__ import annotations

import bisect
import random
import zlib
from datetime import date, timedelta

import holidays
import numpy as np

EPOCH = date(1970, 1, 1)


def to_day(value: date) -> int:
    """Return the day number of a date."""
    return (value - EPOCH).days


def to_date(day: int) -> date:
    """Return the date of a day number."""
    return EPOCH + timedelta(days=int(day))


def stream(seed: int, name: str) -> np.random.Generator:
    """Return an independent generator for a named part, so that a change in one part does not move another."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def scalar_stream(seed: int, name: str) -> random.Random:
    """Return a fast generator for row-by-row drawing."""
    return random.Random((seed << 32) ^ zlib.crc32(name.encode()))


class WorkingDays:
    """Working days of England and Wales: not a weekend, not a bank holiday."""

    def __init__(self, first: date, last: date) -> None:
        """Prepare the days between two dates."""
        closed = holidays.country_holidays("GB", subdiv="WLS", years=range(first.year, last.year + 1))
        shut = {to_day(day) for day in closed}
        self._days = [day for day in range(to_day(first), to_day(last) + 1) if (day + 3) % 7 < 5 and day not in shut]

    def add(self, day: int, count: int) -> int:
        """Return the count-th working day after a day (count 0: the day itself or the next working day)."""
        if count == 0:
            return self._days[bisect.bisect_left(self._days, day)]
        return self._days[bisect.bisect_right(self._days, day) + count - 1]

    def back(self, day: int, count: int) -> int:
        """Return the count-th working day before a day."""
        return self._days[bisect.bisect_left(self._days, day) - count]


def months_after(day: int, months: int) -> int:
    """Return the same day of the month some months on, clipped to the month's end."""
    start = to_date(day)
    index = start.year * 12 + start.month - 1 + months
    year, month = divmod(index, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    last = (following - timedelta(days=1)).day
    return to_day(date(year, month + 1, min(start.day, last)))
