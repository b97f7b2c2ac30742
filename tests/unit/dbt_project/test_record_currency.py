"""Open episodes and record_currency: their dbt unit tests, over an empty region.

Put here: what needs a warehouse and no region. Keep out: the mart against the truth (`tests/integration/marts`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

OURS = ("int_open_episodes", "record_currency")


def test_every_dbt_unit_test_of_the_currency_of_records_passes(make_region: Callable[[], Any]):
    region = make_region()
    region.write_inputs()
    region.write_links([])
    region.dbt("build", "--select", "+record_currency", "--exclude", "resource_type:unit_test")
    results = region.dbt("test", "--select", *(f"test_type:unit,{model}" for model in OURS)).result.results
    assert len(results) >= 3
