"""record_quality counted again in plain Python: from the delivery files, the truth and the list of persons."""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.integration.marts.conftest import TrueRegion

Counts = dict[tuple[Any, ...], tuple[int, int]]


@pytest.fixture(scope="module")
def mart(region: TrueRegion) -> pl.DataFrame:
    return region.mart("record_quality")


def shown(mart: pl.DataFrame, measure: str, *keys: str) -> Counts:
    rows = mart.filter(pl.col("measure") == measure).iter_rows(named=True)
    return {tuple(row[key] for key in keys): (row["numerator"], row["denominator"]) for row in rows}


def deliveries(region: TrueRegion) -> list[dict[str, Any]]:
    """The landed deliveries up to as_of, with their month."""
    files = (region.root / "landing").glob("*/*/delivery=*/delivery.json")
    found = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    days = [date.fromisoformat(each["as_at_date"]) for each in found]
    return [each | {"month": day.replace(day=1)} for each, day in zip(found, days, strict=True) if day <= region.as_of]


@pytest.mark.parametrize(
    ("measure", "column"), [("quarantined", "records_quarantined"), ("sent_twice", "records_duplicate")]
)
def test_records_of_a_month_are_added_up(region: TrueRegion, mart: pl.DataFrame, measure: str, column: str):
    wanted: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    for each in deliveries(region):
        sums = wanted[each["agency"], each["feed"], each["system"], each["month"]]
        sums[0] += each[column]
        sums[1] += each["records_in"]
    found = shown(mart, measure, "agency", "feed", "system", "period_start_date")
    assert found == {key: tuple(sums) for key, sums in wanted.items()}
    assert sum(numerator for numerator, _ in found.values()) > 0


@pytest.mark.parametrize("kind", ["rejects", "warnings", "repairs"])
def test_findings_are_counted_by_rule(region: TrueRegion, mart: pl.DataFrame, kind: str):
    wanted: Counter[tuple[Any, ...]] = Counter()
    for each in deliveries(region):
        for rule, count in each[f"{kind}_by_rule"].items():
            wanted[each["agency"], each["feed"], each["system"], each["month"], rule] += count
    found = shown(mart, f"finding_{kind}", "agency", "feed", "system", "period_start_date", "detail")
    assert {key: numerator for key, (numerator, _) in found.items()} == wanted
    assert wanted


def persons(region: TrueRegion) -> list[dict[str, Any]]:
    true = {(row["agency"], row["feed"], row["source_person_id"]): row["person_id"]
            for row in region.truth("record_persons").iter_rows(named=True)}  # fmt: skip
    rows = region.query("select * from intermediate.persons").iter_rows(named=True)
    return [
        row | {"person": true[row["agency"], row["feed"], row["source_person_id"]]}
        for row in rows
        if row["merged_into_record_key"] is None
        and not row["is_unborn"]
        and (row["agency"], row["feed"], row["source_person_id"]) in true
    ]


@pytest.mark.parametrize("field", ["birth_date", "nhs_number", "upn", "postcode"])
def test_filled_fields_are_counted(region: TrueRegion, mart: pl.DataFrame, field: str):
    rows = persons(region)
    found = shown(mart.filter(pl.col("detail") == field), "field_filled", "agency", "feed", "system")
    for (agency, feed, system), (numerator, denominator) in found.items():
        theirs = [row for row in rows if (row["agency"], row["feed"], row["system"]) == (agency, feed, system)]
        # A few planted bad records are nobody's in the truth.
        assert 0 <= denominator - len(theirs) <= 6
        assert 0 <= numerator - sum(row[field] is not None for row in theirs) <= 6
    if field in ("nhs_number", "upn"):
        assert not found["police", "ppn", "Niche"][0]


@pytest.mark.parametrize("field", ["birth_date", "sex", "surname"])
def test_agencies_agree_where_they_share_a_value_of_the_same_child(region: TrueRegion, mart: pl.DataFrame, field: str):
    values: dict[str, dict[str, set[Any]]] = defaultdict(lambda: defaultdict(set))
    for row in persons(region):
        if row[field] is not None:
            values[row["person"]][row["agency"]].add(row[field])
    wanted: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for agencies in values.values():
        for one, other in itertools.combinations(sorted(agencies), 2):
            wanted[one, other][0] += bool(agencies[one] & agencies[other])
            wanted[one, other][1] += 1
    found = shown(mart.filter(pl.col("detail") == field), "agencies_agree", "agency", "other_agency")
    assert found == {pair: tuple(counts) for pair, counts in wanted.items()}


def test_health_assessments_are_recorded_in_time_as_the_truth_has_it(region: TrueRegion, mart: pl.DataFrame):
    true = region.truth("case_health_assessments").filter(
        pl.col("assessment_date").is_not_null() & pl.col("recorded_date").is_not_null()
        & (pl.col("assessment_date") <= region.as_of) & (pl.col("recorded_date") <= region.as_of)
    )  # fmt: skip
    lag = (true["recorded_date"] - true["assessment_date"]).dt.total_days()
    in_time = int(((lag >= 0) & (lag <= 5)).sum())
    rows = mart.filter(pl.col("detail") == "health_assessment_recorded")
    found = shown(rows, "recorded_in_time", "period_start_date")
    assert (sum(each[0] for each in found.values()), sum(each[1] for each in found.values())) == (in_time, len(true))
    assert 0 < in_time < len(true)
