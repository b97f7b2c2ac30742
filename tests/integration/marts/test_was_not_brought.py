"""was_not_brought against the truth of the region."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta

import holidays

from tests.integration.marts.conftest import TrueRegion

CLOSED = holidays.country_holidays("GB", subdiv="WLS", years=range(2024, 2029))


def _working_days_after(day: date, count: int) -> date:
    """Day 0 is the day itself, whatever day of the week it is."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5 and day not in CLOSED
    return day


def _happenings(region: TrueRegion) -> dict[str, list[dict]]:
    by_child: dict[str, list[dict]] = defaultdict(list)
    for row in region.truth("appointments").iter_rows(named=True):
        if row["day_date"] <= region.as_of and row["outcome"] in ("missed", "attended", "unknown"):
            by_child[row["person_id"]].append(row)
    for rows in by_child.values():
        rows.sort(key=lambda row: (row["day_date"], row["minute"]))
    return by_child


def _key(row: dict) -> tuple[str, date]:
    return row["child_id"], row["missed_date"]


def test_every_missed_appointment_is_one_row_with_its_place_in_the_run(region: TrueRegion):
    expected = {}
    for child, rows in _happenings(region).items():
        run = unknown = 0
        for place, row in enumerate(rows):
            run = {"missed": run + 1, "attended": 0}.get(row["outcome"], run)
            unknown = {"attended": 0, "unknown": unknown + 1}.get(row["outcome"], unknown)
            if row["outcome"] == "missed":
                day = row["day_date"]
                first = day.replace(year=day.year - 1)
                inside = [each for each in rows[: place + 1]
                          if each["outcome"] == "missed" and each["day_date"] >= first]  # fmt: skip
                expected[child, day] = (run, unknown, len(inside), len(row["sources"].split(",")))
    columns = ("missed_in_a_row", "unknown_in_between", "missed_in_window")
    shown = {
        _key(row): (*(row[column] for column in columns), len(row["reported_by"].split(",")))
        for row in region.mart("was_not_brought").iter_rows(named=True)
    }
    assert len(expected) > 30
    assert shown == expected
    assert region.mart("was_not_brought").height == len(expected)
    runs = Counter(row for row, *_ in expected.values())
    assert runs[2] >= 5
    assert runs[3] >= 1


def test_a_review_is_due_in_five_working_days_and_from_the_second_missed_a_discussion_in_ten(region: TrueRegion):
    done: dict[tuple[str, str], list[date]] = defaultdict(list)
    for row in region.truth("was_not_brought_actions").iter_rows(named=True):
        done[row["person_id"], row["kind"]].append(row["day_date"])
    statuses = Counter()
    for row in region.mart("was_not_brought").iter_rows(named=True):
        for name, kind, days, from_number in (("review", "WNBREVIEW", 5, 1), ("discussion", "WNBDISC", 10, 2)):
            found = tuple(row[f"{name}_{column}"] for column in ("due_date", "done_date", "status", "days_overdue"))
            if row["missed_in_a_row"] < from_number:
                assert found == (None, None, None, None)
                continue
            due = _working_days_after(row["missed_date"], days)
            after = min((each for each in done[row["child_id"], kind] if each >= row["missed_date"]), default=None)
            if after is not None:
                status = "done_in_time" if after <= due else "done_late"
            else:
                status = "overdue" if region.as_of > due else "due"
            late = (region.as_of - due).days if status == "overdue" else None
            assert found == (due, after, status, late)
            statuses[status] += 1
    assert set(statuses) == {"done_in_time", "done_late", "due", "overdue"}


def test_a_looked_after_child_is_marked_as_such_on_the_day(region: TrueRegion):
    care = [(row["person_id"], row["started_date"], row["ended_date"])
            for row in region.truth("looked_after").iter_rows(named=True)]  # fmt: skip
    rows = region.mart("was_not_brought").select("child_id", "missed_date", "is_looked_after").rows()
    for child, day, shown in rows:
        assert shown == any(
            who == child and start <= day and (end is None or end > day) for who, start, end in care
        ), (child, day)
    assert {shown for *_, shown in rows} == {True, False}


def test_the_same_missed_appointment_from_both_feeds_is_one_row(region: TrueRegion):
    both = region.mart("was_not_brought").filter(reported_by="adt/PIMS,fhir/Community child health")
    assert both.height == 2
