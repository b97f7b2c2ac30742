"""Bank holidays of England and Wales, from which the dbt seed `bank_holidays.csv` is made.

Belongs here: which dates are bank holidays, and the text of the seed file. Does not belong here: working days (the dbt
model `int_working_calendar` derives them), school terms (each school has its own calendar) and any clock.

The seed is committed, so a build never depends on the version of the `holidays` package; a test says when they differ.
To lengthen it, write `seed_text(2000, <new last year>)` to `dbt_project/seeds/bank_holidays.csv`.
"""

import csv
import io
from datetime import date
from typing import NamedTuple

import holidays

# England and Wales are one division for bank holidays; the package files them under two subdivisions.
_DIVISION = "WLS"
_FIRST_WEEKEND_DAY = 5


class BankHoliday(NamedTuple):
    """One bank holiday that falls on a weekday, by the day it is taken."""

    holiday_date: date
    holiday_name: str


def bank_holidays(first_year: int, last_year: int) -> list[BankHoliday]:
    """List the bank holidays of England and Wales from 1 January of `first_year` to 31 December of `last_year`.

    A holiday that falls on a Saturday or Sunday is listed on its substitute weekday only, as the published list does.

    Args:
        first_year: First calendar year, included.
        last_year: Last calendar year, included.

    Returns:
        The holidays in date order; one-off holidays (weddings, jubilees, a funeral, a coronation) included.

    Raises:
        ValueError: If the last year is before the first.
    """
    if last_year < first_year:
        message = f"last_year {last_year} is before first_year {first_year}"
        raise ValueError(message)
    known = holidays.country_holidays("GB", subdiv=_DIVISION, years=range(first_year, last_year + 1))
    return [
        BankHoliday(day, name)
        for day, name in sorted(known.items())
        if day.weekday() < _FIRST_WEEKEND_DAY and first_year <= day.year <= last_year
    ]


def seed_text(first_year: int, last_year: int) -> str:
    """Write the bank holidays of the years as the text of the dbt seed, header included."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(BankHoliday._fields)
    writer.writerows((day.isoformat(), name) for day, name in bank_holidays(first_year, last_year))
    return out.getvalue()
