"""The code location loads as the Dagster page, `dagster dev -w` and `dg` load it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.workspace.load_target import WorkspaceFileTarget

from connectors.catalogue import FEEDS
from orchestration.definitions import build_definitions
from orchestration.settings import Settings


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> dg.Definitions:
    return build_definitions(Settings(home=tmp_path_factory.mktemp("home"), region=repository / "region.toml"))


def test_the_graph_runs_from_landing_over_linkage_to_the_release(definitions: dg.Definitions):
    graph = definitions.resolve_asset_graph()
    release = dg.AssetKey("release")
    upstream = graph.get_ancestor_asset_keys(release) if hasattr(graph, "get_ancestor_asset_keys") else set()
    keys = set(graph.get_all_asset_keys())
    for key in (["landing", "health_adt"], ["landing", "social_care_ssda903"], ["linkage", "clusters"]):
        assert dg.AssetKey(key) in keys
        assert not upstream or dg.AssetKey(key) in upstream


def test_every_landing_asset_has_a_blocking_contract_check(definitions: dg.Definitions):
    graph = definitions.resolve_asset_graph()
    landing = [key for key in graph.get_all_asset_keys() if key.path[0] == "landing" and "_" in key.path[1]]
    assert len(landing) == len(FEEDS) > 0
    for key in landing:
        check = graph.get_check_spec(dg.AssetCheckKey(key, "contract"))
        assert check.blocking, key


def test_dbt_tests_are_asset_checks(definitions: dg.Definitions):
    keys = definitions.resolve_asset_graph().asset_check_keys
    assert sum(key.asset_key.path[0] == "marts" for key in keys) >= 5


def test_nothing_unattended_is_on_by_default(definitions: dg.Definitions):
    assert [schedule.name for schedule in definitions.schedules or []] == ["nightly"]
    assert all(s.default_status is dg.DefaultScheduleStatus.STOPPED for s in definitions.schedules or [])
    assert all(s.default_status is dg.DefaultSensorStatus.STOPPED for s in definitions.sensors or [])


def test_the_sensor_asks_for_one_run_a_new_delivery_by_its_content(repository: Path, tmp_path: Path):
    settings = Settings(home=tmp_path, region=repository / "region.toml")
    inbox = settings.inbox / "police" / "ppn"
    inbox.mkdir(parents=True)
    for name in ("a_2026-01-01_delta.csv", "b_2026-01-02_delta.csv"):
        (inbox / name).write_text("the same bytes", encoding="utf-8")
        os.utime(inbox / name, (0, 0))
    mine = build_definitions(settings)
    context = dg.build_sensor_context(resources=mine.resources, definitions=mine)
    result = mine.get_sensor_def("inbox_sensor")(context)
    assert len(result.run_requests) == 1
    assert result.run_requests[0].run_key.startswith("police/ppn:")


def test_telemetry_is_off_and_runs_are_retried_and_watched(repository: Path):
    config = yaml.safe_load((repository / "orchestration" / "instance" / "dagster.yaml").read_text(encoding="utf-8"))
    assert config["telemetry"]["enabled"] is False
    assert config["run_retries"]["enabled"] is True
    assert config["run_monitoring"]["enabled"] is True


def test_the_workspace_file_loads_the_location(repository: Path):
    origins = WorkspaceFileTarget(paths=[str(repository / "workspace.yaml")]).create_origins()
    assert [origin.location_name for origin in origins] == ["dolen"]


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"],
        [str(Path(sys.executable).with_name("dg")), "check", "defs"],
    ],
    ids=["dagster with workspace.yaml", "dg"],
)
def test_both_ways_of_serving_load_every_definition(repository: Path, tmp_path: Path, command: list[str]):
    (tmp_path / "dagster").mkdir()
    done = subprocess.run(
        command, cwd=repository, capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, "DOLEN_HOME": str(tmp_path), "DAGSTER_HOME": str(tmp_path / "dagster")},
    )
    assert done.returncode == 0, done.stdout + done.stderr
