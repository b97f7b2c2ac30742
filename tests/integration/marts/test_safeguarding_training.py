"""safeguarding_training against the truth of the region, worked out in plain Python from the true lists."""

from __future__ import annotations

import calendar
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import pytest

from tests.integration.marts.conftest import AS_OF, TrueRegion

YEARS = 3  # every refresh rule of the synthetic region
GROUPS = ("group_a", "group_b", "group_c", "group_d", "group_e", "group_f")


def months_on(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    last = calendar.monthrange(day.year + years, month + 1)[1]
    return date(day.year + years, month + 1, min(day.day, last))


def first_due(group: str, start: date) -> date:
    if group == "group_a":
        return start + timedelta(days=7)
    return start + timedelta(days=28) if group == "group_b" else months_on(start, 6)


def status_of(group: str, done: date | None, start: date | None, is_exempt: bool) -> tuple[str, date | None]:
    due = months_on(done, YEARS * 12) if done else first_due(group, start) if start else None
    if is_exempt:
        return "exempt", due
    if due is None:
        return "not_computable", None
    if done:
        return ("in_date" if due >= AS_OF else "expired"), due
    return ("never_done_due" if due >= AS_OF else "never_done_overdue"), due


def expected(rows: list[dict[str, Any]]) -> dict[tuple[str, str, str], tuple[Any, ...]]:
    """(agency, number, group) to (role, on leave, last done, status, date) of everyone in role."""
    people = defaultdict(list)
    for row in rows:
        people[row["agency"], row["employee_number"]].append(row)
    found = {}
    for (agency, number), theirs in people.items():
        present = [
            row
            for row in theirs
            if (row["role_started_date"] or date.min) <= AS_OF and (row["role_ended_date"] or date.max) >= AS_OF
        ]
        if not present:
            continue
        post = max(present, key=lambda row: (row["role_started_date"] or date.min, row["assignment_number"]))
        asked = {row["course_group"] for row in theirs} - {None}
        for group in asked if asked & set(GROUPS) else {*asked, "group_a"}:
            same = [row for row in theirs if row["course_group"] == group]
            days = [row["completed_date"] for row in same if row["completed_date"]]
            done = max((day for day in days if day <= AS_OF), default=None)
            status = status_of(group, done, post["role_started_date"], any(row["is_exempt"] for row in same))
            found[agency, number, group] = (post["role_title"], post["is_on_leave"], done, *status)
    return found


@pytest.fixture(scope="module")
def found(region: TrueRegion) -> dict[tuple[str, str, str], dict[str, Any]]:
    """The mart's rows by agency, number and group."""
    return {
        (row["agency"], row["staff_key"].split("|")[2], row["course_group"]): row
        for row in region.mart("safeguarding_training").iter_rows(named=True)
    }


def test_every_staff_member_of_the_truth_is_there_with_the_status_of_each_group(region: TrueRegion, found: dict):
    wanted = expected(list(region.truth("training_courses").iter_rows(named=True)))
    assert len(wanted) > 400
    assert {status for *_, status, _ in wanted.values()} == {
        "in_date", "expired", "never_done_due", "never_done_overdue", "exempt", "not_computable",
    }  # fmt: skip
    shown = {
        key: (row["role_title"], row["is_on_leave"], row["last_completed_date"], row["training_status"],
              row["valid_until_date"] or row["first_due_date"])
        for key, row in found.items()
    }  # fmt: skip
    assert shown == wanted


@pytest.mark.parametrize(
    ("number", "group", "status", "days_overdue"),
    [
        ("90001", "group_b", "in_date", None),  # three years ago to the day
        ("90002", "group_b", "expired", 1),
        ("90003", "group_b", "never_done_due", None),  # four weeks in the role today
        ("90004", "group_b", "never_done_overdue", 1),
        ("90005", "group_a", "in_date", None),  # 29 February 2024 holds to 28 February 2027
        ("90006", "group_a", "never_done_overdue", 2),  # only fire safety, nine days in the role
        ("90007", "group_a", "not_computable", None),
        ("90009", "group_a", "in_date", None),  # the last day at work
        ("900011", "group_b", "never_done_overdue", 6049),  # completed on a day to come
        ("900012", "group_b", "in_date", None),  # the employer's own date has passed, the rule's has not
        ("900013", "group_b", "never_done_overdue", 371),
        ("900014", "group_a", "never_done_overdue", None),
        ("900015", "group_a", "exempt", None),
    ],
)
def test_planted_staff(found: dict, number: str, group: str, status: str, days_overdue: int | None):
    for agency in ("health", "police", "education", "social_care"):
        row = found[agency, number, group]
        assert row["training_status"] == status
        if days_overdue:
            assert row["days_overdue"] == days_overdue


def test_who_has_left_or_not_begun_is_not_there(found: dict):
    assert not {number for _, number, _ in found} & {"90008", "900010"}


def test_a_completion_to_come_and_an_expiry_of_the_employers_own_are_remarked(found: dict):
    assert found["health", "900011", "group_b"]["has_completion_after_as_of"]
    assert found["health", "900012", "group_b"]["is_expiry_different"]
    assert found["health", "900013", "group_b"]["role_title"] == "Present post"


def test_the_shares_are_counted_from_the_truth(region: TrueRegion):
    rows = expected(list(region.truth("training_courses").iter_rows(named=True)))
    shares: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for (agency, _, group), (_, is_on_leave, _, status, _) in rows.items():
        if not is_on_leave and status != "exempt":
            shares[agency, group].append(status == "in_date")
    summary = region.mart("safeguarding_training_summary")
    shown = {
        (row["agency"], row["course_group"]): (row["staff_counted"], row["staff_in_date"], row["is_target_met"])
        for row in summary.iter_rows(named=True)
        if row["scope"] == "agency"
    }
    assert shown == {
        key: (len(those), sum(those), sum(those) >= 0.85 * len(those)) for key, those in shares.items()
    }
