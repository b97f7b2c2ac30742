"""The log of Operation Encompass: notices by number, times of London, and files that must not land as they are."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from connectors.contract import LINEAGE
from connectors.delivery import Delivery, Places, Terms
from connectors.landing import land
from connectors.police.domestic_abuse import FEED, NOTICES

HEADER = (
    "noticeReference,incidentReference,policePersonId,incidentAt,schoolName,recipientKind,recipientSchoolId,sentAt,"
    "receivedAt,undeliverable,exemptReason\n"
)
GOOD = "E1,PPN1,N1,2026-03-01T23:10:00Z,Ysgol Glan,school,6814040,2026-03-02T07:00:00Z,2026-03-02T07:30:00Z,N,other\n"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "landing", tmp_path / "quarantine")


def put(tmp_path: Path, places: Places, data: str) -> Delivery:
    path = tmp_path / "niche_encompass_2026-03-31_delta.csv"
    path.write_text(data, encoding="utf-8")
    return land(FEED, [path], places, Terms(system="Niche"))


def read(places: Places, delivery: Delivery) -> pl.DataFrame:
    return pl.read_parquet(places.delivery(FEED, delivery.delivery_id) / "notices.parquet")


def test_a_whole_notice_lands_with_every_column(tmp_path: Path, places: Places):
    row = read(places, put(tmp_path, places, HEADER + GOOD)).row(0, named=True)
    content = {name: value for name, value in row.items() if name not in LINEAGE}
    assert list(content) == [column.name for column in NOTICES.columns]
    assert None not in content.values()


def test_a_time_without_a_zone_is_that_of_london(tmp_path: Path, places: Places):
    line = "E1,PPN1,N1,2026-07-01 08:00,,school,6814040,2026-07-01 08:50,,,\n"
    row = read(places, put(tmp_path, places, HEADER + line)).row(0, named=True)
    assert row["sent_at"] == datetime(2026, 7, 1, 7, 50, tzinfo=UTC)


def test_free_text_is_not_landed(tmp_path: Path, places: Places):
    delivery = put(tmp_path, places, HEADER.replace("\n", ",circumstances\n") + GOOD.replace("\n", ",what was seen\n"))
    assert "circumstances" not in read(places, delivery).columns
    assert delivery.warnings_by_rule["column-unknown"] == 1


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (",PPN1,N1,,,,,,,,", "value-missing"),
        ("E2,,N1,,,,,,,,", "value-missing"),
        ("E2,PPN1,,,,,,,,,", "value-missing"),
        ("E1,PPN2,N2,,,,,,,,", "key-duplicate"),
    ],
)
def test_a_bad_row_goes_to_quarantine_alone(line: str, rule: str, tmp_path: Path, places: Places):
    delivery = put(tmp_path, places, HEADER + GOOD + line + "\n")
    assert (delivery.records_in, delivery.records_landed) == (2, 1)
    assert delivery.rejects_by_rule == {rule: 1}


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("E1,PPN1,N1,2026-02-30T10:00:00Z,,,,,,,", "instant-unreadable-cleared"),
        ("E1,PPN1,N1,,,neighbour,,,,,", "code-unfamiliar"),
        ("E1,PPN1,N1,,,school,6814040,,,,shy", "code-unfamiliar"),
        ("E1,PPN1,N1,,,school,6814040,,,maybe,", "boolean-unreadable-cleared"),
        ("E1,PPN1,N1,2026-03-02T10:00:00Z,,school,6814040,2026-03-01T10:00:00Z,,,", "date-order"),
    ],
)
def test_a_doubtful_value_is_reported_and_its_notice_lands(line: str, rule: str, tmp_path: Path, places: Places):
    delivery = put(tmp_path, places, HEADER + line + "\n")
    assert delivery.records_landed == 1
    assert rule in delivery.warnings_by_rule


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        ("", "file-empty"),
        (HEADER.replace("policePersonId", "person") + GOOD, "column-missing"),
        (HEADER + GOOD + 'E2,PPN1,"N', "file-truncated"),
    ],
)
def test_a_file_that_breaks_its_shape_is_held(data: str, rule: str, tmp_path: Path, places: Places):
    delivery = put(tmp_path, places, data)
    assert (delivery.state, delivery.hold_rule) == ("held", rule)
