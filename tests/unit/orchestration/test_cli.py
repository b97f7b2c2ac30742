"""The command line as its users meet it: exit codes, plain messages, nothing but JSON where JSON is asked for."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from connectors.police import ppn
from orchestration.cli import main
from orchestration.release import publish

ROW = {
    "notification_reference": "N1", "person_role": "subject", "police_person_id": "P1",
    "created_at": "2026-11-01T10:00:00", "notification_type": "child_concern",
    "sent_at": "2026-11-01T11:00:00",
}
COLUMNS = pl.DataFrame(
    {
        "mart": ["people"] * 2, "position": [0, 1], "column_name": ["", "surname"], "label_en": ["People", "Surname"],
        "label_cy": ["Pobl", "Cyfenw"], "description": ["One row per person. More.", "Surname"],
    }
)


@pytest.fixture
def dolen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], repository: Path):
    """Run the command line in this process; gives exit code, standard output and standard error."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        region = str(repository / "region.toml")
        words = ["dolen", "--home", str(tmp_path / "home"), "--region", region, *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        return int(stopped.value.code or 0), said.out, said.err

    return run


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    path = tmp_path / "niche_ppn_2026-11-01_delta.csv"
    names = [column.name for column in ppn.FEED.contract.at(None)["notification_persons"].columns]
    path.write_text("\n".join((",".join(names), ",".join(ROW.get(name, "") for name in names), "")), encoding="utf-8")
    return path


def _release(home: Path) -> None:
    home.mkdir(exist_ok=True)
    with duckdb.connect(str(home / "w.duckdb")) as connection:
        connection.execute("create schema marts; create table marts.people as select 'Xanthippe' as surname")
    publish(home / "w.duckdb", home / "releases", COLUMNS, as_of=date(2026, 11, 20), region="R", jurisdiction="wales",
            made_from=[], software_version="0")


def test_a_good_delivery_lands_with_exit_0_and_the_same_bytes_with_4(dolen, delivery: Path):
    assert dolen("land", "police/ppn", delivery)[0] == 0
    code, _, error = dolen("land", "police/ppn", delivery)
    assert code == 4
    assert "nothing was done" in error


def test_a_broken_delivery_is_held_with_exit_3_and_its_reason(dolen, tmp_path: Path):
    path = tmp_path / "broken.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    code, _, error = dolen("land", "police/ppn", path)
    assert code == 3
    assert "column-missing" in error


@pytest.mark.parametrize(
    "arguments",
    [
        ("land", "police/nothing", "x.csv"),
        ("land", "police/ppn", "nowhere.csv"),
        ("land", "police/ppn", "region.toml", "--full", "--delta"),
        ("land", "police/ppn", "region.toml", "--as-at", "yesterday"),
        ("land", "police/ppn", "region.toml", "--as-at", "2999-01-01"),
        ("land", "police/[/x]", "x.csv"),
        ("land", "police/ppn", "region.toml", "--system", "Nische"),
        ("marts", "list"),
        ("report", "police/nothing"),
    ],
)
def test_a_mistake_of_usage_is_exit_2_and_a_plain_message(dolen, arguments: tuple[str, ...]):
    code, _, error = dolen(*arguments)
    assert code == 2
    assert error
    assert "Traceback" not in error


def test_json_is_all_that_json_prints(dolen, delivery: Path):
    code, out, _ = dolen("land", "police/ppn", delivery, "--json")
    assert code == 0
    counts = json.loads(out)
    assert (counts["state"], counts["records_in"], counts["records_landed"]) == ("landed", 1, 1)


def test_a_condition_shows_the_rows_it_fits(dolen, tmp_path: Path):
    _release(tmp_path / "home")
    code, out, _ = dolen("marts", "show", "people", "--where", "surname like 'X%'")
    assert code == 0
    assert "Xanthippe" in out


@pytest.mark.parametrize(
    "condition",
    [
        "surname in (select content from read_text('/etc/hostname'))",
        "1=1); copy (select 42) to 'stolen.csv'; select (1=1",
        "cast(surname as integer) = 1",
        "no_such_column = 1",
    ],
)
def test_a_condition_reads_the_release_only_and_its_error_names_no_person(dolen, tmp_path: Path, condition: str):
    _release(tmp_path / "home")
    code, _, error = dolen("marts", "show", "people", "--where", condition)
    assert code == 2
    assert "Xanthippe" not in error
    assert not Path("stolen.csv").exists()


def test_an_unknown_mart_is_told_the_names_of_those_there_are(dolen, tmp_path: Path):
    _release(tmp_path / "home")
    code, _, error = dolen("marts", "export", "persons")
    assert code == 2
    assert "people" in error


def test_what_lands_can_be_read_by_the_pipelines_user_only(dolen, tmp_path: Path, delivery: Path):
    dolen("land", "police/ppn", delivery)
    for name in ("landing", "quarantine", "work", "dagster"):
        assert (tmp_path / "home" / name).stat().st_mode & 0o077 == 0, name
    for path in (tmp_path / "home" / "landing").rglob("*.parquet"):
        assert path.stat().st_mode & 0o077 == 0


def test_a_home_that_is_a_file_is_said_plainly(dolen, tmp_path: Path, delivery: Path):
    (tmp_path / "home").write_text("", encoding="utf-8")
    code, _, error = dolen("land", "police/ppn", delivery)
    assert code == 2
    assert "cannot be used" in error
