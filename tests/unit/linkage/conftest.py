"""Shared by the tests of linkage: a few rows in, decisions and children out."""

import datetime as dt
import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType

import duckdb
import pytest

import linkage

AS_OF = dt.date(2025, 9, 1)
VARIANTS = Path(__file__).parents[3] / "dbt_project" / "seeds" / "forename_variants.csv"


@pytest.fixture(scope="session")
def region() -> ModuleType:
    """The module region.py beside this file; tests are not a package, so it is loaded by its path."""
    spec = importlib.util.spec_from_file_location("linkage_test_region", Path(__file__).with_name("region.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Linked:
    """What a run wrote, in the words of the tests."""

    folder: Path
    summary: linkage.LinkageSummary

    def _rows(self, query: str) -> list[dict[str, object]]:
        found = duckdb.connect().execute(query)
        names = [column[0] for column in found.description]
        return [dict(zip(names, values, strict=True)) for values in found.fetchall()]

    @cached_property
    def pairs(self) -> dict[tuple[str, str], dict[str, object]]:
        rows = self._rows(f"FROM '{self.folder}/pairs.parquet'")
        return {(one["record_key_l"], one["record_key_r"]): one for one in rows}

    @cached_property
    def clusters(self) -> dict[str, dict[str, object]]:
        return {one["record_key"]: one for one in self._rows(f"FROM '{self.folder}/clusters.parquet'")}

    @property
    def children(self) -> set[frozenset[str]]:
        """The sets of record keys under one child_id."""
        groups: dict[object, set[str]] = {}
        for key, one in self.clusters.items():
            groups.setdefault(one["child_id"], set()).add(key)
        return {frozenset(keys) for keys in groups.values()}

    @property
    def written(self) -> dict[str, object]:
        return json.loads((self.folder / "summary.json").read_text())

    def together(self, *keys: str) -> bool:
        return len({self.clusters[key]["child_id"] for key in keys}) == 1

    def pair(self, one: str, other: str) -> dict[str, object]:
        return self.pairs[min(one, other), max(one, other)]


@pytest.fixture
def run(region: ModuleType, tmp_path: Path) -> Callable[..., Linked]:
    """Link rows of the persons table."""
    runs = iter(range(100))

    def link(
        *rows: dict[str, object],
        identity: Path | None = None,
        decided: Path | None = None,
        as_of: dt.date = AS_OF,
        **settings: object,
    ) -> Linked:
        folder = tmp_path / f"run{next(runs)}"
        folder.mkdir()
        persons = region.write_persons(list(rows), folder / "persons.parquet")
        config = linkage.LinkageConfig(variants=VARIANTS, **settings)
        summary = linkage.link(
            persons, folder / "linkage", as_of=as_of, config=config, identity=identity, decided=decided
        )
        return Linked(folder / "linkage", summary)

    return link


@pytest.fixture
def child(region: ModuleType) -> Callable[..., dict[str, object]]:
    """A row of one ordinary girl, in the system named by the key; what a test says differs from her."""

    def make(key: str, **values: object) -> dict[str, object]:
        ordinary = {
            "forename": "ANGHARAD", "surname": "PROTHEROE", "birth_date": dt.date(2015, 3, 9), "sex": "F",
            "address_line": "12 HEOL Y BRYN", "postcode": "CF991AA",
        }  # fmt: skip
        return region.row(key, **(ordinary | values))

    return make
