"""Rules of the dbt project, held against its manifest."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from orchestration.dbt import prepared_project


@pytest.fixture(scope="module")
def manifest() -> dict:
    return json.loads(prepared_project().manifest_path.read_text(encoding="utf-8"))


def _models(manifest: dict) -> list[dict]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def _public(manifest: dict) -> list[dict]:
    return [model for model in _models(manifest) if model["access"] == "public"]


def test_there_are_marts_to_hold_to_the_rules(manifest: dict):
    names = {model["name"] for model in _public(manifest)}
    spine = {"child_index", "looked_after_health_assessments", "register_reviews", "feed_status", "linkage_summary"}
    assert spine <= names


def test_every_public_mart_has_an_enforced_contract_and_an_owner(manifest: dict):
    for model in _public(manifest):
        assert model["config"]["contract"]["enforced"], model["name"]
        assert model["group"], model["name"]
        assert manifest["groups"][f"group.{model['package_name']}.{model['group']}"]["owner"]["email"], model["name"]


def test_every_public_mart_says_its_grain_and_describes_each_column(manifest: dict):
    for model in _public(manifest):
        assert model["description"].startswith("One row per"), model["name"]
        for column in model["columns"].values():
            assert column["description"], f"{model['name']}.{column['name']}"


def test_every_column_of_a_public_mart_has_an_english_and_a_welsh_label(manifest: dict):
    for model in _public(manifest):
        for item in (model, *model["columns"].values()):
            meta = item.get("config", {}).get("meta") or item["meta"]
            assert meta.get("label_en"), f"{model['name']}.{item['name']}"
            assert meta.get("label_cy"), f"{model['name']}.{item['name']}"


def test_every_code_that_a_public_mart_may_show_has_an_english_and_a_welsh_label(manifest: dict, repository: Path):
    labelled = set()
    for path in (repository / "dbt_project" / "seeds").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row.get("label_en") and row.get("label_cy")]
        labelled |= {value for row in rows for value in row.values()}
    public = {model["unique_id"]: model["name"] for model in _public(manifest)}
    shown = [
        (public[node["attached_node"]], node["column_name"], str(value))
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and node["attached_node"] in public
        and (node["test_metadata"] or {}).get("name") == "accepted_values"
        # A rule is labelled by what it says in its own seed; true and false by the reader's language.
        and not node["column_name"].endswith("rule_id")
        for value in node["test_metadata"]["kwargs"]["values"] if not isinstance(value, bool)
    ]  # fmt: skip
    assert len(shown) > 50
    assert [each for each in shown if each[2] not in labelled] == []


def test_every_public_mart_has_a_tested_primary_key(manifest: dict):
    for model in _public(manifest):
        on_columns = [kind["type"] for column in model["columns"].values() for kind in column["constraints"]]
        assert "primary_key" in on_columns + [kind["type"] for kind in model["constraints"]], model["name"]


def test_only_staging_reads_sources_and_each_source_has_one_staging_model(manifest: dict):
    readers = Counter()
    for model in _models(manifest):
        sources = [parent for parent in model["depends_on"]["nodes"] if parent.startswith("source.")]
        readers.update(sources)
        assert not sources or model["path"].startswith("staging"), f"{model['name']} reads a source"
    assert all(n == 1 for n in readers.values()), [source for source, n in readers.items() if n > 1]


def test_no_model_reads_the_clock(repository: Path):
    for path in (repository / "dbt_project").glob("models/**/*.sql"):
        code = re.sub(r"--.*|\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        assert not re.search(r"current_date|current_timestamp|now\(\)|today\(\)", code, re.IGNORECASE), path.name


def test_every_model_is_in_one_half_of_the_build(manifest: dict):
    for model in _models(manifest):
        halves = {"standardise", "publish"} & set(model["tags"])
        assert len(halves) == 1, f"{model['name']} has tags {model['tags']}"


def test_no_package_is_needed(repository: Path):
    assert not list((repository / "dbt_project").glob("packages.yml"))
