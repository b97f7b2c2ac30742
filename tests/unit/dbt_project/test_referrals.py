"""The rules of referrals, contacts and early help: the dbt unit tests beside the models.

Put here: running them. Keep out: the rules themselves, and the marts against the truth (tests/integration/marts).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

OURS = ("+referral_visits",)


def test_every_dbt_unit_test_of_referrals_passes(make_region: Callable[[], Any]):
    region = make_region()
    region.write_inputs()
    region.write_links([])
    region.dbt("build", "--select", *OURS, "--exclude", "resource_type:unit_test")
    found = region.dbt("test", "--select", "test_type:unit,path:models/intermediate/referrals")
    assert len(found.result.results) >= 4
