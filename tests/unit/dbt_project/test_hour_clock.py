"""The clocks that count hours, run as dbt renders them.

Put here: the macros themselves over instants written in a test, hour by hour over both changes of the clocks. Keep out:
what starts a clock (the unit tests beside the models).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

AS_OF = date(2026, 3, 31)


@pytest.fixture(scope="module")
def show(make_region: Callable[[], Any]) -> Callable[..., list[tuple[Any, ...]]]:
    """Runs a select that may use macros; the rules are those of the seed."""
    region = make_region()
    region.write_inputs()
    region.dbt("build", "--select", "+int_rules_in_force", "--exclude", "resource_type:unit_test", as_of=AS_OF)

    def run(sql: str) -> list[tuple[Any, ...]]:
        shown = region.dbt("show", "--inline", sql, "--limit", "1000", "--output", "json", as_of=AS_OF)
        return [tuple(row.values()) for row in shown.result.results[0].agate_table.rows]

    return run


def _starts(first: datetime, hours: int) -> str:
    return " union all ".join(
        f"select timestamptz '{(first + timedelta(hours=at)).isoformat()}' as clock_start_at, 'rhi_due' as rule_id"
        for at in range(hours)
    )


@pytest.mark.parametrize("sunday", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
def test_hours_are_elapsed_ones_over_the_change_of_the_clocks(show: Callable, sunday: datetime):
    first = sunday - timedelta(hours=80)
    found = show(f"""
        with clocks as ({_starts(first, 100)}), due as ({{{{ clock_due_instants('clocks') }}}})
        select epoch(clock_start_at) as started, epoch(due_at) as due, rule_value, rule_unit, rule_status from due
    """)
    expected = {(first + timedelta(hours=at)).timestamp() for at in range(100)}
    assert {float(row[0]) for row in found} == expected
    assert all(float(row[1]) - float(row[0]) == 72 * 3600 for row in found)
    assert {(int(row[2]), row[3], row[4]) for row in found} == {(72, "hour", "unconfirmed")}


def test_a_rule_in_days_no_rule_or_no_start_gives_no_due_instant(show: Callable):
    found = show("""
        with
            clocks as (
                select timestamptz '2026-03-01 12:00:00Z' as clock_start_at, 'iha_due' as rule_id
                union all select timestamptz '2026-03-01 12:00:00Z', 'no such rule'
                union all select cast(null as timestamptz), 'rhi_due'
            ),
            due as ({{ clock_due_instants('clocks') }})
        select
            due_at is null as has_none,
            {{ clock_reason_without_due('clock_start_at', 'rule_source', 'due_at') }} as why
        from due order by rule_id
    """)
    assert found == [(True, "outside_calendar"), (True, "no_rule"), (True, "no_anchor")]


@pytest.mark.parametrize(
    ("due", "done", "status"),
    [
        ("2026-03-30 10:00:00Z", "2026-03-30 10:00:00Z", "done_in_time"),
        ("2026-03-30 10:00:00Z", "2026-03-30 10:00:01Z", "done_late"),
        ("2026-03-30 10:00:00Z", None, "overdue"),
        # as_of is the end of 31 March in London, which is 23:00 UTC: one minute before it is past, at it is tomorrow.
        ("2026-03-31 22:59:00Z", None, "overdue"),
        ("2026-03-31 23:00:00Z", None, "due"),
        (None, None, "not_computable"),
    ],
)
def test_as_of_stands_for_the_end_of_its_day_in_london(show: Callable, due: str | None, done: str | None, status: str):
    def instant(text: str | None) -> str:
        return f"timestamptz '{text}'" if text else "cast(null as timestamptz)"

    assert show(f"""
        select {{{{ clock_status_at("due_at", "done_at") }}}} as status
        from (select {instant(due)} as due_at, {instant(done)} as done_at) as clocks
    """) == [(status,)]


def test_a_start_known_by_day_only_gives_the_last_day_that_can_be_in_time(show: Callable):
    found = show("""
        select hours, cast({{ clock_hours_as_days("date '2026-02-27'", "hours") }} as varchar) as due_date
        from (select unnest([4, 24, 25, 72]) as hours) as rules order by hours
    """)
    assert [row[1] for row in found] == ["2026-02-28", "2026-02-28", "2026-03-01", "2026-03-02"]


def test_hours_between_two_instants_keep_the_part_of_an_hour(show: Callable):
    found = show("""
        select {{ clock_hours_between("first_at", "last_at") }} as hours
        from (values (timestamptz '2026-03-29 00:30:00Z', timestamptz '2026-03-29 02:00:00Z'))
            as days (first_at, last_at)
    """)
    assert [float(row[0]) for row in found] == [1.5]
