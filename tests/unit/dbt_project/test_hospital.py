"""Emergency attendances, appointments and the marts of health: their dbt unit tests, over an empty region.

Put here: what needs a warehouse and no region. Keep out: marts against the truth (`tests/integration/marts`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

OURS = (
    "int_emergency_attendances", "int_emergency_attendance_windows", "int_appointments", "emergency_attendances",
    "emergency_attendance_windows",
)  # fmt: skip


def test_every_dbt_unit_test_of_hospital_events_passes(make_region: Callable[[], Any]):
    region = make_region()
    region.write_inputs()
    region.write_links([])
    region.dbt("build", "--select", *(f"+{model}" for model in OURS), "--exclude", "resource_type:unit_test")
    results = region.dbt("test", "--select", *(f"test_type:unit,{model}" for model in OURS)).result.results
    assert len(results) >= 4
