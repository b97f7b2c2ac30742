"""strategy_discussions against the truth of the region, worked out in plain Python from the true lists."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

from tests.integration.marts.conftest import AS_OF, TrueRegion
from tests.integration.marts.days import working_days_on


def conference_status(due: date, held: date | None, not_required: bool) -> str:
    if held is not None:
        return "done_in_time" if held <= due else "done_late"
    return "not_required" if not_required else "overdue" if due < AS_OF else "due"


def test_every_discussion_of_the_truth_is_there_with_its_agencies_and_its_conference(region: TrueRegion):
    rows = region.truth("strategy_discussions").to_dicts()
    present = defaultdict(set)
    for row in region.truth("strategy_attendances").iter_rows(named=True):
        if row["was_present"]:
            present[row["discussion_id"]].add(row["attending_agency"])
    conference = {row["s47_id"]: row["conference_date"] for row in region.truth("case_initial_conferences").to_dicts()}
    enquiry = {row["s47_id"]: row for row in region.truth("case_s47_enquiries").to_dicts()}
    last = {}
    for row in sorted((row for row in rows if row["s47_id"] and row["held_at"]), key=lambda row: row["held_at"]):
        last[row["s47_id"]] = row["discussion_id"]
    expected: set[tuple[Any, ...]] = set()
    for row in rows:
        held, threshold, number = row["held_at"], row["threshold_reached_at"], row["s47_id"]
        backwards = held is not None and threshold is not None and held < threshold
        hours = None if None in (held, threshold) or backwards else (held - threshold).total_seconds() / 3600
        agencies = ",".join(sorted(present[row["discussion_id"]])) if held and present[row["discussion_id"]] else None
        due = status = done = None
        if number and last.get(number) == row["discussion_id"]:
            due, done = working_days_on(held.date(), 15), conference.get(number)
            status = conference_status(due, done, enquiry[number]["conference_not_required"] is True)
        expected.add((row["person_id"], f"CareDirector|{row['discussion_id']}", number, threshold, held, hours,
                      "event_before_anchor" if backwards else "no_number", agencies, row["outcome_code"], due, done,
                      status))  # fmt: skip
    columns = ("child_id", "discussion_key", "s47_id", "threshold_reached_at", "held_at", "hours_to_held",
               "why_hold_not_computable", "agencies_present", "outcome_code", "conference_due_date", "conference_date",
               "conference_status")  # fmt: skip
    assert len(expected) == len(rows) > 50
    assert set(region.mart("strategy_discussions").select(columns).iter_rows()) == expected


def test_the_planted_cases_are_all_there(region: TrueRegion):
    mart = region.mart("strategy_discussions")
    assert mart["held_at"].null_count() > 0  # not held yet
    assert mart["threshold_reached_at"].null_count() > 0
    assert "event_before_anchor" in set(mart["why_hold_not_computable"])
    assert {"no_further_action", "further_discussion"} <= set(mart["outcome_code"])
    assert mart["discussion_key"].n_unique() < len(mart)  # siblings
    assert mart.filter(mart["outcome_code"].is_not_null())["outcome_label_cy"].null_count() == 0
