"""The training marts over a hand-made region: the dbt unit tests, and that staff never become persons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

DAY = date(2026, 11, 20)
_OURS = ("--select", "+safeguarding_training_summary")
NURSE = {"employee_number": "1", "role_title": "Nurse", "directorate": "Surgery", "role_started_date": date(2020, 1, 1)}


@pytest.fixture(scope="module")
def region(make_region: Callable[[], Any]) -> Any:
    """A health board whose nurse is in date and a force with an interval of its own whose officer is not."""
    region = make_region()
    rows = [NURSE | {"course_name": "Safeguarding Group B", "completed_date": date(2024, 6, 1)}]
    region.deliver("health/training", "ESR", DAY, {"staff_courses": rows})
    region.deliver("police/training", "Learning", DAY, {"staff_courses": rows})
    region.overrides.append(("training_group_b_refresh_interval_police", 2.0, "year", "Chief officers"))
    region.overrides.append(("training_target_police", 90.0, "count", "Chief officers"))
    region.write_inputs()
    region.write_links([])
    region.dbt("build", "--exclude", "resource_type:unit_test", *_OURS, as_of=DAY)
    return region


def test_an_agency_may_have_an_interval_and_a_target_of_its_own(region: Any):
    assert region.rows("""
        select agency, training_status, valid_until_date, rule_status, target_percent from marts.safeguarding_training
        order by 1
    """) == [
        ("health", "in_date", date(2027, 6, 1), "secondary", 85),
        ("police", "expired", date(2026, 6, 1), "local_choice", 90),
    ]


def test_a_directorate_and_its_agency_are_counted_once_each(region: Any):
    assert region.rows("""
        select agency, scope, staff_counted, staff_in_date, in_date_percent, is_target_met
        from marts.safeguarding_training_summary order by 1, 2
    """) == [
        ("health", "agency", 1, 1, 100.0, True), ("health", "directorate", 1, 1, 100.0, True),
        ("police", "agency", 1, 0, 0.0, False), ("police", "directorate", 1, 0, 0.0, False),
    ]  # fmt: skip


def test_no_model_of_persons_reads_staff(repository: Any):
    readers = {
        path.parent.name
        for path in (repository / "dbt_project" / "models").rglob("*.sql")
        if "staff_courses" in path.read_text(encoding="utf-8") and "int_" in path.name
    }
    assert readers == {"workforce"}
