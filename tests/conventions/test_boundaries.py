"""Which room may import which, and what no file may hold."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOMS = {
    "connectors": set(),
    "linkage": set(),
    "simulator": set(),
    "orchestration": {"connectors", "linkage", "simulator"},
}
DAGSTER = {"dagster", "dagster_dbt", "dagster_shared"}


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_the_rooms_it_may(repository: Path, room: str):
    others = set(ROOMS) - {room}
    for path in sorted((repository / room).rglob("*.py")):
        assert not (_imports(path) & others) - ROOMS[room], f"{path} reaches into another room"


def test_nobody_but_the_demonstration_imports_the_simulator(repository: Path):
    users = [path for path in (repository / "orchestration").rglob("*.py") if "simulator" in _imports(path)]
    assert [path.name for path in users] == ["demonstration.py"]


@pytest.mark.parametrize("room", ["connectors", "linkage", "simulator"])
def test_only_orchestration_knows_dagster(repository: Path, room: str):
    for path in (repository / room).rglob("*.py"):
        assert not _imports(path) & DAGSTER, f"{path} imports dagster"


def test_every_module_opens_by_saying_what_belongs_in_it(repository: Path):
    for room in ROOMS:
        for path in (repository / room).rglob("*.py"):
            assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{path} has no docstring"


def test_only_the_settings_read_the_environment(repository: Path):
    readers = [
        str(path.relative_to(repository))
        for room in ROOMS
        for path in (repository / room).rglob("*.py")
        if re.search(r"os\.environ(\[|\.get)|os\.getenv", path.read_text(encoding="utf-8"))
    ]
    assert readers == []


def _tracked(repository: Path) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=repository, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [repository / name for name in listed if (repository / name).is_file()]


def test_no_tracked_file_names_the_host_of_a_package_registry(repository: Path):
    hosts = ["files.python" + "hosted", "registry.npm" + "js", "py" + "pi.org", "deb.de" + "bian.org"]
    for path in _tracked(repository):
        text = path.read_text(encoding="utf-8", errors="replace").lower()
        assert not any(host in text for host in hosts), f"{path} names a registry"


def test_code_that_users_run_does_not_know_where_the_samples_lie(repository: Path):
    for room in ROOMS:
        for path in (repository / room).rglob("*.py"):
            assert "shared/samples" not in path.read_text(encoding="utf-8"), f"{path} points at test data"
