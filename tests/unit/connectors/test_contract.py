"""What the contract makes of single values: types, dates, code sets, keys, and how it changes over the years."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.contract import LINEAGE, Change, CodeSet, Column, Contract, Table, check

AS_AT = date(2026, 3, 31)


def checked(column: Column, *values: str | None) -> tuple[list[object], list[str]]:
    """The typed values of a column and the rules they broke."""
    table = Table("things", (column,))
    result = check(table, pl.DataFrame({column.name: values}, schema={column.name: pl.String}), as_at=AS_AT)
    return result.rows[column.name].to_list(), result.findings["rule_id"].to_list()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-31", date(2026, 1, 31)),
        (" 2026-01-31 ", date(2026, 1, 31)),
        ("2026-01-31T00:00:00", date(2026, 1, 31)),
        ("2026-01-31 00:00:00.000", date(2026, 1, 31)),
        ("2024-02-29", date(2024, 2, 29)),
        ("", None),
        (None, None),
    ],
)
def test_iso_dates_are_read_without_remark(text: str | None, value: date | None):
    assert checked(Column("day", "date"), text) == ([value], [])


def test_a_day_first_date_is_read_and_named_as_a_repair():
    assert checked(Column("day", "date"), "05/04/2025") == ([date(2025, 4, 5)], ["date-day-first"])


def test_a_day_first_date_that_is_agreed_is_no_repair():
    assert checked(Column("day", "date", is_day_first=True), "05/04/2025") == ([date(2025, 4, 5)], [])


def test_a_format_of_the_supplier_is_read_without_remark():
    column = Column("day", "date", formats=("%Y-%b-%d %H:%M:%S",))
    assert checked(column, "2012-Jan-21 00:00:00") == ([date(2012, 1, 21)], [])
    assert checked(column, "2012-Feb-31 00:00:00") == ([None], ["date-impossible-cleared"])


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("2025-02-29", "date-impossible"),
        ("31/02/2025", "date-impossible"),
        ("12/25/2025", "date-impossible"),
        ("2025-13-01", "date-impossible"),
        ("soon", "date-unreadable"),
        ("03/04/15", "date-unreadable"),
        ("2025-02-28T10:30:00", "date-unreadable"),
        ("45321", "date-unreadable"),
    ],
)
def test_a_value_that_is_no_date_is_named_for_what_it_is(text: str, rule: str):
    assert checked(Column("day", "date"), text) == ([None], [f"{rule}-cleared"])
    assert checked(Column("day", "date", required=True), text) == ([None], [rule])
    assert checked(Column("day", "date", on_bad="reject"), text) == ([None], [rule])


@pytest.mark.parametrize(("days", "rules"), [(-1, []), (0, []), (1, ["date-in-future"])])
def test_a_date_is_in_the_future_from_the_day_after_the_extract(days: int, rules: list[str]):
    day = AS_AT + timedelta(days=days)
    assert checked(Column("day", "date"), day.isoformat()) == ([day], rules)


def test_a_future_date_that_is_expected_has_no_remark():
    assert checked(Column("due", "date", future="allow"), "2027-01-01") == ([date(2027, 1, 1)], [])


@pytest.mark.parametrize(("days", "value"), [(0, AS_AT), (1, None)])
def test_a_birth_after_the_extract_is_cleared(days: int, value: date | None):
    day = (AS_AT + timedelta(days=days)).isoformat()
    assert checked(Column("born", "date", future="clear"), day)[0] == [value]


def test_an_instant_is_future_by_the_calendar_of_london():
    # 23:30 UTC is half past midnight of the next day in summer.
    values, rules = checked(Column("at", "instant"), "2026-03-31T22:59:59Z", "2026-03-31T23:30:00Z")
    assert rules == ["date-in-future"]
    assert values[1] == datetime(2026, 3, 31, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(("text", "rules"), [("1899-12-31", ["date-too-early"]), ("1900-01-01", [])])
def test_a_date_before_1900_is_remarked(text: str, rules: list[str]):
    assert checked(Column("day", "date"), text)[1] == rules


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-10T12:00:00Z", datetime(2026, 1, 10, 12, tzinfo=UTC)),
        ("2026-01-10T12:00:00.250+01:00", datetime(2026, 1, 10, 11, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-01-10 12:00", datetime(2026, 1, 10, 12, tzinfo=UTC)),
        ("2025-07-10T12:00:00", datetime(2025, 7, 10, 11, tzinfo=UTC)),
        ("2025-10-26T01:30:00", datetime(2025, 10, 26, 0, 30, tzinfo=UTC)),
        ("2025-07-10", datetime(2025, 7, 9, 23, tzinfo=UTC)),
    ],
)
def test_instants_without_a_zone_are_the_wall_clock_of_london(text: str, value: datetime):
    assert checked(Column("at", "instant"), text) == ([value], [])


def test_a_time_in_the_skipped_hour_of_march_is_read_as_greenwich_time():
    values, rules = checked(Column("at", "instant"), "2026-03-29T01:30:00")
    assert (values, rules) == ([datetime(2026, 3, 29, 1, 30, tzinfo=UTC)], ["instant-skipped-hour"])


def test_a_day_first_instant_is_a_repair():
    values, rules = checked(Column("at", "instant"), "28/01/2026 22:15")
    assert (values, rules) == ([datetime(2026, 1, 28, 22, 15, tzinfo=UTC)], ["date-day-first"])


@pytest.mark.parametrize("text", ["noon", "2026-02-30T10:00:00", "10:00"])
def test_what_is_no_instant_is_cleared(text: str):
    assert checked(Column("at", "instant"), text) == ([None], ["instant-unreadable-cleared"])


@pytest.mark.parametrize(
    ("text", "value"), [("Y", True), ("n", False), ("1", True), ("0", False), ("TRUE", True), ("no", False)]
)
def test_booleans_come_in_many_spellings(text: str, value: bool):
    assert checked(Column("is_it", "boolean"), text) == ([value], [])


def test_what_is_neither_yes_nor_no_is_cleared():
    assert checked(Column("is_it", "boolean"), "maybe") == ([None], ["boolean-unreadable-cleared"])


@pytest.mark.parametrize(("text", "value"), [("12", 12), ("12.0", 12), ("-3", -3), ("9007199254740993", 2**53 + 1)])
def test_whole_numbers_are_read_exactly(text: str, value: int):
    assert checked(Column("n", "integer"), text) == ([value], [])


@pytest.mark.parametrize("text", ["12.5", "twelve", "nan", "inf", "1e400"])
def test_a_number_is_never_cut_to_fit(text: str):
    assert checked(Column("n", "integer"), text) == ([None], ["number-unreadable-cleared"])


@pytest.mark.parametrize("text", ["nan", "inf", "x"])
def test_what_is_no_finite_number_is_cleared(text: str):
    assert checked(Column("n", "number"), text) == ([None], ["number-unreadable-cleared"])


def test_an_unknown_code_is_flagged_or_rejected_as_the_set_says():
    loose = CodeSet("roll", frozenset({"on", "off"}))
    strict = CodeSet("roll", frozenset({"on", "off"}), is_strict=True)
    assert checked(Column("roll", codes=loose), "ON", "left", None) == (["ON", "left", None], ["code-unfamiliar"])
    assert checked(Column("roll", codes=strict), "off", "left") == (["off", "left"], ["code-unknown"])


def test_a_missing_required_value_is_named_once():
    assert checked(Column("name", required=True), "a", "  ", None)[1] == ["value-missing", "value-missing"]


def test_an_unreadable_required_value_is_not_called_missing_too():
    assert checked(Column("day", "date", required=True), "soon")[1] == ["date-unreadable"]


def test_an_end_before_its_start_is_remarked():
    table = Table("stays", (Column("start", "date"), Column("end", "date")), date_orders=(("start", "end"),))
    rows = pl.DataFrame({"start": ["2025-01-02", "2025-01-02"], "end": ["2025-01-01", "2025-01-02"]})
    found = check(table, rows, as_at=AS_AT).findings
    assert found.select("rule_id", "row", "column").rows() == [("date-order", 0, "end")]


def test_blanks_in_an_nhs_number_are_removed_and_named():
    column = Column("nhs_number", identifier="nhs_number")
    assert checked(column, "943 476 5919") == (["9434765919"], ["nhs-number-spaces"])


@pytest.mark.parametrize(
    ("text", "rule"),
    [("9434765918", "nhs-number-check-digit"), ("94347", "nhs-number-format"), ("n/a", "nhs-number-format")],
)
def test_a_bad_nhs_number_lands_as_it_was_sent(text: str, rule: str):
    assert checked(Column("nhs_number", identifier="nhs_number"), text) == ([text], [rule])


def test_a_upn_of_another_form_lands_untouched():
    assert checked(Column("upn", identifier="upn"), "5ff4489b-998") == (["5ff4489b-998"], ["upn-format"])
    assert checked(Column("upn", identifier="upn"), "d681400025001") == (["D681400025001"], ["upn-spaces"])
    assert checked(Column("upn", identifier="upn"), "A681400025001") == (["A681400025001"], ["upn-check-letter"])


def test_columns_that_are_typed_already_are_left_alone():
    table = Table("things", (Column("day", "date"), Column("n", "number")))
    rows = pl.DataFrame({"day": [date(2025, 1, 1)], "n": [0.5]})
    result = check(table, rows, as_at=AS_AT)
    assert result.rows.select("day", "n").rows() == [(date(2025, 1, 1), 0.5)]
    assert result.findings.is_empty()


SEX = CodeSet("sex", frozenset({"1", "2"}))
NEW_SEX = CodeSet("sex", frozenset({"M", "F"}))
CONTRACT = Contract(
    (
        Table(
            "children",
            (Column("child", key=True, required=True), Column("sex", codes=SEX), Column("old", required=True)),
        ),
    ),
    changes=(
        Change(date(2025, 4, 1), "children", "SEX became M and F", put=(Column("sex", codes=NEW_SEX),), drop=("old",)),
        Change(date(2024, 4, 1), "children", "URN came", put=(Column("urn", required=True),)),
    ),
)


def test_a_contract_holds_until_the_day_before_its_change():
    before, after = CONTRACT.at(date(2025, 3, 31))["children"], CONTRACT.at(date(2025, 4, 1))["children"]
    assert next(c for c in before.columns if c.name == "sex").codes == SEX
    assert next(c for c in after.columns if c.name == "sex").codes == NEW_SEX


def test_a_column_is_required_from_its_first_day_and_optional_before():
    need = {
        day: next(c for c in CONTRACT.at(day)["children"].columns if c.name == "urn").header_need
        for day in (date(2024, 3, 31), date(2024, 4, 1))
    }
    assert list(need.values()) == ["optional", "required"]


def test_a_dropped_column_stays_in_the_landing_and_is_not_asked_for():
    old = next(c for c in CONTRACT.at(date(2025, 4, 1))["children"].columns if c.name == "old")
    assert not old.required
    assert old.header_need == "optional"


@settings(deadline=None)
@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)))
def test_the_landing_has_one_shape_for_all_years(day: date):
    assert CONTRACT.at(day)["children"].schema().keys() == CONTRACT.at(None)["children"].schema().keys()
    assert list(CONTRACT.at(day)["children"].schema())[: len(LINEAGE)] == list(LINEAGE)


TYPED = Table(
    "all",
    (
        Column("a_text"), Column("a_date", "date"), Column("an_instant", "instant"), Column("a_boolean", "boolean"),
        Column("an_integer", "integer"), Column("a_number", "number"), Column("nhs_number", identifier="nhs_number"),
        Column("upn", identifier="upn"),
    ),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=20)), min_size=1, max_size=5))
def test_any_text_is_typed_or_reported_and_no_row_is_lost(values: list[str | None]):
    batch = pl.DataFrame({column.name: values for column in TYPED.columns}, schema=dict.fromkeys(
        (column.name for column in TYPED.columns), pl.String))
    result = check(TYPED, batch, as_at=AS_AT)
    assert result.rows.height == len(values)
    for column in TYPED.columns:
        wordless = [not (value or "").strip() for value in batch[column.name]]
        for row, (is_blank, value) in enumerate(zip(wordless, result.rows[column.name], strict=True)):
            named = result.findings.filter((pl.col("row") == row) & (pl.col("column") == column.name)).height
            assert is_blank or value is not None or named
