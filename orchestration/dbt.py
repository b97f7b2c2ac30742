"""The dbt project as Dagster sees it: where it is, its manifest, its asset keys, and the arguments of a build.

Here belongs glue between dagster-dbt and our project. SQL belongs to `dbt_project/`, the two assets that run it to
`orchestration.defs.transform`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

from connectors.errors import ConfigurationError
from orchestration.region import Region
from orchestration.settings import REPOSITORY

PROJECT_DIR = REPOSITORY / "dbt_project"
# By its path: whoever runs .venv/bin/dolen need not have activated the environment.
EXECUTABLE = str(Path(sys.executable).with_name("dbt"))
STANDARDISE = "tag:standardise resource_type:seed"
PUBLISH = "tag:publish"
# The canonical social-care tables come from four feeds, training lists from four; dbt knows one source of each, whose
# key is the first of them.
_SHARED_SOURCES = {
    dg.AssetKey(["landing", "social_care_case_export"]): (
        dg.AssetKey(["landing", "social_care_ssda903"]), dg.AssetKey(["landing", "social_care_cin_census"]),
        dg.AssetKey(["landing", "social_care_early_help"]),
    ),
    dg.AssetKey(["landing", "health_training"]): tuple(
        dg.AssetKey(["landing", f"{agency}_training"]) for agency in ("police", "education", "social_care")
    ),
}


class Translator(DagsterDbtTranslator):
    """Joins dbt's graph to the Python assets: layer as group, and every feed behind a shared source as upstream."""

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """The spec of one dbt node, with all feeds that a shared source stands for among its dependencies."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        extra = [dg.AssetDep(key) for dep in spec.deps for key in _SHARED_SOURCES.get(dep.asset_key, ())]
        return spec.replace_attributes(deps=[*spec.deps, *extra]) if extra else spec

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The layer, which is the first folder below the resource's root; seeds are `rules_and_codes`."""
        if dbt_resource_props["resource_type"] == "seed":
            return "rules_and_codes"
        folders = Path(dbt_resource_props.get("original_file_path", "")).parts
        return folders[1] if len(folders) > 2 else super().get_group_name(dbt_resource_props)


TRANSLATOR = Translator(
    settings=DagsterDbtTranslatorSettings(
        enable_asset_checks=True, enable_duplicate_source_asset_keys=True, enable_source_tests_as_checks=True
    )
)


def prepared_project(arguments: list[str] | None = None) -> DbtProject:
    """The dbt project with a manifest no older than its files.

    Args:
        arguments: Of the build to come. dbt reads the whole project again whenever a variable changes, so it is read
            once with the build's own variables, and both halves of the build find it read.

    Raises:
        ConfigurationError: dbt cannot read the project.
    """
    places = {"DOLEN_LANDING": "landing", "DOLEN_WORK": "work", "DOLEN_WAREHOUSE": "warehouse.duckdb"}
    for name, place in places.items():
        # Parsing needs the variables to exist, not the folders; a real build has had them set by Settings.prepare.
        os.environ.setdefault(name, str(REPOSITORY / "var" / place))
    project = DbtProject(project_dir=PROJECT_DIR, profiles_dir=PROJECT_DIR)
    manifest = project.manifest_path
    if arguments or not manifest.exists() or manifest.stat().st_mtime < _newest_file():
        variables = arguments[-1] if arguments else json.dumps(_variables("2000-01-01", "wales", ""))
        done = subprocess.run(  # noqa: S603  our own executable and arguments
            [EXECUTABLE, "--quiet", "parse", "--project-dir", str(PROJECT_DIR), "--profiles-dir", str(PROJECT_DIR),
             "--vars", variables],
            capture_output=True, text=True, check=False,
        )
        if done.returncode:
            raise ConfigurationError(f"dbt cannot read the project: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return project


def mart_columns(manifest_path: Path) -> pl.DataFrame:
    """Labels and descriptions of the public marts.

    Args:
        manifest_path: dbt's manifest.

    Returns:
        One row a mart (column_name empty) and one a column, in order: mart, position, column_name, label_en, label_cy,
        description.
    """
    nodes = json.loads(manifest_path.read_text(encoding="utf-8"))["nodes"].values()
    marts = [node for node in nodes if node["resource_type"] == "model" and node.get("access") == "public"]
    rows = []
    for mart in sorted(marts, key=lambda node: node["name"]):
        described = [mart | {"name": ""}, *mart["columns"].values()]
        for position, item in enumerate(described):
            meta = item.get("config", {}).get("meta") or item.get("meta") or {}
            rows.append((mart["name"], position, item["name"], meta.get("label_en", ""), meta.get("label_cy", ""),
                         item.get("description", "")))
    schema = {"mart": pl.String, "position": pl.Int64, "column_name": pl.String, "label_en": pl.String,
              "label_cy": pl.String, "description": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def build_arguments(as_of: date, region: Region) -> list[str]:
    """The arguments of one `dbt build`; unit tests belong to the test suite, not to a nightly run."""
    variables = _variables(as_of.isoformat(), region.jurisdiction, region.name)
    return ["build", "--exclude", "resource_type:unit_test", "--vars", json.dumps(variables)]


def _variables(as_of: str, jurisdiction: str, region_name: str) -> dict[str, str]:
    return {"as_of": as_of, "jurisdiction": jurisdiction, "region_name": region_name}


def _newest_file() -> float:
    folders = ("models", "macros", "seeds", "tests")
    files = [PROJECT_DIR / "dbt_project.yml", *(path for name in folders for path in (PROJECT_DIR / name).rglob("*"))]
    return max(path.stat().st_mtime for path in files if path.is_file())
