"""What feeds fail to send and how long events take, over a hand-made region; and the dbt unit tests of quality."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

DAY = date(2026, 11, 20)
# Weeks apart (in days before DAY) of each system's deliveries, weekly with one day of grace, and how many are missing.
WEEKLY = {
    "every week": ((21, 14, 7, 0), 0),
    "one left out": ((28, 14, 7, 0), 1),
    "five days late": ((28, 16, 7, 0), 0),
    "a day early after one left out": ((27, 14, 7, 1), 1),
    "last day of grace": ((15, 8), 0),
    "first day without": ((16, 9), 1),
    "silent for three weeks": ((30, 23), 3),
    "twice on a day": ((14, 14, 7, 0), 0),
    "held only": ((), None),
}


@pytest.fixture(scope="module")
def region(make_region: Callable[[], Any]) -> Any:
    """A police system for each pattern of deliveries, and one whose notifications come late."""
    region = make_region()
    for system, (days, _) in WEEKLY.items():
        region.feeds.append({"agency": "police", "feed": "ppn", "system": system, "mode": "delta", "cadence": "weekly",
                             "cadence_days": 7, "arrival_deadline_days": 1})  # fmt: skip
        for before in days:
            region.deliver("police/ppn", system, DAY - timedelta(days=before), {}, mode="delta")
    region.deliver("police/ppn", "held only", DAY, {}, mode="delta", state="held")
    for as_at, notes in (
        (DAY - timedelta(days=14), [("old", 400)]),  # history, not measured
        (DAY - timedelta(days=7), [("old", 400), ("three days", 10), ("nine days", 16)]),
        (DAY, [("three days", 10), ("four days", 4), ("dated later", -3)]),  # one is sent again
    ):
        rows = [
            {"notification_reference": name, "person_role": "victim", "police_person_id": name,
             "incident_at": datetime.combine(DAY - timedelta(days=before), datetime.min.time(), UTC)}
            for name, before in notes
        ]  # fmt: skip
        region.deliver("police/ppn", "Slow", as_at, {"notification_persons": rows}, mode="delta")
    region.write_inputs()
    region.dbt("build", "--exclude", "resource_type:unit_test", "--select", "+feed_status", "+int_recording_lags",
               as_of=DAY)  # fmt: skip
    return region


def test_a_delivery_that_did_not_come_is_counted_once_for_each_cadence(region: Any):
    found = dict(region.rows("select system, deliveries_missing from marts.feed_status where is_configured"))
    assert found == {system: missing for system, (_, missing) in WEEKLY.items()}


def test_a_feed_nobody_configured_has_no_cadence_to_miss(region: Any):
    assert region.rows("select deliveries_missing from marts.feed_status where system = 'Slow'") == [(None,)]


def test_an_event_is_visible_from_the_delivery_that_first_had_it(region: Any):
    # 3, 9 and 4 days; the history of the first delivery and an event dated after its delivery are left out.
    assert region.rows(
        "select median_days_to_visible, events_measured from marts.feed_status where system = 'Slow'"
    ) == [(4.0, 3)]
