"""emergency_attendances and emergency_attendance_windows against the truth of the region."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.integration.marts.conftest import TrueRegion

GROUPS = {"Fall": "injury", "Head injury": "head_injury", "Burn or scald": "burn_or_scald", "Self harm": "self_harm"}
UTC, LONDON = ZoneInfo("UTC"), ZoneInfo("Europe/London")


@dataclass(frozen=True)
class Attendance:
    child: str
    visit: str
    day: date
    minute: int
    category: str
    outcome: str
    injury: str
    sources: str

    @property
    def order(self) -> tuple[date, int, str]:
        return self.day, self.minute, self.visit


def _months_after(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(day.year + years, month + 1, last)
        except ValueError:
            continue
    raise AssertionError


def _true(region: TrueRegion) -> list[Attendance]:
    return [
        Attendance(
            row["person_id"], row["visit"], row["day_date"], row["minute"], row["category"] or "not_supplied",
            row["outcome"] or "not_supplied", GROUPS.get(row["reason"], "illness"), row["sources"],
        )
        for row in region.truth("emergency_attendances").iter_rows(named=True)
    ]  # fmt: skip


def _births(region: TrueRegion) -> dict[str, date]:
    """The birth dates that the marts can know, which systems write down wrongly now and then."""
    return dict(region.query("select child_id, birth_date from intermediate.int_clock_children").iter_rows())


def _shown(region: TrueRegion) -> dict[str, dict]:
    rows = region.mart("emergency_attendances").iter_rows(named=True)
    return {row["attendance_key"].split("|")[-1]: row for row in rows}


def test_every_attendance_of_the_truth_is_one_row_and_no_other(region: TrueRegion):
    expected = {
        each.visit: (each.child, each.day, each.category, each.outcome, each.injury, len(each.sources.split(",")))
        for each in _true(region)
    }
    columns = ("child_id", "attended_date", "attendance_category", "outcome", "injury_group", "systems_reporting")
    shown = {visit: tuple(row[column] for column in columns) for visit, row in _shown(region).items()}
    assert len(expected) > 700
    assert shown == expected
    assert region.mart("emergency_attendances").height == len(expected)


def test_arrivals_are_london_times(region: TrueRegion):
    shown = _shown(region)
    for each in _true(region):
        there = datetime(each.day.year, each.day.month, each.day.day, tzinfo=LONDON) + timedelta(minutes=each.minute)
        arrived = shown[each.visit]["attended_at"]
        assert arrived.astimezone(UTC) == there.astimezone(UTC)


def test_each_attendance_is_a_repeat_by_the_rules_that_count_it(region: TrueRegion):
    """Three in 12 months; two in 30 days under one; more than three in 6 months. The last day is in the window."""
    births, by_child = _births(region), defaultdict(list)
    for each in _true(region):
        by_child[each.child].append(each)
    ends: dict[str, tuple[Callable[[date], date], int, int]] = {
        "default": (lambda day: _months_after(day, 12), 18, 3),
        "infant": (lambda day: day + timedelta(days=30), 1, 2),
        "leeds": (lambda day: _months_after(day, 6), 18, 4),
    }
    shown, repeats = _shown(region), Counter()
    for child, attendances in by_child.items():
        attendances.sort(key=lambda each: each.order)
        for place, this in enumerate(attendances):
            for name, (end, age, least) in ends.items():
                adult = _months_after(births[child], 12 * age)
                counted = [
                    each for each in attendances[: place + 1]
                    if each.category != "planned_return" and each.day < adult and this.day <= end(each.day)
                ]  # fmt: skip
                is_repeat = this in counted and len(counted) >= least
                row = shown[this.visit]
                assert (row[f"attendances_in_{name}_window"], row[f"is_repeat_{name}"]) == (len(counted), is_repeat)
                repeats[name] += is_repeat
    assert min(repeats[name] for name in ends) >= 4


def test_repeat_attenders_of_the_day_are_counted_from_the_window_that_ends_on_it(region: TrueRegion):
    births, expected = _births(region), {}
    for name, (window, age, least) in {
        "default": (lambda day: _months_after(day, 12), 18, 3),
        "infant": (lambda day: day + timedelta(days=30), 1, 2),
        "leeds": (lambda day: _months_after(day, 6), 18, 4),
    }.items():
        inside = [
            each for each in _true(region)
            if window(each.day) >= region.as_of and each.day < _months_after(births[each.child], 12 * age)
        ]  # fmt: skip
        for child in {each.child for each in inside}:
            kinds = Counter(each.category == "planned_return" for each in inside if each.child == child)
            expected[child, name] = (kinds[False], kinds[True], kinds[False] >= least)
    rows = region.mart("emergency_attendance_windows").iter_rows(named=True)
    shown = {
        (row["child_id"], row["repeat_rule"]): (row["attendances"], row["planned_returns"], row["is_repeat_attender"])
        for row in rows
    }
    assert shown == expected
    assert sum(is_repeat for _, _, is_repeat in shown.values()) > 10


def test_the_child_is_known_to_social_care_by_what_was_open_on_the_day(region: TrueRegion):
    spans: dict[str, dict[str, list[tuple[date, date | None]]]] = {}
    for name, table, start, end in (
        ("is_looked_after", "looked_after", "started_date", "ended_date"),
        ("is_on_register", "registrations", "registered_date", "deregistered_date"),
        ("has_open_referral", "case_referrals", "referral_date", "closed_date"),
    ):
        spans[name] = defaultdict(list)
        for row in region.truth(table).iter_rows(named=True):
            closed = row[end]
            if name == "has_open_referral" and closed is None and row["is_no_further_action"]:
                closed = row["decision_date"]
            if row["person_id"] is not None and row[start] <= region.as_of:
                spans[name][row["person_id"]].append((row[start], closed))
    known = Counter()
    for row in region.mart("emergency_attendances").iter_rows(named=True):
        day = row["attended_date"]
        for name, of_child in spans.items():
            open_then = any(start <= day and (end is None or day < end) for start, end in of_child[row["child_id"]])
            assert row[name] == open_then, (name, row["attendance_key"])
            known[name] += open_then
    assert min(known.values()) > 0


def test_an_attendance_under_a_number_that_was_merged_away_counts_for_the_child(region: TrueRegion):
    """Planted: before the merge children attended under the retired number; one visit ends under the surviving one."""
    people = region.truth("record_persons").filter(agency="health", feed="adt", system="PIMS")
    retired = {f"health|PIMS|{row['source_person_id']}" for row in people.iter_rows(named=True) if row["is_retired"]}
    rows = [
        (row["child_id"], set(row["source_record_keys"].split(",")))
        for row in region.mart("emergency_attendances").iter_rows(named=True)
    ]
    under_both = [child for child, keys in rows if keys & retired and keys - retired]
    under_retired = [child for child, keys in rows if keys <= retired]
    assert under_both
    assert under_retired
    children = {f"health|PIMS|{row['source_person_id']}": row["person_id"] for row in people.iter_rows(named=True)}
    for child, keys in rows:
        assert {children.get(key, child) for key in keys} == {child}


def test_what_followed_lay_within_the_fortnight(region: TrueRegion):
    """The rule's 14 days; a contact on the day counts, an appointment only if it was not made before."""
    contacts = defaultdict(list)
    for row in region.truth("case_contacts").iter_rows(named=True):
        contacts[row["person_id"]].append(row["contact_date"])
    found = Counter(row["follow_up"] for row in region.mart("emergency_attendances").iter_rows(named=True))
    assert min(found[code] for code in ("social_care_contact", "none_known", "not_yet")) > 0
    for row in region.mart("emergency_attendances").iter_rows(named=True):
        day = row["attended_date"]
        until = day + timedelta(days=14)
        near = [each for each in contacts[row["child_id"]] if day <= each <= min(until, region.as_of)]
        assert row["follow_up_until_date"] == until
        if row["follow_up"] == "social_care_contact":
            assert row["follow_up_date"] == min(near)
        elif row["follow_up"] == "appointment":
            assert day < row["follow_up_date"] <= until
        else:
            assert not near
            assert row["follow_up"] == ("none_known" if until < region.as_of else "not_yet")
