"""School calendars: a school or its council, ranges of days, and files that must not land as they are."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from connectors.contract import LINEAGE
from connectors.delivery import Delivery, Places, Terms
from connectors.education.school_calendar import FEED, PERIODS
from connectors.landing import land

HEADER = "la_code,estab,kind,start,end\n"
GOOD = "681,4040,term,2026-09-01,2026-12-18\n"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "landing", tmp_path / "quarantine")


def put(tmp_path: Path, places: Places, data: str) -> Delivery:
    path = tmp_path / "councils_school_calendar_2026-09-01_full.csv"
    path.write_text(data, encoding="utf-8")
    return land(FEED, [path], places, Terms(system="Council calendars"))


def read(places: Places, delivery: Delivery) -> pl.DataFrame:
    return pl.read_parquet(places.delivery(FEED, delivery.delivery_id) / "periods.parquet")


def test_a_school_is_its_authority_and_number_and_a_council_its_authority(tmp_path: Path, places: Places):
    rows = read(places, put(tmp_path, places, HEADER + GOOD + "681,,holiday,2026-12-21,2027-01-01\n"))
    assert rows["school_id"].to_list() == ["6814040", "681"]
    assert [name for name in rows.columns if name not in LINEAGE] == [column.name for column in PERIODS.columns]


def test_a_single_day_needs_no_end_and_a_kind_may_be_words(tmp_path: Path, places: Places):
    row = read(places, put(tmp_path, places, HEADER + "681,4040,INSET,2026-09-01,\n681,4040,Half Term,2026-10-26,\n"))
    assert row["period_kind"].to_list() == ["inset", "half_term"]
    assert row["last_date"].to_list() == [None, None]


def test_days_to_come_are_no_fault(tmp_path: Path, places: Places):
    assert put(tmp_path, places, HEADER + GOOD).warnings_by_rule == {}


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("681,4040,party,2026-09-01,2026-12-18", "code-unknown"),
        ("681,4040,term,2026-13-01,2026-12-18", "date-impossible"),
        ("681,4040,term,2026-09-01,soon", "date-unreadable"),
        ("681,4040,term,,2026-12-18", "value-missing"),
        (",4040,term,2026-09-01,2026-12-18", "value-missing"),
        ("681,4040,term,2026-09-01,2026-12-19", "key-duplicate"),
    ],
)
def test_a_bad_row_goes_to_quarantine_alone(line: str, rule: str, tmp_path: Path, places: Places):
    delivery = put(tmp_path, places, HEADER + GOOD + line + "\n")
    assert (delivery.records_in, delivery.records_landed) == (2, 1)
    assert set(delivery.rejects_by_rule) == {rule}


def test_an_end_before_its_start_is_reported(tmp_path: Path, places: Places):
    delivery = put(tmp_path, places, HEADER + "681,4040,term,2026-09-01,2026-08-01\n")
    assert delivery.warnings_by_rule == {"date-order": 1}


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        ("", "file-empty"),
        ("la_code,kind,start,end\n681,term,2026-09-01,2026-12-18\n", "column-missing"),
        (HEADER + GOOD + '681,4040,"ter', "file-truncated"),
    ],
)
def test_a_file_that_breaks_its_shape_is_held(data: str, rule: str, tmp_path: Path, places: Places):
    delivery = put(tmp_path, places, data)
    assert (delivery.state, delivery.hold_rule) == ("held", rule)
