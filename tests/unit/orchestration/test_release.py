"""A release is whole, numbered, repeatable and read-only."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from connectors.errors import ConfigurationError
from orchestration.release import open_release, publish, read_current

COLUMNS = pl.DataFrame(
    {
        "mart": ["counts", "counts"], "position": [0, 1], "column_name": ["", "n"],
        "label_en": ["Counts", "Number"], "label_cy": ["Cyfrif", "Nifer"], "description": ["One row per n", "n"],
    }
)


def _warehouse(path: Path, rows: list[int]) -> Path:
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.counts (n integer)")
        connection.executemany("insert into marts.counts values (?)", [[n] for n in rows])
    return path


def _publish(tmp_path: Path, rows: list[int], as_of: date = date(2026, 11, 20)):
    return publish(
        _warehouse(tmp_path / "w.duckdb", rows), tmp_path / "releases", COLUMNS, as_of=as_of, region="R",
        jurisdiction="wales", made_from=["police/ppn/abc"], software_version="0",
    )


def test_the_first_release_is_number_one_and_becomes_the_current_one(tmp_path: Path):
    assert _publish(tmp_path, [2, 1]).number == 1
    with open_release(tmp_path / "releases") as connection:
        assert connection.execute("select n from counts").fetchall() == [(1,), (2,)]


def test_the_same_marts_make_no_second_release(tmp_path: Path):
    first = _publish(tmp_path, [2, 1])
    assert _publish(tmp_path, [1, 2]) == first
    assert len(list((tmp_path / "releases").glob("0*"))) == 1


def test_other_marts_make_the_next_release_and_the_old_one_stays(tmp_path: Path):
    _publish(tmp_path, [1])
    assert _publish(tmp_path, [1, 2]).number == 2
    assert (tmp_path / "releases" / "000001" / "dolen.duckdb").exists()


def test_another_as_of_makes_another_release(tmp_path: Path):
    _publish(tmp_path, [1])
    assert _publish(tmp_path, [1], as_of=date(2026, 11, 21)).number == 2


def test_a_reader_cannot_write(tmp_path: Path):
    _publish(tmp_path, [1])
    with open_release(tmp_path / "releases") as connection, pytest.raises(duckdb.Error, match="read-only"):
        connection.execute("insert into counts values (3)")


def test_a_release_that_fails_leaves_the_last_one_and_nothing_half(tmp_path: Path):
    first = _publish(tmp_path, [1])
    broken = COLUMNS.with_columns(pl.lit("no_such_mart").alias("mart"))
    with pytest.raises(duckdb.Error):
        publish(tmp_path / "w.duckdb", tmp_path / "releases", broken, as_of=date(2026, 1, 1), region="R",
                jurisdiction="wales", made_from=[], software_version="0")
    assert read_current(tmp_path / "releases") == first
    assert sorted(path.name for path in (tmp_path / "releases").iterdir()) == ["000001", "current"]


def test_reading_before_the_first_release_says_what_to_do(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="dolen build"), open_release(tmp_path):
        pass
