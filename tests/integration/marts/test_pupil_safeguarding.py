"""pupil_safeguarding against the truth of the region, worked out here without SQL."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from tests.integration.marts.conftest import TrueRegion
from tests.integration.marts.days import months_on, working_days_on

MART = "pupil_safeguarding"
DSP_DAYS = 5
PEP_SCHOOL_DAYS = 20
WINDOW_MONTHS = 12
Rows = list[dict[str, Any]]


def _status(start: date, due: date | None, done: date | None, reason: str | None, as_of: date) -> str:
    if reason or due is None:
        return "not_computable"
    if done:
        return "done_in_time" if done <= due else "done_late"
    assert start <= as_of
    return "overdue" if as_of > due else "due"


def _school_day_on(days: list[date], start: date, count: int) -> date | None:
    """The count-th school day after a day, where the calendar reaches back to it."""
    ahead = sorted(day for day in days if day > start)
    return ahead[count - 1] if days and min(days) <= start and len(ahead) >= count else None


def _in_window(day: date, as_of: date) -> bool:
    return day <= as_of < months_on(day, WINDOW_MONTHS)


def _moves(stays: Rows, as_of: date) -> int:
    """Changes of school in the window; the first school that is known is none."""
    joined = sorted((stay["entry_date"], stay["school_id"]) for stay in stays if stay["entry_date"] <= as_of)
    return sum(before[1] != after[1] and _in_window(after[0], as_of) for before, after in pairwise(joined))


def _by_person(region: TrueRegion, table: str) -> dict[str, Rows]:
    found = defaultdict(list)
    for row in region.truth(table).iter_rows(named=True):
        found[row["person_id"]].append(row)
    return found


@pytest.fixture(scope="module")
def expected(region: TrueRegion) -> dict[str, dict[str, Any]]:
    """What the mart should say of each child."""
    as_of = region.as_of
    stays, concerns = _by_person(region, "enrolments"), _by_person(region, "school_safeguarding_concerns")
    attendance, exclusions = _by_person(region, "school_attendance"), _by_person(region, "school_exclusions")
    elsewhere = _by_person(region, "school_eotas_and_home_education")
    register, care = _by_person(region, "registrations"), _by_person(region, "looked_after")
    days = defaultdict(list)
    for school, day in region.truth("school_days").iter_rows():
        days[school].append(day)
    senders = {row["school_id"] for rows in concerns.values() for row in rows}
    # Whom no system knows by the UPN, no feed of schools can name.
    known = region.query(
        "select distinct child_id from intermediate.int_record_children inner join intermediate.persons"
        " using (record_key) where upn is not null"
    )["child_id"]
    numbered, found = set(known), {}
    for child in numbered | set(stays):
        there = [
            row
            for row in stays[child]
            if row["entry_date"] <= as_of and (row["leaving_date"] is None or row["leaving_date"] >= as_of)
        ]
        there.sort(key=lambda row: (row["entry_date"], row["leaving_date"] is None), reverse=True)
        open_now = [
            row
            for row in elsewhere[child] * (child in numbered)
            if row["start"] <= as_of and (row["end"] is None or row["end"] >= as_of)
        ]
        if not there and not open_now:
            continue
        school = there[0]["school_id"] if there else None
        said = concerns[child] * (child in numbered)
        row = {"school_id": school, "arrangement_kind": open_now[0]["kind"] if open_now else None}

        on_register = [r["registered_date"] for r in register[child] if r["deregistered_date"] is None]
        row["registered_date"] = start = max(on_register, default=None)
        told = [c["dsp_informed_date"] for c in said if c["category"] == "child_protection_register"]
        told = [day for day in told if day]
        row["dsp_informed_date"] = done = min((day for day in told if start and day >= start), default=None)
        missing = "no_school" if not school else "event_not_supplied" if not done and school not in senders else None
        due = working_days_on(start, DSP_DAYS) if start else None
        row["dsp_informed_status"] = _status(start, due, done, missing, as_of) if start else None
        row["why_dsp_informed_not_computable"] = missing if start else None
        row["has_dsp_informed_before_registration"] = bool(start) and any(day < start for day in told)

        in_care = [r["started_date"] for r in care[child] if r["ended_date"] is None]
        start = max(in_care, default=None)
        if start and there:
            start = max(start, there[0]["entry_date"])
        row["pep_clock_start_date"] = start
        plans = [c for c in said if c["category"] == "personal_education_plan"]
        made = [c["concern_date"] for c in plans if c["action"] == "completed"]
        row["pep_date"] = done = min((day for day in made if start and day >= start), default=None)
        row["pep_due_date"] = due = _school_day_on(days[school or ""], start, PEP_SCHOOL_DAYS) if start else None
        missing = (
            "no_school" if not school
            else "event_not_supplied" if not done and school not in senders
            else "no_school_calendar" if due is None
            else None
        )  # fmt: skip
        row["pep_status"] = _status(start, due, done, missing, as_of) if start else None
        row["why_pep_not_computable"] = missing if start else None

        ranges = [r for r in attendance[child] * (child in numbered) if _in_window(r["to_date"], as_of)]
        row["sessions_possible"] = sum(r["sessions_possible"] for r in ranges) if ranges else None
        row["sessions_attended"] = sum(r["sessions_attended"] for r in ranges) if ranges else None
        sent_away = [r for r in exclusions[child] * (child in numbered) if _in_window(r["started_date"], as_of)]
        row["exclusions"] = len(sent_away)
        row["permanent_exclusions"] = sum(r["category"] == "PERM" for r in sent_away)
        row["last_exclusion_date"] = max((r["started_date"] for r in sent_away), default=None)
        row["school_moves"] = _moves(stays[child], as_of)
        found[child] = row
    return found


@pytest.fixture(scope="module")
def rows(region: TrueRegion) -> dict[str, dict[str, Any]]:
    """The mart by child."""
    return {row["child_id"]: row for row in region.mart(MART).iter_rows(named=True)}


def test_every_pupil_of_the_truth_has_one_row_and_nobody_else(expected: dict, rows: dict):
    assert len(expected) > 1_000
    assert set(rows) == set(expected)


@pytest.mark.parametrize(
    "column",
    [
        "school_id", "arrangement_kind", "registered_date", "dsp_informed_date", "dsp_informed_status",
        "why_dsp_informed_not_computable", "has_dsp_informed_before_registration", "pep_clock_start_date", "pep_date",
        "pep_due_date", "pep_status", "why_pep_not_computable", "sessions_possible", "sessions_attended", "exclusions",
        "permanent_exclusions", "last_exclusion_date", "school_moves",
    ],
)  # fmt: skip
def test_a_column_is_that_of_the_truth_in_every_row(expected: dict, rows: dict, column: str):
    differing = Counter(
        (str(rows[key][column]), str(row[column])) for key, row in expected.items() if rows[key][column] != row[column]
    )
    assert not differing, differing.most_common(5)


def test_notices_are_those_of_the_other_mart_and_an_incident_counts_once(region: TrueRegion, rows: dict):
    seen, told = defaultdict(set), defaultdict(set)
    for row in region.mart("domestic_abuse_school_notifications").iter_rows(named=True):
        day = row["incident_date"]
        if row["child_id"] and day and region.as_of < months_on(day, WINDOW_MONTHS):
            seen[row["child_id"]].add(row["incident_key"])
            if row["sent_at"]:
                told[row["child_id"]].add(row["incident_key"])
    assert sum(row["domestic_abuse_incidents"] for row in rows.values()) > 20
    for child, row in rows.items():
        assert (row["domestic_abuse_incidents"], row["encompass_notices"]) == (len(seen[child]), len(told[child]))


def test_a_school_that_sends_no_concerns_is_never_late(rows: dict):
    silent = [row for row in rows.values() if row["why_dsp_informed_not_computable"] == "event_not_supplied"]
    assert silent
    assert {row["school_id"][-4:] for row in silent} == {"4041"}
    assert {row["dsp_informed_days_overdue"] for row in silent} == {None}


def test_a_day_of_informing_before_the_registration_is_shown_and_stops_no_clock(rows: dict):
    early = [row for row in rows.values() if row["has_dsp_informed_before_registration"]]
    assert early
    assert all(row["dsp_informed_date"] is None or row["dsp_informed_date"] >= row["registered_date"] for row in early)


def test_pupils_told_and_plans_made_in_time_and_late_occur(rows: dict):
    wanted = {"done_in_time", "done_late", "overdue", "not_computable"}
    assert wanted <= {row["dsp_informed_status"] for row in rows.values()}
    assert wanted - {"done_late"} <= {row["pep_status"] for row in rows.values()}


def test_a_plan_of_the_twentieth_school_day_is_in_time(region: TrueRegion, rows: dict):
    days = defaultdict(list)
    for school, day in region.truth("school_days").iter_rows():
        days[school].append(day)
    after = {
        sum(row["pep_clock_start_date"] < day <= row["pep_date"] for day in days[row["school_id"]]): row["pep_status"]
        for row in rows.values()
        if row["pep_date"] and row["pep_due_date"]
    }
    assert (after[19], after[20]) == ("done_in_time", "done_in_time")


def test_every_code_that_is_shown_has_its_labels(rows: dict):
    for column in ("arrangement_kind", "aln_provision", "dsp_informed_status", "pep_status", "last_exclusion_reason"):
        for row in rows.values():
            code = row.get(column, row.get(f"{column}_code"))
            assert (code is None) == (row[f"{column}_label_en"] is None) == (row[f"{column}_label_cy"] is None)
