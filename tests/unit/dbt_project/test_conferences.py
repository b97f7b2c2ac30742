"""The dbt unit tests of the conference marts, over a region without rows.

Put here: running them. Keep out: the rules themselves, which stand beside the models.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

DAY = date(2026, 11, 20)


def test_every_dbt_unit_test_of_the_conferences_passes(make_region: Callable[[], Any]):
    region = make_region()
    region.write_inputs()
    region.write_links([])
    ours = ("--select", "+conference_attendance", "+strategy_discussions")
    region.dbt("build", "--exclude", "resource_type:unit_test", *ours, as_of=DAY)
    marts = ("conference_attendance,test_type:unit", "strategy_discussions,test_type:unit")
    found = region.dbt("test", "--select", *marts, as_of=DAY)
    assert len(found.result.results) == 4
