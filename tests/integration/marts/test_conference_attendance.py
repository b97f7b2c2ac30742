"""conference_attendance against the truth of the region, worked out in plain Python from the true lists."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import Any

import polars as pl

from tests.integration.marts.conftest import AS_OF, TrueRegion
from tests.integration.marts.days import is_working_day

Conference = tuple[str, str, str, str, date]  # child, number, meeting, kind, day


def report_due(day: date) -> date:
    """Two working days before; a day off counts as the working day after it."""
    while not is_working_day(day):
        day += timedelta(days=1)
    left = 2
    while left:
        day -= timedelta(days=1)
        left -= is_working_day(day)
    return day


def report_status(row: dict[str, Any], day: date) -> str:
    if row["report_required"] is False:
        return "not_required"
    due, sent = report_due(day), row["report_sent_date"]
    if sent is not None and sent <= AS_OF:
        return "done_in_time" if sent <= due else "done_late"
    return "overdue" if due < AS_OF else "due"


def attendance(row: dict[str, Any], day: date) -> str:
    if day > AS_OF:
        return "to_come"
    if row["attended"] is None:
        return "not_recorded"
    return "attended" if row["attended"] else "apologies" if row["apologies_sent"] else "absent"


def quorum(rows: list[dict[str, Any]], day: date) -> str:
    if not rows:
        return "not_computable"
    if day > AS_OF:
        return "to_come"
    agencies = {row["invited_agency"] for row in rows if row["attended"]}
    if "social_care" in agencies and len(agencies) >= 3:
        return "quorate"
    return "not_computable" if any(row["attended"] is None for row in rows) else "not_quorate"


def conferences(region: TrueRegion) -> list[Conference]:
    initial = region.truth("case_initial_conferences").select(
        "person_id", "conference_id", "meeting_id", "conference_type", "conference_date"
    )
    review = region.truth("case_review_conferences").select(
        "person_id", "review_conference_id", "meeting_id", pl.lit("review"), "review_date"
    )
    found = [*initial.iter_rows(), *review.iter_rows()]
    return [conference for conference in found if conference[4] <= AS_OF]


def test_every_invitation_of_the_truth_is_there_for_every_child_of_its_conference(region: TrueRegion):
    meeting_of = {number: meeting for _, number, meeting, _, _ in conferences(region)}
    children = defaultdict(list)
    for child, _, meeting, kind, day in conferences(region):
        children[meeting].append((child, kind, day))
    lists = defaultdict(list)
    for row in region.truth("conference_invitations").iter_rows(named=True):
        lists[row["meeting_id"] or meeting_of[row["conference_id"]]].append(row)
    expected: Counter[tuple[Any, ...]] = Counter()
    for meeting in children.keys() | lists.keys():
        rows = lists[meeting]
        for child, kind, day in children[meeting] or [(None, None, rows[0]["conference_date"])]:
            judged = quorum(rows, day)
            head = (child, f"CareDirector|meeting|{meeting}", kind, day, judged)
            for row in rows:
                expected[*head, row["invited_agency"], row["role_code"], attendance(row, day), report_due(day),
                         report_status(row, day), f"CareDirector|{row['invitation_id']}"] += 1  # fmt: skip
            if not rows:
                expected[*head, None, None, "no_list", None, None, None] += 1
    columns = ("child_id", "conference_key", "conference_kind", "conference_date", "quorum_status", "invited_agency",
               "role_code", "attendance_status", "report_due_date", "report_status", "invitation_key")  # fmt: skip
    actual = Counter(region.mart("conference_attendance").select(columns).iter_rows())
    assert len(expected) > 500
    assert actual == expected


def test_the_planted_cases_are_all_there(region: TrueRegion):
    mart = region.mart("conference_attendance")
    assert {"no_list", "not_recorded", "to_come", "absent", "apologies"} <= set(mart["attendance_status"])
    assert {"not_quorate", "quorate", "to_come", "not_computable"} == set(mart["quorum_status"])
    assert {"not_supplied", "attendance_not_recorded"} <= set(mart["why_quorum_not_computable"])
    assert {0, 1} <= set(mart.filter(mart["quorum_status"] == "not_quorate")["other_agencies_present"])


def test_siblings_in_one_meeting_are_one_conference(region: TrueRegion):
    mart = region.mart("conference_attendance").filter(attendance_status="attended")
    together = mart.filter(mart["children_in_conference"] > 1)
    assert together["conference_key"].n_unique() < together.select("conference_key", "child_id").n_unique()
    assert together["invitation_key"].n_unique() < len(together)


def test_every_code_has_its_labels_and_every_judgement_its_rule(region: TrueRegion):
    mart = region.mart("conference_attendance")
    for code in ("invited_agency", "attendance_status", "report_status", "quorum_status", "conference_kind"):
        there = mart.filter(mart[code].is_not_null())
        assert there[f"{code}_label_en"].null_count() == there[f"{code}_label_cy"].null_count() == 0
    listed = mart.filter(mart["invitation_key"].is_not_null())
    assert listed["role_label_cy"].null_count() == 0
    assert set(listed["report_rule_status"]) == set(listed["quorum_rule_status"]) == {"local_choice"}
