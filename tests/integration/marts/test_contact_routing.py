"""contact_routing against the truth of the region, worked out row by row from what the council truly knows."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.integration.marts.conftest import TrueRegion
from tests.integration.marts.days import months_on, working_days_between, working_days_on

COLUMNS = (
    "contact_id", "child_id", "contact_date", "route", "outcome_code", "is_no_further_action", "decision_days",
    "decision_working_days", "referral_date", "funnel_stage", "is_re_referral", "step_up_date", "step_down_date",
    "is_early_help_on_register", "mash_without_action_days", "is_repeat_without_action", "children_in_contact",
)  # fmt: skip
STAGES = ("referral", "assessment", "strategy_discussion", "conference", "registered")


def by_person(frame: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    grouped = defaultdict(list)
    for row in frame.iter_rows(named=True):
        grouped[row["person_id"]].append(row)
    return grouped


def stages_of_referrals(region: TrueRegion) -> dict[str, str]:
    """The furthest stage of each referral, by the ids that the rows name."""
    stage = {row["referral_id"]: 0 for row in region.truth("case_referrals").iter_rows(named=True)}
    enquiries = {row["s47_id"]: row["referral_id"] for row in region.truth("case_s47_enquiries").iter_rows(named=True)}
    conferences = {
        row["conference_id"]: enquiries[row["s47_id"]]
        for row in region.truth("case_initial_conferences").iter_rows(named=True)
    }
    reached = [(row["referral_id"], 1) for row in region.truth("case_assessments").iter_rows(named=True)]
    reached += [(referral, 2) for referral in enquiries.values()]
    reached += [(referral, 3) for referral in conferences.values()]
    reached += [
        (conferences[row["conference_id"]], 4) for row in region.truth("case_registrations").iter_rows(named=True)
    ]
    for referral, at in reached:
        stage[referral] = max(stage[referral], at)
    return {referral: STAGES[at] for referral, at in stage.items()}


def expected_rows(region: TrueRegion) -> list[dict[str, Any]]:
    contacts = by_person(region.truth("case_contacts"))
    referrals = by_person(region.truth("case_referrals"))
    strategies = by_person(region.truth("case_s47_enquiries"))
    registrations = by_person(region.truth("case_registrations"))
    gateway = region.truth("early_help_requests")
    known_there = set(gateway["case_early_help_id"].drop_nulls())
    case_only = region.truth("case_early_help").filter(~pl.col("early_help_id").is_in(known_there))
    asked = defaultdict(list)
    for row in [*gateway.iter_rows(named=True), *case_only.iter_rows(named=True)]:
        asked[row["person_id"]].append(row["requested_date"])
    stages = stages_of_referrals(region)
    families = dict(region.truth("case_persons").select("person_id", "family_group_id").iter_rows())
    events = Counter(
        (families[person] or person, day)
        for person, rows in contacts.items() for day in {row["contact_date"] for row in rows}
    )  # fmt: skip
    found = []
    for person, rows in contacts.items():
        theirs = sorted(referrals[person], key=lambda row: (row["referral_date"], row["referral_id"]))
        led_to: dict[str, dict[str, Any]] = {}
        for referral in theirs:
            day = referral["referral_date"]
            before = [row for row in rows if row["contact_date"] <= day <= working_days_on(row["contact_date"], 10)]
            if before:
                last = max(row["contact_date"] for row in before)
                latest = [row for row in before if row["contact_date"] == last]
                same = [row for row in latest if row["source_code"] == referral["source_code"]] or latest
                led_to.setdefault(min(row["contact_id"] for row in same), referral)
        no_action = {
            row["contact_id"]: row["outcome_code"] == "nfa"
            or bool(led_to.get(row["contact_id"], {}).get("is_no_further_action"))
            for row in rows
        }
        hub_days = {row["contact_date"] for row in rows if row["route"] == "mash" and no_action[row["contact_id"]]}
        days = {row["referral_date"] for row in theirs}
        received = {row["referral_id"]: row["referral_date"] for row in theirs}
        raised = list(received.items())
        raised += [(row["referral_id"], row["strategy_discussion_date"]) for row in strategies[person]]
        for row in rows:
            start, decided = row["contact_date"], row["decision_date"]
            referral = led_to.get(row["contact_id"])
            earlier = max((day for day in days if referral and day < referral["referral_date"]), default=None)
            anchor = decided or start
            own = {referral["referral_id"]} if referral and referral["referral_date"] <= anchor else set()
            up = [day for of, day in raised if of not in own and anchor < day <= months_on(anchor, 12)]
            closed = referral["closed_date"] if referral else None
            down = [day for day in asked[person] if closed and closed <= day <= months_on(closed, 3)]
            on_register = any(
                time["registered_date"] <= start < (time["deregistered_date"] or date.max)
                for time in registrations[person]
            )
            hub = row["route"] == "mash" and no_action[row["contact_id"]]
            times = sum(day <= start <= months_on(day, 12) for day in hub_days) if hub else 0
            found.append(dict(zip(COLUMNS, (
                row["contact_id"], person, start, row["route"], row["outcome_code"], no_action[row["contact_id"]],
                (decided - start).days if decided else None, working_days_between(start, decided),
                referral["referral_date"] if referral else None,
                stages[referral["referral_id"]] if referral else "contact",
                None if earlier is None else referral["referral_date"] <= months_on(earlier, 12),
                min(up, default=None) if row["route"] == "early_help" else None, min(down, default=None),
                row["route"] == "early_help" and on_register, times, times >= 3,
                events[families[person] or person, start],
            ), strict=True)))  # fmt: skip
    return sorted(found, key=lambda row: row["contact_id"])


@pytest.fixture(scope="module")
def expected(region: TrueRegion) -> list[dict[str, Any]]:
    return expected_rows(region)


def test_every_contact_of_the_truth_has_its_row_and_every_row_its_contact(region: TrueRegion, expected: list):
    found = region.mart("contact_routing").select(COLUMNS).sort("contact_id").to_dicts()
    assert len(found) == len(expected) > 100
    pairs = list(zip(found, expected, strict=True))
    assert Counter(name for ours, theirs in pairs for name in COLUMNS if ours[name] != theirs[name]) == Counter()


def test_contacts_that_were_entered_by_mistake_and_deleted_are_gone(region: TrueRegion):
    assert not region.mart("contact_routing")["contact_id"].str.starts_with("CONX").any()


def test_each_stage_and_route_occurs(expected: list):
    assert {row["funnel_stage"] for row in expected} == {"contact", *STAGES}
    assert {row["route"] for row in expected} >= {"mash", "early_help", "advice", "other"}


def test_a_child_on_the_register_was_sent_to_early_help_and_the_one_who_left_that_day_does_not_count(
    region: TrueRegion,
):
    mart = region.mart("contact_routing").filter(pl.col("route") == "early_help")
    assert mart["is_early_help_on_register"].sum() >= 2
    left = region.truth("case_registrations").select("person_id", contact_date="deregistered_date").drop_nulls()
    same_day = mart.join(left, left_on=["child_id", "contact_date"], right_on=["person_id", "contact_date"])
    assert len(same_day) > 0
    assert not same_day["is_early_help_on_register"].any()


def test_the_hub_heard_of_a_family_three_times_without_action_and_of_another_a_day_too_long_ago(region: TrueRegion):
    this_month = region.mart("contact_routing").filter(pl.col("contact_date") > date(2026, 11, 1))
    last = this_month.filter(pl.col("is_no_further_action"))
    assert set(last["mash_without_action_days"]) == {2, 3}
    assert (last["is_repeat_without_action"] == (last["mash_without_action_days"] == 3)).all()


def test_cases_went_up_from_early_help_and_down_to_it_and_one_of_each_was_too_late(region: TrueRegion):
    mart = region.mart("contact_routing")
    assert mart["step_up_date"].is_not_null().sum() >= 2
    assert mart["step_down_date"].is_not_null().sum() >= 2
    referred = mart.drop_nulls("referral_date").group_by("child_id").agg(pl.col("referral_date").max())
    late = mart.filter(pl.col("route") == "early_help").join(referred, on="child_id", suffix="_last").filter(
        (pl.col("referral_date_last") > pl.col("contact_date").dt.offset_by("12mo")) & pl.col("step_up_date").is_null()
    )  # fmt: skip
    assert len(late) > 0


def test_every_window_says_that_it_is_a_local_choice(region: TrueRegion):
    mart = region.mart("contact_routing")
    for rule in ("referral", "step_up", "step_down", "repeat"):
        assert set(mart[f"{rule}_rule_status"]) == {"local_choice"}
