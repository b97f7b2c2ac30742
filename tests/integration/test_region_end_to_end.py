"""A simulated region goes the whole way, and what users are promised holds."""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb
import polars as pl
import pytest

import linkage
from tests.integration.conftest import AS_OF, PLANTED_NAME, PLANTED_NUMBER, Home

MARTS = ("child_index", "feed_status", "linkage_summary", "looked_after_health_assessments", "register_reviews")


def test_the_books_of_every_delivery_balance(tiny_region: Home):
    deliveries = tiny_region.deliveries()
    assert len(deliveries) > 10
    for delivery in deliveries:
        counted = (delivery[f"records_{name}"] for name in ("landed", "quarantined", "duplicate"))
        assert delivery["records_in"] == sum(counted), delivery["delivery_id"]


def test_broken_deliveries_are_held_and_the_others_landed(tiny_region: Home):
    states = {delivery["state"] for delivery in tiny_region.deliveries()}
    assert states == {"landed", "held"}
    feeds = {delivery["feed"] for delivery in tiny_region.deliveries() if delivery["state"] == "landed"}
    assert feeds >= {"adt", "fhir", "ppn", "school_census", "case_export"}


def test_every_person_has_exactly_one_child_id(tiny_region: Home):
    work = tiny_region.root / "work"
    persons = pl.read_parquet(work / "persons.parquet", columns=["record_key"])
    clusters = pl.read_parquet(work / "linkage" / "clusters.parquet")
    assert clusters["record_key"].is_unique().all()
    assert set(clusters["record_key"]) == set(persons["record_key"])


def test_linkage_finds_the_simulated_children(tiny_region: Home):
    work = tiny_region.root / "work"
    found = linkage.evaluate(
        work / "linkage" / "clusters.parquet", tiny_region.root / "truth" / "record_persons.parquet",
        persons=work / "persons.parquet",
    )
    assert found.pairs.precision > 0.98
    assert found.pairs.recall > 0.9


@pytest.mark.parametrize("mart", MARTS)
def test_every_headline_mart_can_be_exported(tiny_region: Home, mart: str):
    assert tiny_region.export(mart).count(b"\n") > 1
    assert tiny_region.export(mart, "parquet").startswith(b"PAR1")
    assert tiny_region.export(mart, "xlsx").startswith(b"PK")


def test_looked_after_children_of_the_truth_are_in_the_tracker(tiny_region: Home):
    with duckdb.connect(str(tiny_region.root / "releases" / "current" / "dolen.duckdb"), read_only=True) as release:
        rows = release.execute("select count(distinct child_id) from looked_after_health_assessments").fetchall()
    truth = pl.read_parquet(tiny_region.root / "truth" / "looked_after.parquet")
    assert rows[0][0] > 0
    assert rows[0][0] <= truth.height


def test_building_again_changes_no_byte_of_the_marts(tiny_region: Home):
    before = {mart: hashlib.sha256(tiny_region.export(mart)).hexdigest() for mart in MARTS}
    tiny_region.dolen("run", "--as-of", AS_OF.isoformat())
    assert {mart: hashlib.sha256(tiny_region.export(mart)).hexdigest() for mart in MARTS} == before


def test_no_value_of_a_person_reaches_dagsters_storage_or_the_logs(tiny_region: Home):
    places = [tiny_region.root / "dagster", tiny_region.root / "logs"]
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert files
    needles = [PLANTED_NAME.encode(), PLANTED_NAME.upper().encode(), PLANTED_NUMBER.encode()]
    for path in files:
        content = path.read_bytes()
        assert not any(needle in content for needle in needles), f"a value of a person is in {path.name}"


def test_the_planted_child_really_went_through(tiny_region: Home):
    """Guards the test above: had the planted file not been read, nothing could leak from it."""
    planted = [d for d in tiny_region.deliveries() if d["rejects_by_rule"].get("row-width")]
    assert any(d["feed"] == "case_export" and d["records_in"] == 3 for d in planted)


def test_the_suppliers_report_masks_every_value(tiny_region: Home, tmp_path: Path):
    tiny_region.dolen("report", "social_care/case_export", "--out", str(tmp_path))
    written = sorted(tmp_path.iterdir())
    assert {path.suffix for path in written} == {".csv", ".xlsx"}
    assert PLANTED_NAME not in written[0].read_text(encoding="utf-8")
