"""The supplier's error report: every fault in words, in CSV and XLSX, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from connectors.contract import Column, Contract, Table
from connectors.delivery import Places, Terms
from connectors.feed import Feed, ParseContext, Parsed, SourceFile
from connectors.landing import land
from connectors.report import DONE, SCHEMA, error_report, write_report
from connectors.rules import RULES
from connectors.tabular import parse_csv

CHILDREN = Table(
    "children",
    (
        Column("child_id", key=True, required=True),
        Column("born", "date", header="required"),
        Column("nhs_number", identifier="nhs_number"),
    ),
)


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:
    yield from parse_csv(file, CHILDREN)


FEED = Feed("social_care", "tests", "Tests", Contract((CHILDREN,)), parse)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "landing", tmp_path / "quarantine")


def send(tmp_path: Path, places: Places, name: str, text: str, hour: int = 6) -> str:
    path = tmp_path / "in" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    received = datetime(2026, 2, 1, hour, tzinfo=UTC)
    return land(FEED, [path], places, Terms(system="ACME", received_at=received)).delivery_id[:12]


def test_each_fault_has_its_place_its_words_and_what_was_done(tmp_path: Path, places: Places):
    faults = "child_id,born,nhs_number\nc1,soon,943 476 5919\n,2015-01-01,\nc3,31/12/2015,12\nc3,31/12/2015,12\n"
    delivery = send(tmp_path, places, "acme_2026-01-31_delta.csv", faults)
    report = error_report(FEED, places)
    assert report.schema == pl.Schema(SCHEMA)
    assert report["delivery"].unique().to_list() == [delivery]
    assert report["as_at_date"].unique().to_list() == [date(2026, 1, 31)]
    assert report["received"].unique().to_list() == ["2026-02-01T06:00:00+00:00"]
    assert report["file"].unique().to_list() == ["acme_2026-01-31_delta.csv"]
    done = {(rule, row): what for rule, row, what in report.select("rule", "row", "action").iter_rows()}
    assert done == {
        ("date-unreadable-cleared", 2): DONE["clear"],
        ("nhs-number-spaces", 2): DONE["repair"],
        ("value-missing", 3): DONE["reject"],
        ("date-day-first", 4): DONE["repair"],
        ("nhs-number-format", 4): DONE["warn"],
        ("date-day-first", 5): DONE["repair"],
        ("nhs-number-format", 5): DONE["warn"],
        ("row-duplicate", 4): DONE["duplicate"],
    }
    for row in report.iter_rows(named=True):
        assert row["meaning"] == RULES[row["rule"]].meaning
        assert row["remedy"] == RULES[row["rule"]].remedy


def test_values_are_masked(tmp_path: Path, places: Places):
    send(tmp_path, places, "a.csv", "child_id,born,nhs_number\nc1,Mawrth 2015,943 476 5919\n")
    assert set(error_report(FEED, places)["masked_value"]) == {"AAAAAA 9999", "999 999 9999"}


def test_held_files_come_with_the_reason_in_full(tmp_path: Path, places: Places):
    send(tmp_path, places, "broken.csv", "child_id\nc1\n")
    row = error_report(FEED, places).row(0, named=True)
    assert (row["file"], row["rule"], row["action"]) == ("broken.csv", "column-missing", DONE["held"])
    assert row["detail"] == "table children lacks born"


def test_a_held_file_of_a_landed_delivery_is_in_the_report(tmp_path: Path, places: Places):
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "good.csv").write_text("child_id,born\nc1,2015-01-01\n")
    (folder / "bad.csv").write_text("child_id\nc2\n")
    assert land(FEED, [folder], places, Terms()).state == "landed"
    assert error_report(FEED, places).select("file", "rule").rows() == [("bad.csv", "column-missing")]


def test_of_a_held_delivery_nothing_is_said_to_have_landed(tmp_path: Path, places: Places):
    rows = "".join(f"c{n},2015-01-01,\n" for n in range(10))
    send(tmp_path, places, "x_2026-01-01_full.csv", "child_id,born,nhs_number\n" + rows)
    send(tmp_path, places, "x_2026-01-08_full.csv", "child_id,born,nhs_number\nc1,soon,\n", hour=7)
    report = error_report(FEED, places)
    assert set(report["rule"]) == {"full-shrunk", "date-unreadable-cleared"}
    assert set(report["action"]) == {DONE["held"]}


def test_the_newest_delivery_comes_first(tmp_path: Path, places: Places):
    first = send(tmp_path, places, "a.csv", "child_id,born\n,2015-01-01\nc1,\n", hour=6)
    second = send(tmp_path, places, "b.csv", "child_id,born\n,2016-01-01\nc1,\n", hour=7)
    assert error_report(FEED, places)["delivery"].to_list() == [second, first]


def test_what_a_killed_landing_left_in_quarantine_is_not_reported(tmp_path: Path, places: Places):
    send(tmp_path, places, "a.csv", "child_id,born\n,2015-01-01\nc1,\n")
    for path in places.landing.rglob("delivery.json"):
        path.unlink()
    assert error_report(FEED, places).is_empty()


def test_a_feed_without_faults_has_an_empty_report_with_all_columns(tmp_path: Path, places: Places):
    report = error_report(FEED, places)
    assert report.schema == pl.Schema(SCHEMA)
    table, workbook = write_report(report, tmp_path / "out" / "report")
    assert table.read_text("utf-8-sig").strip().split(",") == list(SCHEMA)
    assert workbook.stat().st_size


def test_the_workbook_has_a_frozen_filtered_header_and_widths(tmp_path: Path, places: Places):
    send(tmp_path, places, "a.csv", "child_id,born\n,2015-01-01\nc1,\n")
    table, workbook = write_report(error_report(FEED, places), tmp_path / "report")
    assert (table.name, workbook.name) == ("report.csv", "report.xlsx")
    with zipfile.ZipFile(workbook) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        parts = "".join(archive.read(name).decode() for name in archive.namelist() if "table" in name)
    assert 'state="frozen"' in sheet
    assert "customWidth" in sheet
    assert "<autoFilter" in sheet + parts


@pytest.mark.parametrize("name", ["=cmd.csv", "+1.csv", "-1.csv", "@x.csv", " =x.csv"])
def test_a_name_that_a_spreadsheet_would_run_is_plain_text(name: str, tmp_path: Path, places: Places):
    send(tmp_path, places, name, "child_id,born\n,2015-01-01\nc1,\n")
    table, workbook = write_report(error_report(FEED, places), tmp_path / "report")
    with table.open(encoding="utf-8-sig", newline="") as stream:
        assert next(csv.DictReader(stream))["file"] == f"'{name}"
    with zipfile.ZipFile(workbook) as archive:
        assert "<f>" not in archive.read("xl/worksheets/sheet1.xml").decode()
        assert f"'{name}" in archive.read("xl/sharedStrings.xml").decode()
