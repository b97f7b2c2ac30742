"""The data dictionary says of every column what it means, where it comes from and how it is handled."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from orchestration.data_dictionary import HEADS, data_dictionary, write_dictionary
from orchestration.dbt import mart_columns, prepared_project
from orchestration.reference_pages import write_pages


@pytest.fixture(scope="module")
def manifest_path() -> Path:
    return prepared_project().manifest_path


@pytest.fixture(scope="module")
def dictionary(manifest_path: Path) -> pl.DataFrame:
    return data_dictionary(manifest_path)


def test_every_column_of_every_mart_is_in_it_once_and_nothing_is_left_empty(
    manifest_path: Path, dictionary: pl.DataFrame
):
    columns = mart_columns(manifest_path).filter(pl.col("column_name") != "")
    keys = ["mart", "column_name"]
    assert sorted(dictionary.select(keys).rows()) == sorted(columns.select(keys).rows())
    may_be_empty = {"rules"}
    for name in set(dictionary.columns) - may_be_empty:
        assert not dictionary.filter(pl.col(name).cast(pl.String).fill_null("") == "").height, name


def test_a_mart_names_the_feeds_and_rules_of_its_facts_and_only_those(dictionary: pl.DataFrame):
    about = {row["mart"]: row for row in dictionary.iter_rows(named=True)}
    assert "police/ppn" not in about["register_reviews"]["sources"]
    assert "social_care/case_export" in about["register_reviews"]["sources"].split(", ")
    assert {"rcpc_first", "rcpc_next"} <= set(about["register_reviews"]["rules"].split(", "))
    assert "iha_due" not in about["register_reviews"]["rules"]
    assert {"health/adt", "police/ppn", "education/school_census"} <= set(about["child_index"]["sources"].split(", "))


def test_names_counts_and_facts_are_told_apart(dictionary: pl.DataFrame):
    found = dict(dictionary.select("mart", "sensitivity_en").unique().rows())
    assert found["child_index"] == "Names a child"
    assert found["register_reviews"] == "Facts about a child"
    assert found["board_scorecard"] == "Counts only"
    kept = dict(dictionary.select("mart", "retention_en").unique().rows())
    assert kept["looked_after_health_assessments"] == "75 years from birth"


def test_the_workbook_has_a_sheet_in_each_language_and_repeats_to_the_byte(manifest_path: Path, tmp_path: Path):
    first = write_dictionary(manifest_path, tmp_path / "first")
    second = write_dictionary(manifest_path, tmp_path / "second")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    book = CalamineWorkbook.from_path(str(first[1]))
    assert book.sheet_names == ["English", "Cymraeg"]
    english, welsh = (book.get_sheet_by_name(name).to_python() for name in book.sheet_names)
    assert english[0] == [head[1] for head in HEADS]
    assert welsh[0] == [head[2] for head in HEADS]
    assert len(english) == len(welsh) > 500


def test_the_written_reference_is_what_contracts_and_models_say_today(repository: Path, tmp_path: Path):
    for path in write_pages(tmp_path):
        if path.suffix != ".xlsx":
            written = repository / "docs" / "reference" / path.name
            assert written.read_text(encoding="utf-8") == path.read_text(encoding="utf-8"), f"{path.name}: make docs"
