"""board_scorecard against the marts it counts, row by row, and against what disclosure control promises."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from tests.integration.marts.conftest import TrueRegion

Row = dict[str, Any]
YEAR = (date(2026, 4, 1), date(2026, 11, 20))
ANY = (date.min, date.max)


def _assessments(kind: str) -> Callable[[TrueRegion], Iterator[tuple[date | None, bool]]]:
    def rows(region: TrueRegion) -> Iterator[tuple[date | None, bool]]:
        for row in region.mart("looked_after_health_assessments").iter_rows(named=True):
            if row["kind"] == kind and row["status"] in ("done_in_time", "done_late", "overdue"):
                yield row["due_date"], row["status"] == "done_in_time"

    return rows


def _on_register(is_met: Callable[[Row], bool]) -> Callable[[TrueRegion], Iterator[tuple[date | None, bool]]]:
    def rows(region: TrueRegion) -> Iterator[tuple[date | None, bool]]:
        for row in region.mart("register_reviews").iter_rows(named=True):
            if row["is_on_register"]:
                yield None, is_met(row)

    return rows


def _conferences(region: TrueRegion) -> Iterator[tuple[date | None, bool]]:
    for row in region.mart("register_reviews").iter_rows(named=True):
        if row["conference_status"] in ("done_in_time", "done_late"):
            yield row["conference_due_date"], row["conference_status"] == "done_in_time"


def _quarter(start: date) -> tuple[date, date]:
    return start, date(start.year, start.month + 2, {3: 31, 6: 30, 9: 30, 12: 31}[start.month + 2])


COUNTED = {
    "initial_health_assessment_in_time": _assessments("initial"),
    "review_health_assessment_in_time": _assessments("review"),
    "initial_conference_in_time": _conferences,
    "register_review_overdue": _on_register(lambda row: row["review_status"] == "overdue"),
    "long_on_register": _on_register(lambda row: row["days_on_register"] > 366),
}


@pytest.mark.parametrize("measure", COUNTED)
def test_a_measure_is_the_count_of_its_marts_rows(region: TrueRegion, measure: str):
    rows = list(COUNTED[measure](region))
    exact = region.query(
        "select period_kind, period_start_date, numerator, denominator from intermediate.int_board_measures"
        f" where area_code = 'region' and measure_id = '{measure}'"
    )
    assert len(exact) > 0
    for kind, start, numerator, denominator in exact.iter_rows():
        first, last = {"as_of": ANY, "year_to_date": YEAR}.get(kind) or _quarter(start)
        counted = [is_met for day, is_met in rows if day is None or first <= day <= last]
        assert (numerator, denominator) == (sum(counted), len(counted)), (kind, start)


def test_areas_add_up_to_the_region_before_anything_is_rounded(region: TrueRegion):
    exact = region.query(
        "select measure_id, period_kind, period_start_date,"
        " sum(case when area_code = 'region' then denominator else -denominator end),"
        " sum(case when area_code = 'region' then numerator else -numerator end)"
        " from intermediate.int_board_measures group by all"
    )
    assert {row[3:] for row in exact.iter_rows()} == {(0, 0)}


def test_no_published_count_is_small_or_exact(region: TrueRegion):
    rows = region.mart("board_scorecard")
    exact = {
        row["key"]: row
        for row in region.query(
            "select measure_id || '|' || period_kind || '|' || cast(period_start_date as varchar) || '|' || area_code"
            " as key, numerator, denominator from intermediate.int_board_measures"
        ).iter_rows(named=True)
    }
    assert set(rows["scorecard_key"]) == set(exact)
    assert rows["is_hidden"].any()
    assert not rows["is_hidden"].all()
    for row in rows.iter_rows(named=True):
        true = exact[row["scorecard_key"]]
        met, counted = true["numerator"], true["denominator"]
        hidden = counted < 10 or 0 < met < 6 or 0 < counted - met < 6
        assert row["is_hidden"] == hidden, row["scorecard_key"]
        if not hidden:
            assert row["numerator"] == math.floor(met / 5 + 0.5) * 5
            assert row["denominator"] == math.floor(counted / 5 + 0.5) * 5


def test_every_measure_of_the_seed_is_counted(region: TrueRegion):
    declared = set(region.query("select measure_id from reference.board_measures")["measure_id"])
    counted = set(region.query("select distinct measure_id from intermediate.int_board_measure_rows")["measure_id"])
    assert counted == declared
