"""Training lists: the Electronic Staff Record's headers and others', CSV and XLSX, long leave, and no names."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from connectors.delivery import Delivery, Places, Terms
from connectors.landing import land
from connectors.training import COURSES, FEEDS

FEED = FEEDS[0]
ESR = {
    "Employee Number": "10001", "Assignment Number": "10001-2", "Organisation": "Health Board", "Division": "Surgery",
    "Staff Group": "Nursing and Midwifery Registered", "Position Title": "Nurse", "Start Date": "01-Feb-2020",
    "End Date": "", "Assignment Status": "Active Assignment",
    "Competence Name": "NHS|CSTF|Safeguarding Children (Version 2) - Level 2 - 3 Years|",
    "Date Achieved": "29-Feb-2024", "Expiry Date": "28-Feb-2027", "Exempt": "N",
}  # fmt: skip


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "landing", tmp_path / "quarantine")


def put(tmp_path: Path, *rows: dict[str, str], drop: str = "", name: str = "esr_training_2026-11-20_full.csv") -> Path:
    header = [column for column in dict.fromkeys(name for row in [ESR, *rows] for name in row) if column != drop]
    lines = [",".join(header)]
    lines += [",".join(f'"{(ESR | row).get(column, "")}"' for column in header) for row in rows or ({},)]
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read(places: Places, delivery: Delivery) -> pl.DataFrame:
    return pl.read_parquet(places.delivery(FEED, delivery.delivery_id) / "staff_courses.parquet")


def test_a_row_of_the_staff_record_lands_in_our_words(tmp_path: Path, places: Places):
    delivery = land(FEED, [put(tmp_path)], places, Terms(system="ESR"))
    row = read(places, delivery).row(0, named=True)
    assert (row["employee_number"], row["assignment_number"], row["role_title"]) == ("10001", "10001-2", "Nurse")
    assert (row["role_started_date"], row["role_ended_date"]) == (date(2020, 2, 1), None)
    assert (row["completed_date"], row["expires_date"]) == (date(2024, 2, 29), date(2027, 2, 28))
    assert (row["is_on_leave"], row["is_exempt"]) == (False, False)
    assert (delivery.mode, delivery.repairs_by_rule, delivery.warnings_by_rule) == ("full", {}, {})


def test_every_agency_has_the_same_contract():
    assert [feed.key for feed in FEEDS] == [
        "health/training", "police/training", "education/training", "social_care/training",
    ]  # fmt: skip
    assert {feed.contract.tables for feed in FEEDS} == {(COURSES,)}


def test_a_workbook_lands_as_the_csv_of_it(tmp_path: Path, places: Places):
    path = tmp_path / "learning_2026-11-20_full.xlsx"
    with xlsxwriter.Workbook(path, {"default_date_format": "dd/mm/yyyy"}) as book:
        sheet = book.add_worksheet("Training")
        sheet.write_row(0, 0, ["Staff Number", "Job Title", "Start Date", "Course", "Completed", "On leave"])
        sheet.write_row(1, 0, [4711, "Teacher", date(2020, 9, 1), "Safeguarding Group B", date(2025, 9, 1), "No"])
        sheet.write_row(2, 0, [4712, "Cook", date(2020, 9, 1), "Safeguarding Group A", "", "Yes"])
    rows = read(places, land(FEED, [path], places, Terms()))
    assert rows["employee_number"].to_list() == ["4711", "4712"]
    assert rows["completed_date"].to_list() == [date(2025, 9, 1), None]
    assert rows["is_on_leave"].to_list() == [False, True]


def test_names_and_birth_dates_are_not_landed_and_not_remarked(tmp_path: Path, places: Places):
    delivery = land(FEED, [put(tmp_path, {"Last Name": "Evans", "Date of Birth": "01-Jan-1980"})], places, Terms())
    assert delivery.warnings_by_rule == {}
    assert not {"last_name", "Last Name", "date_of_birth"} & set(read(places, delivery).columns)


@pytest.mark.parametrize(
    ("row", "is_on_leave"),
    [
        ({"Assignment Status": "Maternity & Adoption"}, True),
        ({"Assignment Status": "Career Break"}, True),
        ({"Assignment Status": "Acting Up"}, False),
        ({"Assignment Status": ""}, None),
        ({"Assignment Status": "Career Break", "On Leave": "no"}, False),
        ({"Assignment Status": "Career Break", "On Leave": ""}, True),
    ],
)
def test_who_is_on_long_leave(row: dict[str, str], is_on_leave: bool | None, tmp_path: Path, places: Places):
    assert read(places, land(FEED, [put(tmp_path, row)], places, Terms()))["is_on_leave"].to_list() == [is_on_leave]


@pytest.mark.parametrize("column", ["Employee Number", "Competence Name", "Date Achieved"])
def test_a_list_without_a_required_column_is_held(column: str, tmp_path: Path, places: Places):
    delivery = land(FEED, [put(tmp_path, drop=column)], places, Terms())
    assert (delivery.state, delivery.hold_rule) == ("held", "column-missing")


def test_a_day_of_completion_that_is_none_sends_its_row_to_quarantine(tmp_path: Path, places: Places):
    # Landing it without the day would say that the course was never completed.
    rows = ({"Date Achieved": "30-Feb-2024"}, {"Employee Number": "10002"})
    delivery = land(FEED, [put(tmp_path, *rows)], places, Terms())
    assert (delivery.records_landed, delivery.rejects_by_rule) == (1, {"date-impossible": 1})


def test_another_date_that_is_none_is_cleared(tmp_path: Path, places: Places):
    delivery = land(FEED, [put(tmp_path, {"Start Date": "soon"})], places, Terms())
    assert read(places, delivery)["role_started_date"].to_list() == [None]


def test_a_row_without_a_number_goes_to_quarantine_and_one_without_a_course_lands(tmp_path: Path, places: Places):
    delivery = land(FEED, [put(tmp_path, {"Employee Number": ""}, {"Competence Name": "", "Date Achieved": ""})],
                    places, Terms())  # fmt: skip
    assert (delivery.records_landed, delivery.rejects_by_rule) == (1, {"value-missing": 1})


def test_each_completion_of_a_course_lands_and_the_same_one_once(tmp_path: Path, places: Places):
    rows = ({}, {"Date Achieved": "01-Mar-2021"}, {})
    delivery = land(FEED, [put(tmp_path, *rows)], places, Terms())
    assert (delivery.records_landed, delivery.records_duplicate) == (2, 1)


@pytest.mark.parametrize(
    ("content", "rule"),
    [(b"", "file-empty"), (b'Employee Number,Course,Completed\n1,"Safeg', "file-truncated"),
     (b"Employee Number;Course;Completed\n1;a;\n", "file-delimiter")],
)  # fmt: skip
def test_a_list_that_is_empty_cut_off_or_not_comma_separated_is_held(
    content: bytes, rule: str, tmp_path: Path, places: Places
):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert land(FEED, [path], places, Terms()).hold_rule == rule
