"""early_help_waiting_list against the truth of the region: both systems' requests, the same one once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from tests.integration.marts.conftest import TrueRegion
from tests.integration.marts.days import working_days_between

COLUMNS = (
    "child_id", "early_help_id", "case_early_help_id", "reported_by", "team", "ward", "request_source",
    "requested_date", "allocated_date", "started_date", "closed_date", "state", "waiting_days",
    "waiting_working_days", "days_to_start", "working_days_to_start", "do_dates_differ",
)  # fmt: skip
DAYS = ("requested_date", "allocated_date", "started_date", "closed_date")


def state(row: dict[str, Any]) -> str:
    if row["closed_date"]:
        return "closed_after_service" if row["started_date"] else "closed_without_service"
    return "started" if row["started_date"] else "allocated" if row["allocated_date"] else "waiting"


def expected_rows(region: TrueRegion) -> list[dict[str, Any]]:
    case = {row["early_help_id"]: row for row in region.truth("case_early_help").iter_rows(named=True)}
    merged = []
    for row in region.truth("early_help_requests").iter_rows(named=True):
        other = case.pop(row["case_early_help_id"], None)
        kept = row | {"early_help_id": row["request_id"], "reported_by": "both" if other else "early_help_system"}
        kept["do_dates_differ"] = None
        if other:
            kept["do_dates_differ"] = any(row[name] != other[name] for name in DAYS)
            kept |= {name: row[name] or other[name] for name in (*DAYS, "team")}
        merged.append(kept)
    for key, row in case.items():
        merged.append(row | {
            "early_help_id": None, "case_early_help_id": key, "reported_by": "case_system", "ward": None,
            "request_source": None, "do_dates_differ": None,
        })  # fmt: skip
    for row in merged:
        start, begun = row["requested_date"], row["started_date"]
        end = row["allocated_date"] or begun or row["closed_date"] or region.as_of
        row |= {
            "child_id": row["person_id"], "state": state(row), "waiting_days": (end - start).days,
            "waiting_working_days": working_days_between(start, end),
            "days_to_start": (begun - start).days if begun else None,
            "working_days_to_start": working_days_between(start, begun),
        }  # fmt: skip
    return sorted(({name: row[name] for name in COLUMNS} for row in merged), key=_key)


def _key(row: dict[str, Any]) -> tuple[str, str]:
    return row["early_help_id"] or "", row["case_early_help_id"] or ""


@pytest.fixture(scope="module")
def expected(region: TrueRegion) -> list[dict[str, Any]]:
    return expected_rows(region)


def test_every_request_of_either_system_is_there_once(region: TrueRegion, expected: list):
    found = sorted(region.mart("early_help_waiting_list").select(COLUMNS).to_dicts(), key=_key)
    assert len(found) == len(expected) > 40
    pairs = list(zip(found, expected, strict=True))
    assert Counter(name for ours, theirs in pairs for name in COLUMNS if ours[name] != theirs[name]) == Counter()


def test_each_state_occurs_and_each_way_a_request_is_known(expected: list):
    assert {row["state"] for row in expected} == {
        "waiting", "allocated", "started", "closed_without_service", "closed_after_service",
    }  # fmt: skip
    assert {row["reported_by"] for row in expected} == {"early_help_system", "case_system", "both"}


def test_a_second_request_weeks_later_is_a_request_of_its_own(region: TrueRegion):
    days = region.mart("early_help_waiting_list").sort("requested_date").group_by("child_id").agg("requested_date")
    again = [rows for rows in days["requested_date"].to_list() if len(rows) > 1]
    assert again
    assert all(later - first > timedelta(days=7) for rows in again for first, later in pairwise(rows))


def test_children_of_the_early_help_system_are_the_children_of_the_other_agencies(region: TrueRegion):
    mart = region.mart("early_help_waiting_list").filter(pl.col("reported_by") == "early_help_system")
    agencies = region.mart("child_index").select("child_id", "agencies")
    joined = mart.join(agencies, on="child_id")
    assert len(joined) == len(mart) > 0
    assert joined["agencies"].str.contains("health").any()


def test_no_number_judges_nobody(region: TrueRegion):
    mart = region.mart("early_help_waiting_list")
    assert set(mart["allocation_status"]) == {"not_computable"}
    assert set(mart["why_allocation_not_computable"]) == {"no_number"}
    assert set(mart["rule_status"]) == {"local_choice"}
