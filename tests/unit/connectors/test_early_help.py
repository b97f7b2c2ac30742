"""Early help requests: one row is a request, a person and an address; each fault of a file and what becomes of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from connectors.contract import LINEAGE
from connectors.delivery import Delivery, Places, Terms
from connectors.landing import land
from connectors.social_care.early_help import CONTRACT, FEED

ROW = {
    "request_id": "R1", "person_id": "E1", "council_person_id": "CD1", "forename": "Siân", "surname": "ap Rhys",
    "birth_date": "2014-05-06", "sex": "F", "address_line": "2 Heol y Bont", "postcode": "CF99 1AA", "team": "north",
    "ward": "Pen y Bryn", "request_source": "school", "requested_date": "2026-01-05", "allocated_date": "2026-02-05",
    "started_date": "2026-02-10", "closed_date": "2026-03-05", "outcome_code": "goals_met",
}  # fmt: skip


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "landing", tmp_path / "quarantine")


def put(tmp_path: Path, *rows: dict[str, str], without: str = "", end: str = "\n") -> Path:
    header = [name for name in ROW if name != without]
    lines = [",".join(header), *(",".join((ROW | row)[name] for name in header) for row in rows)]
    path = tmp_path / "gateway_early_help_2026-03-31_full.csv"
    path.write_text("\n".join(lines) + end, encoding="utf-8")
    return path


def tables(places: Places, delivery: Delivery) -> dict[str, list[dict]]:
    folder = places.delivery(FEED, delivery.delivery_id)
    return {
        path.stem: pl.read_parquet(path).drop(list(LINEAGE)).to_dicts() for path in sorted(folder.glob("*.parquet"))
    }


def test_a_request_lands_as_request_person_and_address(tmp_path: Path, places: Places):
    delivery = land(FEED, [put(tmp_path, {})], places, Terms(system="Early help"))
    landed = tables(places, delivery)
    assert (delivery.state, delivery.records_in, delivery.records_landed) == ("landed", 1, 1)
    (request,), (person,), (address,) = landed["early_help"], landed["persons"], landed["addresses"]
    assert None not in request.values()
    assert request["council_person_id"] == "CD1"
    assert (request["requested_date"], request["closed_date"]) == (date(2026, 1, 5), date(2026, 3, 5))
    assert (person["source_person_id"], person["surname"], person["birth_date"]) == ("E1", "ap Rhys", date(2014, 5, 6))
    assert (address["address_type"], address["postcode"]) == ("home", "CF99 1AA")


def test_a_person_with_two_requests_is_one_person_as_the_last_one_says(tmp_path: Path, places: Places):
    second = {"request_id": "R2", "requested_date": "2026-03-05", "surname": "Rhys", "postcode": "CF99 2BB"}
    delivery = land(FEED, [put(tmp_path, {}, second)], places, Terms())
    landed = tables(places, delivery)
    assert [row["early_help_id"] for row in landed["early_help"]] == ["R1", "R2"]
    assert [row["surname"] for row in landed["persons"]] == ["Rhys"]
    assert [row["postcode"] for row in landed["addresses"]] == ["CF99 2BB"]
    assert (delivery.records_in, delivery.records_duplicate) == (2, 0)


def test_a_person_without_an_address_has_none(tmp_path: Path, places: Places):
    delivery = land(FEED, [put(tmp_path, {"address_line": "", "postcode": " "})], places, Terms())
    assert tables(places, delivery)["addresses"] == []


@pytest.mark.parametrize("column", ["request_id", "person_id", "requested_date"])
def test_a_file_without_a_required_column_is_held(column: str, tmp_path: Path, places: Places):
    delivery = land(FEED, [put(tmp_path, {}, without=column)], places, Terms())
    assert (delivery.state, delivery.hold_rule) == ("held", "column-missing")


def test_a_file_without_the_councils_number_lands_with_a_remark(tmp_path: Path, places: Places):
    delivery = land(FEED, [put(tmp_path, {}, without="council_person_id")], places, Terms())
    assert delivery.warnings_by_rule["column-absent"] == 1
    assert tables(places, delivery)["early_help"][0]["council_person_id"] is None


def test_a_request_without_a_day_does_not_land_and_its_child_is_known_all_the_same(tmp_path: Path, places: Places):
    bad = {"request_id": "R2", "person_id": "E2", "requested_date": "2026-02-31"}
    delivery = land(FEED, [put(tmp_path, {}, bad)], places, Terms())
    landed = tables(places, delivery)
    assert [row["early_help_id"] for row in landed["early_help"]] == ["R1"]
    assert [row["source_person_id"] for row in landed["persons"]] == ["E1", "E2"]
    assert (delivery.records_in, delivery.records_landed, delivery.records_quarantined) == (2, 1, 1)
    assert delivery.rejects_by_rule == {"date-impossible": 1}


def test_an_impossible_birth_date_is_cleared_and_an_unknown_sex_is_remarked(tmp_path: Path, places: Places):
    delivery = land(FEED, [put(tmp_path, {"birth_date": "2014-02-31", "sex": "Q"})], places, Terms())
    assert tables(places, delivery)["persons"][0]["birth_date"] is None
    assert delivery.warnings_by_rule["code-unfamiliar"] == 1


def test_help_allocated_before_it_was_asked_for_is_remarked(tmp_path: Path, places: Places):
    delivery = land(FEED, [put(tmp_path, {"allocated_date": "2026-01-04"})], places, Terms())
    assert delivery.warnings_by_rule["date-order"] == 1


def test_a_repeated_request_lands_once(tmp_path: Path, places: Places):
    delivery = land(FEED, [put(tmp_path, {}, {})], places, Terms())
    assert (delivery.records_landed, delivery.records_duplicate) == (1, 1)


def test_a_withdrawn_request_withdraws_no_person(tmp_path: Path, places: Places):
    path = put(tmp_path, {})
    head, row = path.read_text(encoding="utf-8").splitlines()
    path.write_text(f"{head},record_action\n{row},upsert\n{row.replace('R1', 'R0')},delete\n", encoding="utf-8")
    delivery = land(FEED, [path], places, Terms())
    folder = places.delivery(FEED, delivery.delivery_id)
    assert pl.read_parquet(folder / "early_help.parquet")["record_action"].to_list() == ["upsert", "delete"]
    assert pl.read_parquet(folder / "persons.parquet")["record_action"].to_list() == ["upsert"]


@pytest.mark.parametrize(("content", "rule"), [("", "file-empty"), ("request_id;person_id\n1;2\n", "file-delimiter")])
def test_a_file_of_another_shape_is_held(content: str, rule: str, tmp_path: Path, places: Places):
    path = tmp_path / "gateway_early_help_2026-03-31_full.csv"
    path.write_text(content, encoding="utf-8")
    assert land(FEED, [path], places, Terms()).hold_rule == rule


def test_a_file_cut_off_in_a_record_is_held(tmp_path: Path, places: Places):
    path = put(tmp_path, {}, {"request_id": "R2"})
    path.write_text(path.read_text(encoding="utf-8")[:-60], encoding="utf-8")
    assert land(FEED, [path], places, Terms()).hold_rule == "file-truncated"


def test_free_text_is_not_landed(tmp_path: Path, places: Places):
    path = put(tmp_path, {})
    head, row = path.read_text(encoding="utf-8").splitlines()
    path.write_text(f"{head},narrative\n{row},what was said\n", encoding="utf-8")
    delivery = land(FEED, [path], places, Terms())
    assert delivery.warnings_by_rule["column-unknown"] == 1
    assert set(CONTRACT.at(None)) == set(tables(places, delivery))
