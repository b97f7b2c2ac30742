"""The case export: which file is which table, what must be there, what lands and what does not."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.delivery import Delivery
from connectors.errors import FileHeld
from connectors.feed import ParseContext, SourceFile
from connectors.landing import Places, Terms, land
from connectors.social_care import canonical
from connectors.social_care.case_export import FEED, parse

PERSONS = "source_person_id,forename,surname,birth_date,sex,nhs_number,upn\n"
ANNA = "P1,Siân,Evans,2019-02-28,F,999 000 0018,\n"


def _export(tmp_path: Path, name: str = "export_2026-06-30_full", **tables: str) -> Path:
    folder = tmp_path / name
    folder.mkdir(parents=True)
    for table, text in tables.items():
        (folder / f"{table}.csv").write_text(text, encoding="utf-8")
    return folder


def _land(tmp_path: Path, *paths: Path, **terms: object) -> Delivery:
    return land(FEED, paths, Places(tmp_path / "landing", tmp_path / "quarantine"), Terms(system="Council A", **terms))


def _table(tmp_path: Path, delivery: Delivery, name: str) -> pl.DataFrame:
    folder = tmp_path / "landing" / "social_care" / "case_export" / f"delivery={delivery.delivery_id}"
    return pl.read_parquet(folder / f"{name}.parquet")


def _report(tmp_path: Path, delivery: Delivery) -> pl.DataFrame:
    folder = tmp_path / "quarantine" / "social_care" / "case_export" / f"delivery={delivery.delivery_id}"
    return pl.read_parquet(folder / "report.parquet")


def test_every_canonical_table_lands_from_a_file_of_its_name_and_columns(tmp_path: Path) -> None:
    values = {"text": "x", "date": "30/06/2026", "boolean": "Y", "integer": "3"}
    tables = {}
    for table in canonical.TABLES:
        header = ",".join(column.name for column in table.columns)
        row = ",".join("" if column.identifier else values[column.type] for column in table.columns)
        tables[table.name] = f"{header}\n{row}\n"
    delivery = _land(tmp_path, _export(tmp_path, **tables))
    assert (delivery.state, delivery.records_in, delivery.records_landed) == ("landed", 29, 29)
    for table in canonical.TABLES:
        landed = _table(tmp_path, delivery, table.name)
        assert landed.schema == pl.Schema(table.schema())
        for column in table.columns:
            if column.type == "date":
                assert landed[column.name].to_list() == [date(2026, 6, 30)]
            if column.type == "boolean":
                assert landed[column.name].to_list() == [True]
    assert delivery.repairs_by_rule == {}


def test_dates_may_be_iso_or_day_first_and_neither_is_a_repair(tmp_path: Path) -> None:
    text = "visit_id,source_person_id,visit_date,visit_type\n1,P1,2026-01-02,register\n2,P1,02/01/2026,register\n"
    delivery = _land(tmp_path, _export(tmp_path, persons=PERSONS + ANNA, visits=text))
    assert _table(tmp_path, delivery, "visits")["visit_date"].to_list() == [date(2026, 1, 2)] * 2
    assert "date-day-first" not in delivery.repairs_by_rule


def test_a_table_may_be_a_workbook(tmp_path: Path) -> None:
    folder = _export(tmp_path, persons=PERSONS + ANNA)
    with xlsxwriter.Workbook(folder / "visits.xlsx", {"default_date_format": "dd/mm/yyyy"}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["visit_id", "source_person_id", "visit_date", "visit_type"])
        sheet.write_row(1, 0, [1, "P1", date(2026, 1, 2), "register"])
    visits = _table(tmp_path, _land(tmp_path, folder), "visits")
    assert visits.select("visit_id", "visit_date", "row_number").row(0) == ("1", date(2026, 1, 2), 2)


def test_the_name_gives_date_and_mode_and_lineage_is_on_every_row(tmp_path: Path) -> None:
    delivery = _land(tmp_path, _export(tmp_path, "cardiff_case_export_2026-06-30_delta_2", persons=PERSONS + ANNA))
    assert (delivery.as_at_date, delivery.mode, delivery.sequence) == (date(2026, 6, 30), "delta", 2)
    row = _table(tmp_path, delivery, "persons").row(0, named=True)
    assert (row["agency"], row["feed"], row["system"]) == ("social_care", "case_export", "Council A")
    assert (row["source_file"], row["row_number"], row["record_action"]) == ("persons.csv", 2, "upsert")
    assert (row["forename"], row["nhs_number"]) == ("Siân", "9990000018")


@pytest.mark.parametrize(
    "name",
    ["persons", "Persons", "03_persons", "cardiff_persons", "persons_2026-06-30", "cardiff_persons_2026-06-30_full_2"],
)
def test_a_supplier_may_write_its_name_a_number_or_a_date_around_the_table(tmp_path: Path, name: str) -> None:
    delivery = _land(tmp_path, _export(tmp_path, **{name: PERSONS + ANNA}))
    assert _table(tmp_path, delivery, "persons").height == 1


def test_names_with_blanks_mean_their_table(tmp_path: Path) -> None:
    text = "episode_id,source_person_id,started_date\n1,P1,2026-01-02\n"
    delivery = _land(tmp_path, _export(tmp_path, persons=PERSONS + ANNA, **{"Looked After Episodes": text}))
    assert _table(tmp_path, delivery, "looked_after_episodes").height == 1


def test_a_csv_of_no_table_holds_the_whole_full_export(tmp_path: Path) -> None:
    delivery = _land(tmp_path, _export(tmp_path, persons=PERSONS + ANNA, persns=PERSONS + ANNA.replace("P1", "P2")))
    assert (delivery.state, delivery.hold_rule) == ("held", "file-unknown")
    assert not (tmp_path / "landing" / "social_care" / "case_export").exists()


def test_a_csv_of_no_table_in_a_delta_is_held_alone(tmp_path: Path) -> None:
    folder = _export(tmp_path, "export_2026-06-30_delta", persons=PERSONS + ANNA, persns=PERSONS + ANNA)
    (folder / "persns.csv").write_text(PERSONS + ANNA.replace("P1", "P2"), encoding="utf-8")
    delivery = _land(tmp_path, folder)
    assert (delivery.state, delivery.records_landed) == ("landed", 1)
    assert [held["rule"] for held in delivery.held_files] == ["file-unknown"]


def test_a_full_export_without_persons_is_held_and_a_delta_is_not(tmp_path: Path) -> None:
    visits = "visit_id,source_person_id,visit_date,visit_type\n1,P1,2026-01-02,register\n"
    full = _land(tmp_path / "full", _export(tmp_path / "a", visits=visits))
    assert (full.state, full.hold_rule) == ("held", "table-missing")
    delta = _land(tmp_path / "delta", _export(tmp_path / "b", "export_2026-06-30_delta", visits=visits))
    assert (delta.state, delta.records_landed) == ("landed", 1)


def test_a_note_beside_the_tables_is_reported_and_left_alone(tmp_path: Path) -> None:
    folder = _export(tmp_path, persons=PERSONS + ANNA)
    (folder / "README.pdf").write_bytes(b"%PDF-1.4")
    delivery = _land(tmp_path, folder)
    assert (delivery.state, delivery.records_landed) == ("landed", 1)
    assert delivery.warnings_by_rule["file-not-read"] == 1


def test_a_missing_required_column_holds_the_export_and_names_it(tmp_path: Path) -> None:
    visits = "visit_id,source_person_id,visit_type\n1,P1,register\n"
    delivery = _land(tmp_path, _export(tmp_path, persons=PERSONS + ANNA, visits=visits))
    assert (delivery.state, delivery.hold_rule) == ("held", "column-missing")
    assert "visit_date" in (delivery.hold_detail or "")


def test_a_child_without_a_number_goes_to_quarantine_and_the_rest_lands(tmp_path: Path) -> None:
    delivery = _land(tmp_path, _export(tmp_path, persons=PERSONS + ANNA + ANNA.replace("P1", "")))
    assert (delivery.records_landed, delivery.rejects_by_rule) == (1, {"value-missing": 1})


def test_a_withdrawn_row_lands_as_a_delete_and_needs_no_more_than_its_key(tmp_path: Path) -> None:
    text = "referral_id,source_person_id,referral_date,record_action\nR1,P1,2026-01-02,upsert\nR2,,,delete\n"
    delivery = _land(tmp_path, _export(tmp_path, "export_2026-06-30_delta", referrals=text))
    landed = _table(tmp_path, delivery, "referrals").select("referral_id", "record_action")
    assert landed.rows() == [("R1", "upsert"), ("R2", "delete")]


def test_unfamiliar_codes_and_bad_numbers_land_and_are_named(tmp_path: Path) -> None:
    delivery = _land(tmp_path, _export(tmp_path, persons=PERSONS + "P1,Anna,Evans,2019-02-28,Z,9990000019,A123\n"))
    assert _table(tmp_path, delivery, "persons")["sex"].to_list() == ["Z"]
    assert set(delivery.warnings_by_rule) == {"code-unfamiliar", "nhs-number-check-digit", "upn-format"}


def test_an_address_without_a_first_day_lands(tmp_path: Path) -> None:
    text = "source_person_id,address_type,postcode,valid_from\nP1,home,CF10 1AA,\nP1,home,CF10 1AB,2020-01-01\n"
    delivery = _land(tmp_path, _export(tmp_path, persons=PERSONS + ANNA, addresses=text))
    assert _table(tmp_path, delivery, "addresses").height == 2


def test_a_birth_date_after_the_extract_is_cleared_and_the_expected_one_is_not(tmp_path: Path) -> None:
    text = "source_person_id,birth_date,expected_birth_date\nP1,2026-09-01,2026-09-01\n"
    delivery = _land(tmp_path, _export(tmp_path, persons=text))
    row = _table(tmp_path, delivery, "persons").row(0, named=True)
    assert (row["birth_date"], row["expected_birth_date"]) == (None, date(2026, 9, 1))
    assert delivery.warnings_by_rule == {"birth-date-in-future": 1}


def test_an_end_before_its_start_is_named_where_it_stands(tmp_path: Path) -> None:
    text = "placement_id,source_person_id,started_date,ended_date\n1,P1,2026-02-02,2026-01-02\n"
    delivery = _land(tmp_path, _export(tmp_path, persons=PERSONS + ANNA, placements=text))
    found = _report(tmp_path, delivery).filter(pl.col("rule_id") == "date-order")
    assert found.select("source_file", "row_number", "column").rows() == [("placements.csv", 2, "ended_date")]


def test_the_same_child_number_in_two_councils_stays_two_children(tmp_path: Path) -> None:
    places = Places(tmp_path / "landing", tmp_path / "quarantine")
    for council in ("A", "B"):
        folder = _export(tmp_path / council, persons=PERSONS + ANNA.replace("Evans", council))
        assert land(FEED, [folder], places, Terms(system=council)).state == "landed"
    landed = pl.read_parquet(tmp_path / "landing" / "social_care" / "case_export" / "*" / "persons.parquet")
    assert sorted(landed.select("system", "source_person_id").rows()) == [("A", "P1"), ("B", "P1")]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=30), data=st.binary(max_size=300))
def test_any_file_of_any_name_is_read_or_held_and_nothing_else(name: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any"
    path.write_bytes(data)
    for spelled in (name, f"{name}.csv", "persons.csv"):
        try:
            list(parse(SourceFile(path, spelled, "0" * 64, len(data)), ParseContext()))
        except FileHeld:
            continue


CELL = st.sampled_from(["", "P1", "P2", "2026-01-02", "31/02/2026", "register", "Y", "1.5", "é", '"', "a,b", "\n"])


@settings(max_examples=12, deadline=None)
@given(rows=st.lists(st.lists(CELL, min_size=3, max_size=6), max_size=8))
def test_the_books_balance_whatever_the_rows_are(
    rows: list[list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    tmp_path = tmp_path_factory.mktemp("books")
    text = "visit_id,source_person_id,visit_date,visit_type,was_seen\n" + "".join(",".join(row) + "\n" for row in rows)
    delivery = _land(tmp_path, _export(tmp_path, "x_2026-06-30_delta", visits=text))
    if delivery.state == "landed":
        total = delivery.records_landed + delivery.records_quarantined + delivery.records_duplicate
        assert delivery.records_in == total
        assert _table(tmp_path, delivery, "visits").height == delivery.records_landed
