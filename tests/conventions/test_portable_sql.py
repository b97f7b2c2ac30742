"""Every model as DuckDB runs it and as Spark would: it parses, and calls only functions that the database has.

Spark is where a region goes that outgrows one machine. Names of types (varchar, timestamptz) are not looked at: the
adapter maps them. `read_parquet` is the place of a source, which belongs to the profile.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from orchestration.dbt import EXECUTABLE

MOST_DISPATCH_MACROS = 12
# Of Spark 4's built-in functions (SQL reference), those that our models may call, by the names they are called.
SPARK = {
    "abs", "add_months", "array", "array_join", "avg", "cast", "ceil", "coalesce", "collect_set", "concat",
    "concat_ws", "count", "cume_dist", "date_add", "date_trunc", "datediff", "day", "dense_rank", "explode",
    "extract", "first_value", "floor", "from_json", "from_utc_timestamp", "greatest", "hour", "lag", "last_value",
    "lead", "least", "left", "length", "lower", "lpad", "make_date", "max", "max_by", "md5", "median", "min",
    "min_by", "minute", "mod", "month", "nullif", "percentile_cont", "position", "rank", "regexp_extract",
    "regexp_replace", "repeat", "replace", "round", "row_number", "sequence", "sort_array", "split", "split_part",
    "substr", "substring", "sum", "timestampadd", "to_utc_timestamp", "translate", "trim", "try_cast", "unix_timestamp",
    "upper", "weekday", "year",
}
SOURCES = {"read_parquet"}
# Spark has nothing that takes accents off: a region that goes there registers these two, from Python's unicodedata.
REGISTERED = {"nfc_normalize", "strip_accents"}
# Names and identifiers are standardised with lists and regular expressions as DuckDB spells them.
ONLY_DUCKDB = "identity/persons/"
WORDS_BEFORE_A_BRACKET = {
    "and", "as", "by", "else", "exists", "from", "group", "in", "join", "not", "on", "or", "over", "select", "then",
    "union", "using", "values", "when", "where", "with", "filter", "interval", "distinct", "all", "decimal", "varchar",
}


def _compiled(repository: Path, folder: Path, change: Callable[[str], str]) -> dict[str, str]:
    """Models below `models/` to their compiled SQL; the macros are changed first."""
    project = folder / "dbt_project"
    shutil.copytree(repository / "dbt_project", project, ignore=shutil.ignore_patterns("target", "logs"))
    for path in (project / "macros").glob("*.sql"):
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    variables = {"as_of": "2026-11-20", "jurisdiction": "wales", "region_name": "Test"}
    subprocess.run(
        [EXECUTABLE, "--quiet", "compile", "--project-dir", str(project), "--profiles-dir", str(project),
         "--vars", json.dumps(variables)],
        check=True, capture_output=True,
        env={"DOLEN_LANDING": str(folder / "landing"), "DOLEN_WORK": str(folder / "work"),
             "DOLEN_WAREHOUSE": str(folder / "warehouse.duckdb"), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
             "HOME": str(folder)},
    )  # fmt: skip
    root = project / "target" / "compiled" / "dolen" / "models"
    models = {path.relative_to(project / "models") for path in (project / "models").rglob("*.sql")}
    return {str(model): (root / model).read_text(encoding="utf-8") for model in sorted(models)}


@pytest.fixture(scope="module")
def on_duckdb(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return _compiled(repository, tmp_path_factory.mktemp("duckdb"), lambda text: text)


@pytest.fixture(scope="module")
def on_spark(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Compiled with Spark's macros: dbt takes an adapter's own macro by its prefix, and ours is DuckDB's."""
    return _compiled(repository, tmp_path_factory.mktemp("spark"), lambda text: text.replace("spark__", "duckdb__"))


def _functions(sql: str) -> set[str]:
    """Names before an opening bracket, as they are written; comments, texts and names of CTEs left out."""
    code = re.sub(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"[^\"]*\"", " ", sql, flags=re.DOTALL)
    names = {name.lower() for name in re.findall(r"\b([a-z_][a-z_0-9]*)\s*\(", code, re.IGNORECASE)}
    tables = {name.lower() for name in re.findall(r"\bas\s+([a-z_][a-z_0-9]*)\s*\(", code, re.IGNORECASE)}
    return names - tables - WORDS_BEFORE_A_BRACKET


def test_at_most_twelve_macros_differ_between_databases(repository: Path):
    text = "".join(path.read_text(encoding="utf-8") for path in (repository / "dbt_project" / "macros").glob("*.sql"))
    dispatched = set(re.findall(r"adapter\.dispatch\('(\w+)'\)", text))
    assert 0 < len(dispatched) <= MOST_DISPATCH_MACROS, sorted(dispatched)
    for name in dispatched:
        assert f"default__{name}(" in text, f"{name} has no version for DuckDB"
        assert f"spark__{name}(" in text, f"{name} has no version for Spark"


def test_every_model_is_sql_that_duckdb_knows(on_duckdb: dict[str, str]):
    with duckdb.connect() as connection:
        rows = connection.execute("select distinct function_name from duckdb_functions()").fetchall()
    known = {row[0] for row in rows}
    grammar = {"cast", "try_cast", "coalesce", "extract", "nullif", "position", "row_number", "lag", "lead", "unnest"}
    for model, sql in on_duckdb.items():
        assert isinstance(sqlglot.parse_one(sql, read="duckdb"), exp.Query), model
        unknown = _functions(sql) - known - grammar
        assert not unknown, f"{model}: {sorted(unknown)}"


def test_every_model_is_sql_that_spark_knows(on_spark: dict[str, str]):
    checked = {model: sql for model, sql in on_spark.items() if ONLY_DUCKDB not in model}
    assert len(checked) > 100
    for model, sql in checked.items():
        assert isinstance(sqlglot.parse_one(sql, read="spark"), exp.Query), model
        unknown = _functions(sql) - SPARK - SOURCES - REGISTERED
        assert not unknown, f"{model}: {sorted(unknown)}"


@pytest.mark.parametrize(
    ("sql", "name"),
    [("select list_sort(x) from t", "list_sort"), ("select timezone('UTC', x) from t", "timezone"),
     ("select regexp_matches(x, 'date_add(') from t", "regexp_matches")],
)
def test_a_function_that_spark_lacks_is_found(sql: str, name: str):
    assert _functions(sql) - SPARK == {name}
