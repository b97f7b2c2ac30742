"""The dbt unit tests of the school calendars and the marts of schools, run where their tables exist.

Put here: only what runs them. Keep out: what a model should say, which stands beside the model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MARTS = ("domestic_abuse_school_notifications", "pupil_safeguarding")


def test_every_dbt_unit_test_of_the_schools_passes(make_region: Callable[[], Any]):
    region = make_region()
    region.write_inputs()
    region.write_links([])
    region.dbt("build", "--exclude-resource-types", "unit_test test", "--select", *(f"+{mart}" for mart in MARTS))
    ours = [f"test_type:unit,{where}" for where in ("path:models/intermediate/schools", *MARTS)]
    assert len(region.dbt("test", "--select", *ours).result.results) >= 6
