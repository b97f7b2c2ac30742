"""Workbooks: the same rows, findings and holds as the CSV of them, and what only a workbook can have wrong."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter

from connectors import workbook
from connectors.contract import Column, Contract, Table
from connectors.delivery import Delivery, Places, Terms
from connectors.feed import Feed
from connectors.landing import land
from connectors.workbook import parse_table

VISITS = Table(
    "visits",
    (
        Column("visit_id", key=True, required=True, sources=("Visit No",)),
        Column("seen_date", "date", required=True),
        Column("seen_at", "instant"),
        Column("is_alone", "boolean"),
        Column("minutes", "number"),
    ),
)
FEED = Feed(
    "social_care", "visits", "Visits", Contract((VISITS,)),
    lambda file, context: parse_table(file, VISITS, unused={"worker"}),
)  # fmt: skip
HEADER = ["Visit No", "seen_date", "seen_at", "is_alone", "minutes"]
DAY = date(2026, 3, 2)
Sheets = dict[str, list[list[Any]]]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "landing", tmp_path / "quarantine")


def write(path: Path, sheets: Sheets, *, hidden: tuple[str, ...] = (), **options: Any) -> Path:
    """A real workbook; days and times get the number format that people see as a date."""
    with xlsxwriter.Workbook(path, options) as book:
        day, instant = (book.add_format({"num_format": text}) for text in ("dd/mm/yyyy", "dd/mm/yyyy hh:mm"))
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            if name in hidden:
                sheet.hide()
            for number, row in enumerate(rows):
                for column, cell in enumerate(row):
                    if isinstance(cell, date):
                        sheet.write_datetime(number, column, cell, instant if isinstance(cell, datetime) else day)
                    else:
                        sheet.write(number, column, cell)
    return path


@pytest.fixture
def send(tmp_path: Path, places: Places) -> Callable[..., Delivery]:
    def _send(sheets: Sheets | list[list[Any]], name: str = "a_2026-03-31_full.xlsx", **options: Any) -> Delivery:
        given = sheets if isinstance(sheets, dict) else {"Sheet1": sheets}
        return land(FEED, [write(tmp_path / name, given, **options)], places, Terms())

    return _send


def read(places: Places, delivery: Delivery) -> pl.DataFrame:
    return pl.read_parquet(places.delivery(FEED, delivery.delivery_id) / "visits.parquet")


def test_a_workbook_lands_as_the_csv_of_it(tmp_path: Path, places: Places, send: Callable[..., Delivery]):
    rows = [[17, DAY, datetime.fromisoformat("2026-03-02T09:30"), True, 42.5], ["18", "2026-03-03", "", "no", "7"]]
    sheet = read(places, send([HEADER, *rows]))
    path = tmp_path / "b_2026-03-31_full.csv"
    path.write_text("Visit No,seen_date,seen_at,is_alone,minutes\n17,2026-03-02,2026-03-02T09:30:00,true,42.5\n"
                    "18,2026-03-03,,no,7\n")  # fmt: skip
    text = read(places, land(FEED, [path], places, Terms()))
    columns = [column.name for column in VISITS.columns] + ["row_number", "record_hash"]
    assert sheet.select(columns).equals(text.select(columns))
    assert sheet["visit_id"].to_list() == ["17", "18"]


def test_dates_may_be_real_dates_or_text_and_the_workbook_may_count_from_1904(
    places: Places, send: Callable[..., Delivery]
):
    rows = [HEADER, ["1", DAY], ["2", "02/03/2026"], ["3", datetime.fromisoformat("2026-03-02")]]
    delivery = send(rows, date_1904=True)
    assert read(places, delivery)["seen_date"].to_list() == [DAY] * 3
    assert delivery.repairs_by_rule == {"date-day-first": 1}


def test_rows_are_numbered_as_excel_shows_them_and_empty_rows_are_skipped(
    places: Places, send: Callable[..., Delivery]
):
    delivery = send([HEADER, ["1", DAY], [], ["", " "], ["2", DAY], ["3", "some day"], ["", DAY], []])
    assert read(places, delivery)["row_number"].to_list() == [2, 5]
    report = pl.read_parquet(places.held(FEED, delivery.delivery_id) / "report.parquet")
    assert set(report.select("row_number", "rule_id").iter_rows()) == {(6, "date-unreadable"), (7, "value-missing")}
    assert delivery.records_in == 4


def test_a_cell_beyond_the_header_sends_its_row_alone_to_quarantine(places: Places, send: Callable[..., Delivery]):
    delivery = send([HEADER, ["1", DAY, "", "", "", "", "a remark"], ["2", DAY]])
    assert delivery.rejects_by_rule == {"row-width": 1}
    assert read(places, delivery)["visit_id"].to_list() == ["2"]


def test_a_number_longer_than_excel_keeps_is_remarked(send: Callable[..., Delivery]):
    assert send([HEADER, [1234567890123456789, DAY]]).warnings_by_rule == {"cell-digits-lost": 1}


def test_headers_left_out_by_agreement_are_not_remarked_and_others_are(send: Callable[..., Delivery]):
    delivery = send([[*HEADER, "Worker", "Shoe size"], ["1", DAY, "", "", "", "A", "9"]])
    assert delivery.warnings_by_rule == {"column-unknown": 1}


@pytest.mark.parametrize("above", [[["Visits of March"]], [["Visits of March"], []], [[], [], ["x"] * 5]])
def test_column_names_below_a_title_are_a_hold_that_says_the_row(
    above: list[list[Any]], send: Callable[..., Delivery]
):
    delivery = send([*above, HEADER, ["1", DAY]])
    assert (delivery.state, delivery.hold_rule) == ("held", "header-not-first")
    assert delivery.hold_detail == f"the column names stand in row {len(above) + 1}; they belong in row 1"


def test_a_missing_column_is_a_hold_that_names_it(send: Callable[..., Delivery]):
    delivery = send([["Visit No"], ["1"]])
    assert (delivery.hold_rule, delivery.hold_detail) == ("column-missing", "table visits lacks seen_date")


def test_a_repeated_column_is_a_hold(send: Callable[..., Delivery]):
    assert send([["Visit No", "visit_id", "seen_date"], ["1", "1", DAY]]).hold_rule == "column-repeated"


def test_a_header_without_rows_is_remarked(send: Callable[..., Delivery]):
    assert send([HEADER]).warnings_by_rule == {"file-no-rows": 1}


@pytest.mark.parametrize(
    ("sheets", "options"),
    [
        ({"Sheet1": [HEADER, ["1", DAY]], "Sheet2": [], "Sheet3": []}, {}),
        ({"Notes": [["x"]], "VISITS": [HEADER, ["1", DAY]]}, {}),
        ({"Any": [HEADER, ["1", DAY]], "Lookup": [["x"]]}, {"hidden": ("Lookup",)}),
        ({"a 2026-03-31 full": [HEADER, ["1", DAY]], "Pivot": [["x"]]}, {}),
    ],
)
def test_the_sheet_is_the_one_named_like_the_table_or_the_only_one(
    sheets: Sheets, options: dict[str, Any], places: Places, send: Callable[..., Delivery]
):
    assert read(places, send(sheets, **options)).height == 1


def test_another_sheet_with_cells_is_remarked(send: Callable[..., Delivery]):
    assert send({"Notes": [["x"]], "visits": [HEADER, ["1", DAY]]}).warnings_by_rule == {"sheet-not-read": 1}


def test_two_sheets_of_which_none_is_named_like_the_table_are_a_hold(send: Callable[..., Delivery]):
    delivery = send({"March": [HEADER, ["1", DAY]], "April": [HEADER, ["2", DAY]]})
    assert (delivery.state, delivery.hold_rule) == ("held", "sheet-unclear")


def test_a_workbook_without_a_cell_is_held(send: Callable[..., Delivery]):
    assert send([]).hold_rule == "file-empty"


def test_a_workbook_cut_short_is_held(tmp_path: Path, places: Places):
    path = write(tmp_path / "cut.xlsx", {"visits": [HEADER, *([str(n), DAY] for n in range(200))]})
    for size in (9, 400, path.stat().st_size - 30):
        short = tmp_path / f"cut{size}.xlsx"
        short.write_bytes(path.read_bytes()[:size])
        delivery = land(FEED, [short], places, Terms())
        assert (delivery.state, delivery.hold_rule) == ("held", "file-truncated")


def test_a_workbook_with_a_broken_part_is_held(tmp_path: Path, places: Places):
    path = write(tmp_path / "whole.xlsx", {"visits": [HEADER, ["1", DAY]]})
    broken = tmp_path / "broken.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(broken, "w") as new:
        for part in old.infolist():
            data = old.read(part)
            new.writestr(part, data[: len(data) // 2] if "sheet1" in part.filename else data)
    assert land(FEED, [broken], places, Terms()).hold_rule == "file-truncated"


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le"), "file-encrypted"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "Workbook".encode("utf-16-le"), "file-not-this-format"),
    ],
)
def test_a_password_or_an_old_format_is_held_with_its_reason(content: bytes, rule: str, tmp_path: Path, places: Places):
    path = tmp_path / "locked.xlsx"
    path.write_bytes(content)
    assert land(FEED, [path], places, Terms()).hold_rule == rule


def test_a_packed_file_that_is_no_workbook_is_held(tmp_path: Path, places: Places):
    path = tmp_path / "photos.xlsx"
    with zipfile.ZipFile(path, "w") as container:
        container.writestr("a.txt", "x")
    assert land(FEED, [path], places, Terms()).hold_rule == "file-not-this-format"


def test_a_bomb_is_held_before_it_is_unpacked(
    tmp_path: Path, places: Places, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as container:
        container.writestr("xl/workbook.xml", "<x/>")
        container.writestr("xl/worksheets/sheet1.xml", bytes(4 * 1024**2))
    monkeypatch.setattr(workbook, "_RATIO_FROM", 1024**2)
    delivery = land(FEED, [path], places, Terms())
    assert (delivery.state, delivery.hold_rule) == ("held", "file-inflates")


def test_the_reasons_hold_no_cell(send: Callable[..., Delivery]):
    for sheets in ({"Gwen": [["Gwen", "Gwen"]], "Siân": [["Gwen"]]}, {"Gwen": [["Gwen"], [], HEADER]}):
        assert "Gwen" not in send(sheets).as_json()
