"""domestic_abuse_school_notifications against the truth of the region, worked out here without SQL."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.integration.marts.conftest import TrueRegion

LONDON = ZoneInfo("Europe/London")
START = time(9, 0)
MART = "domestic_abuse_school_notifications"


def _birthday(born: date, age: int) -> date:
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 2, 28)


def _next_start(days: list[date], happened: datetime) -> datetime | None:
    """The first 09:00 of a school day after an instant; none when the calendar does not reach back to it."""
    starts = [datetime.combine(day, START, LONDON) for day in days]
    if not starts or starts[0] > happened:
        return None
    return next((start for start in starts if start > happened), None)


def _school_on(stays: list[dict[str, Any]], day: date) -> str | None:
    there = [s for s in stays if s["entry_date"] <= day and (s["leaving_date"] is None or day <= s["leaving_date"])]
    there.sort(key=lambda s: s["school_id"])
    there.sort(key=lambda s: s["leaving_date"] or date.max, reverse=True)
    there.sort(key=lambda s: s["entry_date"], reverse=True)
    return there[0]["school_id"] if there else None


@pytest.fixture(scope="module")
def expected(region: TrueRegion) -> dict[tuple[str, str], dict[str, Any]]:
    """What the mart should say of each incident and child whom the police's numbers name."""
    stays, days, notices = defaultdict(list), defaultdict(list), defaultdict(list)
    for row in region.truth("enrolments").iter_rows(named=True):
        stays[row["person_id"]].append(row)
    for school, day in region.truth("school_days").iter_rows():
        days[school].append(day)
    births = dict(region.truth("persons").select("person_id", "birth_date").iter_rows())
    # Of the simulated systems only one gives the names of its schools.
    named_schools = "select distinct school_name, school_id from staging.stg_education_school_census__pupils"
    names = dict(region.query(f"{named_schools} where school_name is not null").iter_rows())
    happened: dict[tuple[str, str], datetime] = {}
    named: dict[tuple[str, str], str | None] = {}
    for row in region.truth("domestic_abuse_incidents").iter_rows(named=True):
        key = row["incident_reference"], row["person_id"]
        happened[key], named[key] = row["incident_at"], names.get(row["school_name"] or "")
    for row in region.truth("encompass_notices").iter_rows(named=True):
        key = row["incident_reference"], row["person_id"] or f"police|Niche|{row['police_person_id']}"
        happened[key] = row["incident_at"]
        notices[key].append(row)
    found = {}
    for key, at in happened.items():
        told = sorted(
            (n for n in notices[key] if n["sent_at"] and not n["is_undeliverable"] and n["sent_at"] >= at),
            key=lambda n: (n["sent_at"], n["notice_reference"]),
        )
        sent_at_all = sorted((n for n in notices[key] if n["sent_at"]), key=lambda n: n["sent_at"])
        chosen = (told or sent_at_all or notices[key] or [{}])[0]
        day = at.astimezone(LONDON).date()
        officer = chosen.get("recipient_kind") == "council_officer"
        by_police = chosen.get("recipient_school_id") or named.get(key)
        enrolled = _school_on(stays[key[1]], day)
        calendar = chosen.get("recipient_school_id") if officer else by_police or enrolled
        due = _next_start(days[calendar or ""], at)
        sent = told[0]["sent_at"] if told else None
        born = births.get(key[1])
        scope = (
            "age_not_known" if born is None
            else "over_age" if day >= _birthday(born, 18)
            else "below_school_age" if not officer and calendar is None and day < _birthday(born, 4)
            else "in_scope"
        )  # fmt: skip
        lost = any(n["is_undeliverable"] for n in notices[key]) and not sent
        early = any(n["sent_at"] and n["sent_at"] < at for n in notices[key])
        exempt = any(n["exempt_reason"] for n in notices[key]) and not sent
        status = (
            "out_of_scope" if scope in ("over_age", "below_school_age")
            else "exempt" if exempt
            else "no_school_known" if calendar is None and not officer and not sent
            else "undeliverable" if lost
            else "not_computable" if due is None or (early and not sent)
            else "done_in_time" if sent and sent <= due
            else "done_late" if sent
            else "overdue" if due.date() < region.as_of
            else "due"
        )  # fmt: skip
        late = int((sent - due) / timedelta(minutes=1)) if sent and due and sent > due else None
        found[key] = {
            "status": status, "school_id": None if officer else calendar, "enrolled_school_id": enrolled,
            "due_at": due, "sent_at": sent, "minutes_late": late, "age_scope": scope,
        }  # fmt: skip
    return found


