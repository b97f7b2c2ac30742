"""The data dictionary: every column of every mart with what it means, where it comes from and how it is handled.

Here belongs turning dbt's manifest into one table and that table into CSV and XLSX. The words themselves belong to the
models' yml files, the rules and labels to the seeds, and the pages for reading to `orchestration.reference_pages`.
"""

from __future__ import annotations

import csv
import fnmatch
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter

from connectors.catalogue import FEEDS
from orchestration.dbt import PROJECT_DIR

# Heads of the columns in the order of the files: name, English, Welsh.
HEADS = (
    ("mart", "Mart", "Marth"),
    ("mart_label", "Name of the mart", "Enw'r marth"),
    ("position", "Position", "Safle"),
    ("column_name", "Column", "Colofn"),
    ("label", "Label", "Label"),
    ("data_type", "Type", "Math"),
    ("meaning", "Meaning (English)", "Ystyr (Saesneg)"),
    ("sources", "Source feeds of the mart", "Ffrydiau ffynhonnell y marth"),
    ("rules", "Rules of the mart", "Rheolau'r marth"),
    ("sensitivity", "Sensitivity", "Sensitifrwydd"),
    ("retention", "Kept for", "Cedwir am"),
    ("owner", "Owner", "Perchennog"),
)
LANGUAGES = ("en", "cy")
PERSONS = "model.dolen.persons"


def data_dictionary(manifest_path: Path) -> pl.DataFrame:
    """Every column of every public mart, in both languages.

    Sources and rules are those of the mart as a whole: of all models that it is built from.

    Args:
        manifest_path: dbt's manifest.

    Returns:
        One row a column, text but for position (Int64): mart, mart_label_en, mart_label_cy, position, column_name,
        label_en, label_cy, data_type, meaning, sources (feeds as agency/feed), rules (ids of the seed
        statutory_rules), sensitivity_en, sensitivity_cy, retention_en, retention_cy, owner.

    Raises:
        KeyError: A mart or column names a sensitivity without labels or a retention that is no rule.
    """
    manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    labels = {row["code"]: row for row in _seed("status_labels") if row["code_set"] == "sensitivity"}
    units = {row["code"]: row for row in _seed("status_labels") if row["code_set"] == "retention_unit"}
    rules = {row["rule_id"]: row for row in _seed("statutory_rules")}
    rows = []
    for mart in public_marts(manifest):
        upstream = _upstream(manifest, mart["unique_id"])
        sources = ", ".join(sorted({feed for node in upstream for feed in _feeds_of(node)}))
        code = " ".join(node.get("raw_code", "") for node in upstream)
        named = ", ".join(sorted(set(re.findall(r"'(\w+)'", code)) & set(rules)))
        about = meta_of(mart)
        for position, column in enumerate(mart["columns"].values(), start=1):
            meta = about | meta_of(column)
            kept = rules[meta["retention"]]
            rows.append({
                "mart": mart["name"], "mart_label_en": about["label_en"], "mart_label_cy": about["label_cy"],
                "position": position, "column_name": column["name"], "label_en": meta["label_en"],
                "label_cy": meta["label_cy"], "data_type": column["data_type"],
                "meaning": " ".join(column["description"].split()), "sources": sources, "rules": named,
                "sensitivity_en": labels[meta["sensitivity"]]["label_en"],
                "sensitivity_cy": labels[meta["sensitivity"]]["label_cy"],
                **{f"retention_{lang}": units[f"{kept['unit']}_{kept['anchor_event']}"][f"label_{lang}"]
                   .replace("#", kept["value"]) for lang in LANGUAGES},
                "owner": mart["group"],
            })  # fmt: skip
    return pl.DataFrame(rows)


def write_dictionary(manifest_path: Path, folder: Path) -> list[Path]:
    """Write `data-dictionary.csv` and `data-dictionary.xlsx`, which has a sheet in each language.

    Equal models give equal bytes.

    Returns:
        The files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    frame = data_dictionary(manifest_path)
    text, book = folder / "data-dictionary.csv", folder / "data-dictionary.xlsx"
    frame.write_csv(text)
    with xlsxwriter.Workbook(book, {"strings_to_formulas": False, "strings_to_urls": False}) as workbook:
        workbook.set_properties({"title": "Dolen", "created": datetime(2000, 1, 1)})  # noqa: DTZ001  it wants it naive
        for language, sheet in zip(LANGUAGES, ("English", "Cymraeg"), strict=True):
            in_language(frame, language).write_excel(
                workbook, worksheet=sheet, autofilter=True, freeze_panes=(1, 0)
            )
    return [text, book]


def in_language(frame: pl.DataFrame, language: str) -> pl.DataFrame:
    """The dictionary with the heads and labels of one language, `en` or `cy`."""
    heads = {name: (english if language == "en" else welsh) for name, english, welsh in HEADS}
    return frame.select(
        pl.col(name if name in frame.columns else f"{name}_{language}").alias(head) for name, head in heads.items()
    )


def public_marts(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The public models of a manifest, by name."""
    nodes = manifest["nodes"].values()
    marts = [node for node in nodes if node["resource_type"] == "model" and node.get("access") == "public"]
    return sorted(marts, key=lambda node: node["name"])


def meta_of(item: dict[str, Any]) -> dict[str, Any]:
    """What a model or column says of itself, where this dbt keeps it."""
    return item.get("config", {}).get("meta") or item.get("meta") or {}


def _upstream(manifest: dict[str, Any], unique_id: str) -> list[dict[str, Any]]:
    """A mart and everything that its facts are built from.

    Who a child is comes from every feed that names persons, so the walk ends at the models of identity; a mart that is
    about identity (`about_identity` in its meta) is built from all of them.
    """
    nodes, found, ahead = manifest["nodes"] | manifest["sources"], {}, [unique_id]
    about_identity = meta_of(nodes[unique_id]).get("about_identity", False)
    if about_identity:
        ahead.append(PERSONS)
    while ahead:
        name = ahead.pop()
        if name not in found and name in nodes and (about_identity or "identity" not in nodes[name]["fqn"]):
            found[name] = nodes[name]
            ahead += manifest["parent_map"].get(name, [])
    return list(found.values())


def _feeds_of(node: dict[str, Any]) -> Iterator[str]:
    """Feeds that land a source's table, by its place: `read_parquet('.../social_care/*/*/{name}.parquet' ...`."""
    if node["resource_type"] != "source":
        return
    place = re.search(r"/([\w*]+/[\w*]+)/\*/\{name\}", meta_of(node).get("external_location", ""))
    for key, feed in FEEDS.items():
        if place and fnmatch.fnmatch(key, place[1]) and node["name"] in feed.contract.at(None):
            yield key


def _seed(name: str) -> list[dict[str, str]]:
    with (PROJECT_DIR / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
