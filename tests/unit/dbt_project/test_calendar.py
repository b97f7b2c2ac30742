"""The bank holidays, and the working days that dbt makes of them.

Put here: dates against published lists. Keep out: the clocks that count in them (test_clocks).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from orchestration.calendar import bank_holidays, seed_text

# As published for England and Wales (domain rules, section 10).
PUBLISHED = {
    2026: "2026-01-01 2026-04-03 2026-04-06 2026-05-04 2026-05-25 2026-08-31 2026-12-25 2026-12-28",
    2027: "2027-01-01 2027-03-26 2027-03-29 2027-05-03 2027-05-31 2027-08-30 2027-12-27 2027-12-28",
}


def _days(first_year: int, last_year: int) -> set[date]:
    return {holiday.holiday_date for holiday in bank_holidays(first_year, last_year)}


@pytest.mark.parametrize("year", PUBLISHED)
def test_a_years_bank_holidays_are_those_published(year: int):
    assert [holiday.holiday_date.isoformat() for holiday in bank_holidays(year, year)] == PUBLISHED[year].split()


@pytest.mark.parametrize(
    "day",
    ["2002-06-03", "2011-04-29", "2012-06-05", "2020-05-08", "2022-06-02", "2022-06-03", "2022-09-19", "2023-05-08"],
)
def test_a_one_off_holiday_is_known(day: str):
    assert date.fromisoformat(day) in _days(int(day[:4]), int(day[:4]))


@pytest.mark.parametrize("day", ["2020-05-04", "2022-05-30", "2012-05-28"])
def test_a_holiday_that_was_moved_is_a_working_day_on_its_old_date(day: str):
    assert date.fromisoformat(day) not in _days(int(day[:4]), int(day[:4]))


def test_a_holiday_at_a_weekend_is_listed_on_its_substitute_day_only():
    days = _days(2000, 2040)
    assert not [day for day in days if day.weekday() > 4]
    assert {date(2021, 12, 27), date(2021, 12, 28)} <= days
    assert {date(2022, 12, 26), date(2022, 12, 27)} <= days


def test_every_year_of_the_calendar_has_at_least_eight_holidays():
    assert all(len(bank_holidays(year, year)) >= 8 for year in range(2000, 2041))


def test_years_in_the_wrong_order_are_refused():
    with pytest.raises(ValueError, match="before first_year"):
        bank_holidays(2027, 2026)


def test_the_committed_seed_is_what_the_generator_writes(repository: Path):
    seed = repository / "dbt_project" / "seeds" / "bank_holidays.csv"
    assert seed.read_text(encoding="utf-8") == seed_text(2000, 2040)
