"""looked_after_reviews_and_visits against the truth of the region, counted in plain Python."""

from __future__ import annotations

import calendar
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import holidays
import polars as pl
import pytest

from tests.integration.marts.conftest import TrueRegion

CLOSED = holidays.country_holidays("GB", subdiv="WLS", years=range(2005, 2029))
WEEKS = {
    "visit_first": 1, "visit_year1": 6, "visit_later_other": 6, "visit_parent_before_assessed_to_review": 1,
    "visit_parent_before_assessed_after_review": 6, "visit_temp_connected_to_review": 1,
    "visit_temp_connected_after_review": 4,
}  # fmt: skip
COLUMNS = ("child_id", "event_kind", "placement_started_date", "event_number", "rule_id", "clock_start_date",
           "due_date", "done_date", "status", "days_late", "days_overdue")  # fmt: skip


def _months(day: date, count: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _working_days(day: date, count: int) -> date:
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5 and day not in CLOSED
    return day


def _due(rule: str, start: date) -> date:
    if rule == "lac_review_1":
        return _working_days(start, 20)
    if rule in ("lac_review_2", "visit_later_longterm"):
        return _months(start, 3)
    if rule == "lac_review_n":
        return _months(start, 6)
    return start + timedelta(weeks=WEEKS[rule])


def _judge(rule: str, start: date, done: date | None, end: date | None, as_of: date) -> tuple[Any, ...]:
    due = _due(rule, start)
    late = max(0, ((done or end or as_of) - due).days)
    if done:
        status = "done_in_time" if done <= due else "done_late"
    elif end:
        status = "ended"
    else:
        status = "overdue" if as_of > due else "due"
    return rule, start, due, done, status, late, late if status == "overdue" else None


def _by_child(frame: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    found = defaultdict(list)
    for row in frame.iter_rows(named=True):
        found[row["person_id"]].append(row)
    return found


def _visit_rule(place: dict[str, Any], start: date, legal: str, first_review: date | None) -> str:
    after = first_review is not None and first_review <= start
    if place["placement_type_code"] == "P1":
        duty = "temp_connected" if legal == "C1" else "parent_before_assessed"
        return f"visit_{duty}_{'after_review' if after else 'to_review'}"
    if start < _months(place["started_date"], 12):
        return "visit_year1"
    return "visit_later_longterm" if place["is_long_term"] else "visit_later_other"


def _expected(region: TrueRegion) -> set[tuple[Any, ...]]:
    as_of, rows = region.as_of, set()
    reviews, visits = _by_child(region.truth("case_looked_after_reviews")), _by_child(region.truth("case_visits"))
    places, episodes = _by_child(region.truth("case_placements")), _by_child(region.truth("case_looked_after_episodes"))
    for child, periods in _by_child(region.truth("looked_after")).items():
        for period in periods:
            start, end = period["started_date"], period["ended_date"]
            held = sorted({r["review_date"] for r in reviews[child] if start < r["review_date"] <= (end or as_of)})
            for number, (anchor, done) in enumerate(zip([start, *held], [*held, None], strict=True), start=1):
                rule = f"lac_review_{number if number < 3 else 'n'}"
                rows.add((child, "review", None, number, *_judge(rule, anchor, done, end, as_of)))
            inside = sorted(
                (p for p in places[child] if start <= p["started_date"] <= (end or as_of)),
                key=lambda place: place["started_date"],
            )
            for place, following in zip(inside, [*inside[1:], None], strict=True):
                first = place["started_date"]
                ends = (place["ended_date"], following and following["started_date"], end)
                left = min((day for day in ends if day), default=None)
                made = sorted({
                    v["visit_date"] for v in visits[child]
                    if v["visit_type"] == "looked_after" and v["was_seen"] is not False
                    and first <= v["visit_date"] <= (left or as_of)
                    and not (following and v["visit_date"] >= following["started_date"])
                })  # fmt: skip
                for number, (anchor, done) in enumerate(zip([first, *made], [*made, None], strict=True), start=1):
                    begun = (e for e in episodes[child] if e["started_date"] <= anchor)
                    legal = max((e["started_date"], e["legal_status_code"]) for e in begun)[1]
                    review = held[0] if held else None
                    rule = "visit_first" if number == 1 else _visit_rule(place, anchor, legal, review)
                    rows.add((child, "visit", first, number, *_judge(rule, anchor, done, left, as_of)))
    return rows


@pytest.fixture(scope="module")
def mart(region: TrueRegion) -> pl.DataFrame:
    return region.mart("looked_after_reviews_and_visits")


def test_every_due_review_and_visit_of_the_truth_is_there_with_its_days_rule_and_status(
    region: TrueRegion, mart: pl.DataFrame
):
    expected = _expected(region)
    assert len(expected) > 400
    assert set(mart.select(COLUMNS).iter_rows()) == expected
    assert len(mart) == len(expected)


def test_the_region_has_every_duty_and_every_switch(mart: pl.DataFrame):
    assert set(mart["rule_id"]) == {*WEEKS, "visit_later_longterm", "lac_review_1", "lac_review_2", "lac_review_n"}
    assert set(mart["status"]) == {"done_in_time", "done_late", "due", "overdue", "ended"}


def test_a_visit_at_which_the_child_was_not_seen_is_no_visit(region: TrueRegion, mart: pl.DataFrame):
    unseen = region.truth("case_visits").filter(~pl.col("was_seen"), pl.col("visit_type") == "looked_after")
    seen = region.truth("case_visits").filter(pl.col("was_seen").fill_null(value=True))
    only_unseen = unseen.join(seen, on=["person_id", "visit_date"], how="anti")
    done = mart.filter(pl.col("event_kind") == "visit").select(person_id="child_id", visit_date="done_date")
    assert len(only_unseen) > 20
    assert len(only_unseen.join(done, on=["person_id", "visit_date"])) == 0


def test_every_row_says_which_rule_made_it_and_how_sure_that_rule_is(mart: pl.DataFrame):
    assert mart.select(pl.col("rule_id", "rule_status", "rule_source", "source_delivery_ids", "data_current_to")
                       .is_null().any()).row(0) == (False,) * 5  # fmt: skip
    by_parent = mart.filter(pl.col("visit_variant") != "ordinary", pl.col("event_kind") == "visit")
    assert set(by_parent["variant_status"]) == {"unconfirmed"}
