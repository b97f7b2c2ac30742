"""need_trends against the truth of the region."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from tests.integration.marts.conftest import TrueRegion


def _month(day: date) -> date:
    return day.replace(day=1)


def test_the_months_of_registrations_are_those_of_the_truth(region: TrueRegion):
    children, families = defaultdict(set), defaultdict(set)
    group_of = {row["person_id"]: row["family_group_id"] for row in region.truth("case_persons").iter_rows(named=True)}
    first = None
    for row in region.truth("case_registrations").iter_rows(named=True):
        day, child = row["registered_date"], row["person_id"]
        first = min(first or day, day)
        children[_month(day)].add(child)
        families[_month(day)].add((group_of[child] or row["registration_id"], day))
    rows = region.query(
        "select month_start_date, events_count, children_count from marts.need_trends"
        " where series = 'registered' and area_code = 'region' and not is_forecast order by 1"
    )
    assert first is not None
    shown = {month: (events, count) for month, events, count in rows.iter_rows()}
    assert shown == {month: (len(families[month]), len(children[month])) for month in shown}
    assert sum(count for _, count in shown.values()) > 0
    assert min(shown) == (first if first.day == 1 else _month(date(first.year, first.month, 28)).replace(
        year=first.year + first.month // 12, month=first.month % 12 + 1))  # fmt: skip
    assert max(shown) == date(2026, 10, 1), "November is not over on the 20th"


def test_the_areas_add_up_to_the_region_by_children(region: TrueRegion):
    rows = region.query(
        "select series, month_start_date,"
        " sum(case when area_code = 'region' then children_count end),"
        " sum(case when area_code <> 'region' then children_count end)"
        " from marts.need_trends where not is_forecast group by all"
    )
    assert len(rows) > 50
    assert [row for row in rows.iter_rows() if row[2] != row[3]] == []


def test_only_a_series_that_is_long_enough_is_forecast_six_months_ahead(region: TrueRegion):
    rows = region.query(
        "select series, area_code, max(history_months),"
        " count(case when is_forecast then 1 end) from marts.need_trends group by all"
    )
    assert {count for *_, months, count in rows.iter_rows() if months >= 10} == {6}
    assert {count for *_, months, count in rows.iter_rows() if months < 10} == {0}


def test_a_request_in_two_systems_counts_once(region: TrueRegion):
    requests = region.query("select count(distinct request_event_key) from intermediate.int_early_help_requests")
    events = region.query(
        "select count(distinct group_key), count(distinct source_row_id) from marts.child_chronology"
        " where event_type = 'early_help_requested'"
    )
    assert events.row(0)[0] == requests.item()
    assert events.row(0)[1] > requests.item(), "the same request in both systems is planted"
