"""The clocks and the two headline marts over a hand-made region: what no unit test of one model can say.

Put here: the seeds as committed, whole chains from landing to mart, and that a mart is a function of as_of. Keep out:
one rule at a time (the dbt unit tests beside the models, which run here too).
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.calendar import bank_holidays

SPRING = date(2026, 3, 31)
SUMMER = date(2026, 7, 31)
_OURS = ("--select", "+looked_after_health_assessments", "+register_reviews", "+looked_after_reviews_and_visits")
MARTS = ("looked_after_health_assessments", "register_reviews", "looked_after_reviews_and_visits")
CHILDREN = ("baby", "five", "unborn", "two councils", "returned")
# 31 March 2026 is a Tuesday; Good Friday is 3 April. The 20th working day after 2 March is 30 March.
FIRST_STATE: dict[str, list[dict[str, Any]]] = {
    "persons": [
        {"source_person_id": "baby", "birth_date": date(2025, 11, 1), "is_unborn": False},
        {"source_person_id": "five", "birth_date": date(2020, 9, 1), "is_unborn": False},
        {"source_person_id": "unborn", "expected_birth_date": date(2026, 6, 1), "is_unborn": True},
        {"source_person_id": "two councils", "birth_date": date(2019, 1, 1)},
        {"source_person_id": "returned", "birth_date": date(2015, 1, 1)},
    ],
    "looked_after_episodes": [
        {"episode_id": "e1", "source_person_id": "baby", "started_date": date(2026, 3, 2), "start_reason_code": "S",
         "legal_status_code": "C1"},
        {"episode_id": "e2", "source_person_id": "five", "started_date": date(2025, 1, 6), "start_reason_code": "S",
         "legal_status_code": "C2"},
        {"episode_id": "e3", "source_person_id": "returned", "started_date": date(2025, 1, 6), "start_reason_code": "S",
         "legal_status_code": "C2", "ended_date": date(2025, 12, 1)},
    ],
    "health_assessments": [
        {"health_assessment_id": "h1", "source_person_id": "five", "assessment_kind": "initial", "status": "completed",
         "requested_date": date(2025, 1, 8), "assessment_date": date(2025, 2, 3), "assessor_role": "doctor"},
        {"health_assessment_id": "h2", "source_person_id": "five", "assessment_kind": "review", "status": "completed",
         "assessment_date": date(2025, 8, 3), "assessor_role": "nurse"},
    ],
    "s47_enquiries": [
        {"s47_id": "s1", "source_person_id": "unborn", "strategy_discussion_date": date(2026, 1, 5)},
    ],
    "initial_conferences": [
        {"conference_id": "c1", "source_person_id": "unborn", "conference_date": date(2026, 1, 12), "s47_id": "s1",
         "conference_type": "pre_birth", "meeting_id": "m"},
        {"conference_id": "c2", "source_person_id": "two councils", "conference_date": date(2026, 1, 12),
         "meeting_id": "m", "conference_type": "initial"},
    ],
    "registrations": [
        {"registration_id": "r1", "source_person_id": "unborn", "registered_date": date(2026, 1, 12),
         "conference_id": "c1", "category_code": "NEG"},
        {"registration_id": "r2", "source_person_id": "two councils", "registered_date": date(2026, 1, 12),
         "conference_id": "c2", "category_code": "NEG"},
    ],
}  # fmt: skip
OTHER_COUNCIL: dict[str, list[dict[str, Any]]] = {
    "persons": [{"source_person_id": "x9", "birth_date": date(2019, 1, 1)}],
    "registrations": [
        {"registration_id": "r1", "source_person_id": "x9", "registered_date": date(2026, 2, 2)},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def region(make_region: Callable[[], Any]) -> Any:
    """Two councils as they stood in spring, built for that day."""
    region = make_region()
    region.deliver("social_care/case_export", "A", SPRING, FIRST_STATE)
    region.deliver("social_care/case_export", "B", SPRING, OTHER_COUNCIL)
    region.write_inputs()
    keys = [(f"social_care|A|{name}", name) for name in CHILDREN] + [("social_care|B|x9", "two councils")]
    region.write_links([
        {"record_key": key, "child_id": child, "cluster_size": 1, "link_confidence": 0.98, "link_method": "singleton",
         "linked_on": SPRING}
        for key, child in keys
    ])  # fmt: skip
    region.dbt("build", *_OURS, "--exclude", "resource_type:unit_test", as_of=SPRING)
    return region


@pytest.fixture(scope="module")
def spring(region: Any) -> dict[str, list[tuple[Any, ...]]]:
    """The marts of spring, before anything else is built."""
    return _marts(region)


def _marts(region: Any) -> dict[str, list[tuple[Any, ...]]]:
    return {mart: region.rows(f"select * from marts.{mart}") for mart in MARTS}


def test_the_working_calendar_agrees_with_a_count_of_its_own(region: Any, spring: dict):
    holidays = {holiday.holiday_date for holiday in bank_holidays(2000, 2040)}
    number, day, expected = 0, date(2000, 1, 1), []
    while day <= date(2040, 12, 31):
        working = day.weekday() < 5 and day not in holidays
        number += working
        expected.append((day, working, number))
        day += timedelta(days=1)
    found = region.rows(
        "select calendar_date, is_working_day, working_day_number from intermediate.int_working_calendar order by 1"
    )
    assert found == expected


def test_twenty_working_days_from_any_day_of_the_year_are_counted_one_by_one(region: Any, spring: dict):
    holidays = {holiday.holiday_date for holiday in bank_holidays(2025, 2028)}
    found = dict(region.rows("""
        select starts.calendar_date, ends.calendar_date
        from intermediate.int_working_calendar as starts
        inner join intermediate.int_working_calendar as ends
            on ends.is_working_day and ends.working_day_number = starts.working_day_number + 20
        where year(starts.calendar_date) in (2026, 2027)
    """))
    assert len(found) == 730
    for start, end in found.items():
        day, counted = start, 0
        while counted < 20:
            day += timedelta(days=1)
            counted += day.weekday() < 5 and day not in holidays
        assert end == day


def test_a_baby_whose_first_assessment_was_due_yesterday_is_overdue_by_one_day(region: Any, spring: dict):
    assert region.rows("""
        select assessment_number, kind, due_date, status, days_overdue, working_days_overdue, agreement, rule_status
        from marts.looked_after_health_assessments where child_id = 'baby'
    """) == [(1, "initial", date(2026, 3, 30), "overdue", 1, 1, "none", "unconfirmed")]


def test_the_chain_of_reviews_switches_to_the_long_interval_at_the_fifth_birthday(region: Any, spring: dict):
    assert region.rows("""
        select assessment_number, clock_start_date, due_date, done_date, status, rule_id, request_lag_days
        from marts.looked_after_health_assessments where child_id = 'five' order by 1
    """) == [
        (1, date(2025, 1, 6), date(2025, 2, 3), date(2025, 2, 3), "done_in_time", "iha_due", 2),
        (2, date(2025, 2, 3), date(2025, 8, 3), date(2025, 8, 3), "done_in_time", "rha_under5", None),
        (3, date(2025, 8, 3), date(2026, 8, 3), None, "due", "rha_5plus", None),
    ]


def test_only_children_looked_after_on_the_day_are_counted(region: Any, spring: dict):
    assert region.rows(
        "select distinct child_id from marts.looked_after_health_assessments order by 1"
    ) == [("baby",), ("five",)]


def test_a_child_on_two_registers_has_two_rows_and_siblings_share_a_conference(region: Any, spring: dict):
    assert region.rows("""
        select child_id, council_system, is_registered_before_birth, conference_status, next_review_due_date,
            review_anchor_event, siblings_in_conference, length_band
        from marts.register_reviews order by child_id, council_system
    """) == [
        ("two councils", "A", False, "not_computable", date(2026, 4, 12), "icpc", 1, "under_3_month"),
        ("two councils", "B", False, "not_computable", date(2026, 5, 2), "registration", 0, "under_3_month"),
        ("unborn", "A", True, "done_in_time", date(2026, 4, 12), "icpc", 1, "under_3_month"),
    ]


def test_the_seed_of_rules_has_a_source_for_every_number_and_no_key_twice(repository: Path):
    with (repository / "dbt_project/seeds/statutory_rules.csv").open(encoding="utf-8", newline="") as file:
        rules = list(csv.DictReader(file))
    keys = [(rule["rule_id"], rule["jurisdiction"], rule["valid_from"]) for rule in rules]
    assert len(keys) == len(set(keys))
    assert all(rule["source_title"] and rule["owner"] and rule["status"] for rule in rules)
    assert {rule["jurisdiction"] for rule in rules if rule["rule_id"] == "iha_due"} == {"wales", "england"}


def test_every_rule_that_a_clock_names_is_in_the_seed_for_wales(repository: Path, region: Any, spring: dict):
    known = {row[0] for row in region.rows("select rule_id from intermediate.int_rules_in_force")}
    with (repository / "dbt_project/tests/fixtures/clock_rules.csv").open(encoding="utf-8", newline="") as file:
        assert {rule["rule_id"] for rule in csv.DictReader(file)} <= known


def test_an_old_as_of_gives_the_old_marts_after_newer_deliveries(region: Any, spring: dict):
    later = {table: [dict(row) for row in rows] for table, rows in FIRST_STATE.items()}
    later["looked_after_episodes"][0]["ended_date"] = date(2026, 5, 5)
    later["health_assessments"].append(
        {"health_assessment_id": "h3", "source_person_id": "five", "assessment_kind": "review", "status": "completed",
         "assessment_date": date(2026, 6, 30)}
    )  # fmt: skip
    region.deliver("social_care/case_export", "A", SUMMER, later)
    region.write_inputs()
    region.dbt("run", *_OURS, as_of=SUMMER)
    assert region.rows("""
        select child_id, assessment_number, status, due_date from marts.looked_after_health_assessments
        where done_date is null
    """) == [("five", 4, "due", date(2027, 6, 30))]
    assert region.rows(
        "select count(*) from marts.register_reviews where review_status = 'overdue' and days_on_register > 170"
    ) == [(3,)]

    region.dbt("run", *_OURS, as_of=SPRING)
    assert _marts(region) == spring
