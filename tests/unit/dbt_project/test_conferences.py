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
    region.dbt("build", "--exclude", "resource_type:unit_test", "--select", "+conference_attendance", as_of=DAY)
    found = region.dbt("test", "--select", "conference_attendance,test_type:unit", as_of=DAY)
    assert len(found.result.results) == 2
