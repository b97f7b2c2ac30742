"""child_chronology and multi_agency_signals against the truth of the region: social care's events, child by child."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date

from tests.integration.marts.conftest import TrueRegion

# Kind of event to the truth's table and the column with its day.
DATED = {
    "contact": ("contacts", "contact_date"),
    "referral": ("referrals", "referral_date"),
    "assessment_started": ("assessments", "started_date"),
    "assessment_completed": ("assessments", "completed_date"),
    "strategy_discussion": ("s47_enquiries", "strategy_discussion_date"),
    "s47_started": ("s47_enquiries", "started_date"),
    "s47_completed": ("s47_enquiries", "completed_date"),
    "initial_conference": ("initial_conferences", "conference_date"),
    "registered": ("registrations", "registered_date"),
    "deregistered": ("registrations", "deregistered_date"),
    "review_conference": ("review_conferences", "review_date"),
    "core_group": ("core_groups", "core_group_date"),
    "placement_started": ("placements", "started_date"),
    "looked_after_review": ("looked_after_reviews", "review_date"),
    "early_help_requested": ("early_help", "requested_date"),
    "early_help_started": ("early_help", "started_date"),
    "early_help_closed": ("early_help", "closed_date"),
    "missing": ("missing_episodes", "started_date"),
}
RAISED_BY = {"police": "police", "school": "education", "health": "health", "family": "public", "anonymous": "public",
             "housing": "other", "other_council": "social_care"}  # fmt: skip
Event = tuple[str, str, date]


def _expected(region: TrueRegion) -> Counter[Event]:
    """Kind, child and day of every event that the council's system truly holds."""
    found: Counter[Event] = Counter()
    for kind, (table, column) in DATED.items():
        for row in region.truth(f"case_{table}").iter_rows(named=True):
            if row[column] is not None and row[column] <= region.as_of:
                found[kind, row["person_id"], row[column]] += 1
    return found


def test_every_event_that_social_care_recorded_is_in_the_childs_chronology(region: TrueRegion):
    rows = region.query(
        "select event_type, child_id, event_date from marts.child_chronology"
        " where agency = 'social_care' and recorded_by_system = 'CareDirector'"
    )
    shown = Counter(row for row in rows.iter_rows() if row[0] in DATED)
    expected = _expected(region)
    assert sum(expected.values()) > 1_000
    assert shown == expected


def test_a_referral_is_raised_by_the_agency_that_made_it(region: TrueRegion):
    true = {
        row["referral_id"]: RAISED_BY[row["source_code"]]
        for row in region.truth("case_referrals").iter_rows(named=True)
        if row["referral_date"] <= region.as_of
    }
    rows = region.query("select source_row_id, raised_by from marts.child_chronology where event_type = 'referral'")
    assert dict(rows.iter_rows()) == true
    assert {"police", "education", "health"} <= set(true.values())


def test_a_child_was_not_brought_where_the_truth_says_so_and_not_where_it_was_a_mistake(region: TrueRegion):
    truth = list(region.truth("appointments").iter_rows(named=True))
    missed = {(row["person_id"], row["day_date"]) for row in truth if row["outcome"] == "missed"}
    rows = region.query(
        "select child_id, event_date from marts.child_chronology where event_type = 'missed_appointment'"
    )
    shown = list(rows.iter_rows())
    assert set(shown) == missed
    assert len(shown) == len(missed), "the same appointment in two feeds is planted and counts once"
    assert any(row["outcome"] == "attended" and row["sources"] == "adt" for row in truth)


def test_brothers_and_sisters_in_one_meeting_share_its_event(region: TrueRegion):
    meetings = defaultdict(set)
    for row in region.truth("case_initial_conferences").iter_rows(named=True):
        meetings[row["meeting_id"]].add(row["person_id"])
    together = sorted(children for children in map(sorted, meetings.values()) if len(children) > 1)
    shown = region.query(
        "select list_sort(list(child_id)) from marts.child_chronology where event_type = 'initial_conference'"
        " group by group_key having count(*) > 1"
    )
    assert together
    assert sorted(row[0] for row in shown.iter_rows()) == together


def test_the_signals_of_a_child_are_the_signal_events_of_its_chronology(region: TrueRegion):
    events = region.query("select child_id, event_date, raised_by from marts.child_chronology where is_signal")
    marts = region.mart("multi_agency_signals")
    windows = {"signal_window_short": date(2026, 8, 22), "signal_window_long": date(2025, 11, 20)}
    shown = set(marts["child_id"])
    for window, after in windows.items():
        agencies, count = defaultdict(set), Counter()
        for child, day, raised_by in events.iter_rows():
            if day > after:
                count[child] += 1
                if raised_by in ("social_care", "health", "education", "police"):
                    agencies[child].add(raised_by)
        expected = {child: (number, len(agencies[child])) for child, number in count.items() if child in shown}
        rows = marts.filter(marts["window_rule_id"] == window)
        assert {row["child_id"]: (row["signals_count"], row["agencies_count"])
                for row in rows.iter_rows(named=True)} == expected  # fmt: skip