@pytest.fixture(scope="module")
def rows(region: TrueRegion) -> dict[tuple[str, str], dict[str, Any]]:
    """The mart by incident and child."""
    return {
        (row["incident_reference"], row["child_id"] or row["notification_key"].removeprefix("Niche|ENCPLANT91|")): row
        for row in region.mart(MART).iter_rows(named=True)
    }


def test_every_incident_and_child_of_the_truth_has_its_row_and_no_other(expected: dict, rows: dict):
    # A notification that was sent on purpose without a readable time lands: it names a child all the same.
    landed = {key for key in rows if not key[0].startswith("PPNBAD")}
    assert len(expected) > 150
    assert landed == set(expected)


@pytest.mark.parametrize(
    "column", ["school_id", "enrolled_school_id", "age_scope", "due_at", "sent_at", "status", "minutes_late"]
)
def test_a_column_is_that_of_the_truth_in_every_row(expected: dict, rows: dict, column: str):
    differing = {key for key, row in expected.items() if rows[key][column] != row[column]}
    assert not differing, (len(differing), Counter((rows[key]["status"], expected[key]["status"]) for key in differing))


def test_every_status_but_due_occurs(expected: dict):
    statuses = Counter(row["status"] for row in expected.values())
    assert set(statuses) >= {
        "done_in_time", "done_late", "overdue", "undeliverable", "no_school_known", "exempt", "out_of_scope",
        "not_computable",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("case", "status", "local"),
    [
        ("friday night, sent on Monday before school", "done_in_time", "Mon 09:00"),
        ("friday night, sent on Monday after school began", "done_late", "Mon 09:00"),
        ("sunday before a training day", "done_in_time", "Tue 09:00"),
        ("first day of half term", "done_in_time", "Tue 09:00"),
        ("christmas holiday", "done_in_time", "Tue 09:00"),
        ("weekend when the clocks change", "done_in_time", "Mon 09:00"),
        ("school day before school, sent in the next hour", "done_in_time", "Mon 09:00"),
        ("school day after school began", "done_in_time", "Tue 09:00"),
        ("bank holiday weekend", "done_in_time", "Tue 09:00"),
        ("sent before it happened", "not_computable", "Mon 09:00"),
    ],
)
def test_a_planted_incident_is_due_at_nine_of_the_clock_of_london(
    region: TrueRegion, rows: dict, case: str, status: str, local: str
):
    planted = {row["case"]: row for row in region.truth("encompass_planted").iter_rows(named=True)}[case]
    row = rows[planted["incident_reference"], planted["person_id"]]
    assert (row["status"], row["due_at"].astimezone(LONDON).strftime("%a %H:%M")) == (status, local)


def test_two_children_of_one_incident_are_two_rows_two_schools_and_one_event(region: TrueRegion):
    two = region.truth("encompass_planted").filter(case="two children at two schools")["incident_reference"][0]
    found = region.mart(MART).filter(incident_reference=two)
    assert found["incident_key"].n_unique() == 1
    assert found["school_id"].n_unique() == 2
    assert found.select("children_in_incident", "schools_in_incident").unique().rows() == [(2, 2)]


def test_a_child_educated_at_home_is_the_councils_officers(region: TrueRegion):
    row = region.mart(MART).filter(incident_reference="ENCPLANT90").row(0, named=True)
    assert (row["is_for_council_officer"], row["school_id"], row["status"]) == (True, None, "done_in_time")


def test_a_person_whom_no_notification_has_keeps_the_row_without_a_child(region: TrueRegion):
    row = region.mart(MART).filter(incident_reference="ENCPLANT91").row(0, named=True)
    assert (row["child_id"], row["status"], row["age_scope"]) == (None, "done_in_time", "age_not_known")


def test_a_notice_to_a_school_that_the_child_does_not_attend_is_shown(region: TrueRegion):
    assert region.mart(MART).filter(is_sent_to_enrolled_school=False).height > 0


def test_every_row_shows_its_rule_and_its_labels(region: TrueRegion):
    mart = region.mart(MART)
    assert set(mart["rule_status"]) == {"secondary"}
    for column in ("status_label_en", "status_label_cy", "school_known_by_label_en", "school_known_by_label_cy"):
        assert mart[column].null_count() == 0
