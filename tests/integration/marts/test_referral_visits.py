"""referral_visits against the truth of the region.

The expectation is worked out from what the council truly knows, row by row, with a calendar counted here.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from tests.integration.marts.conftest import TrueRegion
from tests.integration.marts.days import months_on, working_days_between, working_days_on

COLUMNS = (
    "referral_id", "child_id", "referral_date", "decision_date", "decision_due_date", "decision_status",
    "decision_working_days", "first_visit_date", "first_visit_working_days", "first_seen_date",
    "first_seen_working_days", "first_seen_alone_date", "first_seen_alone_working_days", "referral_visits",
    "visit_band", "not_seen_working_days", "visit_alert_status", "assessment_due_date", "assessment_date",
    "assessment_status", "previous_referral_date", "is_re_referral", "is_referred_before_birth", "children_in_referral",
)  # fmt: skip


def status(due: date, done: date | None, as_of: date) -> str:
    if done is not None:
        return "done_in_time" if done <= due else "done_late"
    return "overdue" if as_of > due else "due"


def band(days: int) -> str:
    return "0_1" if days <= 1 else "2_5" if days <= 5 else "6_10" if days <= 10 else "over_10"


def expected_rows(region: TrueRegion) -> list[dict[str, Any]]:
    as_of = region.as_of
    people = {row["person_id"]: row for row in region.truth("case_persons").iter_rows(named=True)}
    visits, assessments = {}, {}
    for row in region.truth("case_visits").filter(pl.col("visit_type") == "referral").iter_rows(named=True):
        visits.setdefault(row["person_id"], []).append(row)
    for row in region.truth("case_assessments").drop_nulls("completed_date").iter_rows(named=True):
        assessments.setdefault(row["referral_id"], []).append(row["completed_date"])
    referrals = region.truth("case_referrals").filter(pl.col("referral_date") <= as_of).to_dicts()
    days: dict[str, set[date]] = {}
    for row in referrals:
        days.setdefault(row["person_id"], set()).add(row["referral_date"])
    families = Counter()
    for row in referrals:
        row["family"] = people[row["person_id"]]["family_group_id"] or row["person_id"]
    for family, day, _ in {(row["family"], row["referral_date"], row["person_id"]) for row in referrals}:
        families[family, day] += 1
    rows = []
    for row in referrals:
        person, start, closed = people[row["person_id"]], row["referral_date"], row["closed_date"]
        no_action = bool(row["is_no_further_action"])
        born = person["birth_date"]
        unborn = born > start if born else person["expected_birth_date"] is not None
        answers = [v for v in visits.get(row["person_id"], []) if start <= v["visit_date"] <= (closed or as_of)]
        tried = min((v["visit_date"] for v in answers), default=None)
        seen = min((v["visit_date"] for v in answers if v["was_seen"]), default=None)
        alone = min((v["visit_date"] for v in answers if v["was_seen"] and v["seen_alone"]), default=None)
        assessed = min(assessments.get(row["referral_id"], []), default=None)
        earlier = max((day for day in days[row["person_id"]] if day < start), default=None)
        due, alert, assess = (working_days_on(start, n) for n in (1, 5, 42))
        needless = no_action or unborn
        place = (
            "not_required" if no_action else "before_birth" if unborn else "not_seen" if seen is None
            else band(working_days_between(start, seen))
        )  # fmt: skip
        rows.append(dict(zip(COLUMNS, (
            row["referral_id"], row["person_id"], start, row["decision_date"], due,
            status(due, row["decision_date"], as_of), working_days_between(start, row["decision_date"]),
            tried, working_days_between(start, tried), seen, working_days_between(start, seen),
            alone, working_days_between(start, alone), len(answers), place,
            working_days_between(start, closed or as_of) if place == "not_seen" else None,
            "not_required" if needless else "ended" if closed and not seen else status(alert, seen, as_of),
            assess, assessed,
            "not_required" if no_action else "ended" if closed and not assessed else status(assess, assessed, as_of),
            earlier, None if earlier is None else start <= months_on(earlier, 12), unborn,
            families[row["family"], start],
        ), strict=True)))  # fmt: skip
    return sorted(rows, key=lambda row: row["referral_id"])


@pytest.fixture(scope="module")
def expected(region: TrueRegion) -> list[dict[str, Any]]:
    return expected_rows(region)


def test_every_referral_of_the_truth_has_its_row_and_every_row_its_referral(region: TrueRegion, expected: list):
    found = region.mart("referral_visits").select(COLUMNS).sort("referral_id").to_dicts()
    assert len(found) == len(expected) >= 100
    pairs = list(zip(found, expected, strict=True))
    assert Counter(name for ours, theirs in pairs for name in COLUMNS if ours[name] != theirs[name]) == Counter()


def test_each_band_and_each_way_a_clock_can_end_occurs(expected: list):
    assert {row["visit_band"] for row in expected} == {
        "0_1", "2_5", "6_10", "over_10", "not_seen", "not_required", "before_birth",
    }  # fmt: skip
    assert {row["assessment_status"] for row in expected} >= {
        "done_in_time", "done_late", "due", "overdue", "not_required",
    }  # fmt: skip
    assert {row["decision_status"] for row in expected} >= {"done_in_time", "done_late"}
    assert {row["is_re_referral"] for row in expected} == {True, False, None}


def test_a_child_who_was_visited_and_not_seen_is_tried_and_not_seen(region: TrueRegion):
    unseen = region.mart("referral_visits").filter(pl.col("visit_band") == "not_seen")
    tried = unseen.drop_nulls("first_visit_date").filter(pl.col("first_seen_date").is_null())
    assert len(tried) > 0
    assert tried["first_visit_working_days"].min() >= 0


def test_brothers_and_sisters_referred_together_are_one_referral_of_a_family(region: TrueRegion):
    events = region.mart("referral_visits").group_by("referral_event_key").agg(
        pl.col("child_id").n_unique().alias("children"), pl.col("children_in_referral").unique(),
        pl.col("referral_date").n_unique().alias("days"),
    )  # fmt: skip
    assert events["children"].max() > 1
    assert events["days"].max() == 1
    assert events["children_in_referral"].list.to_struct(fields=["only"]).struct.field("only").to_list() == (
        events["children"].to_list())  # fmt: skip


def test_no_national_deadline_is_pretended_for_the_visit(region: TrueRegion):
    mart = region.mart("referral_visits")
    assert set(mart["visit_alert_rule_id"]) == {"first_visit_alert"}
    assert set(mart["visit_alert_rule_status"]) == {"local_choice"}
    assert set(mart["band_rule_status"].drop_nulls()) == {"local_choice"}
    assert set(mart["assessment_rule_status"]) == {"confirmed"}
    assert mart["data_current_to"].null_count() == 0
    assert (mart["data_current_to"] > region.as_of - timedelta(days=30)).all()
