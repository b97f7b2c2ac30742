"""The rules of referrals, contacts and early help: the dbt unit tests beside the models.

Put here: running them. Keep out: the rules themselves, and the marts against the truth (tests/integration/marts).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

OURS = ("referral_visits", "contact_routing", "early_help_waiting_list")


def test_every_dbt_unit_test_of_referrals_passes(make_region: Callable[[], Any]):
    region = make_region()
    region.write_inputs()
    region.write_links([])
    region.dbt("build", "--select", *(f"+{mart}" for mart in OURS), "--exclude", "resource_type:unit_test")
    ours = [f"test_type:unit,{where}" for where in ("path:models/intermediate/referrals", *OURS)]
    assert len(region.dbt("test", "--select", *ours).result.results) >= 9
