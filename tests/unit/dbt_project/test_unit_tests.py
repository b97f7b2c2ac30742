"""All dbt unit tests, over one region without rows: what a rule should say stands beside its model.

Put here: only what runs them. Keep out: behaviour that needs files, several models or two runs (the other tests here),
and marts against the truth (`tests/integration/marts`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml


def test_every_dbt_unit_test_passes_and_none_is_left_out(make_region: Callable[[], Any]):
    region = make_region()
    written = [
        test["name"]
        for path in (region.project / "models").rglob("*.yml")
        for test in yaml.safe_load(path.read_text(encoding="utf-8")).get("unit_tests", ())
    ]  # fmt: skip
    region.write_inputs()
    region.write_links([])
    region.dbt("build", "--exclude-resource-types", "unit_test", "test")
    ran = region.dbt("test", "--select", "test_type:unit").result.results
    assert sorted(result.node.name for result in ran) == sorted(written)
