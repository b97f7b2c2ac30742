"""Reference pages written from contracts and models: the columns of every feed and of every mart.

Here belongs turning declarations into Markdown. What people should know beyond the columns is written by hand in
`docs/feeds/` and elsewhere in `docs/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from connectors.catalogue import FEEDS
from connectors.rules import RULES
from orchestration.data_dictionary import write_dictionary
from orchestration.dbt import mart_columns, prepared_project


def write_pages(folder: Path) -> list[Path]:
    """Write `reference/feeds.md`, `quarantine-rules.md`, `marts.md` and the data dictionary below a folder.

    Returns:
        The files written.
    """
    pages = {"feeds.md": _feeds(), "quarantine-rules.md": _rules(), "marts.md": _marts()}
    target = folder / "reference"
    target.mkdir(parents=True, exist_ok=True)
    for name, lines in pages.items():
        (target / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [*(target / name for name in pages), *write_dictionary(prepared_project().manifest_path, target)]


def _feeds() -> Iterator[str]:
    yield "# Columns of every feed"
    yield "\nWritten by `make docs` from the contracts in `connectors/`; lineage columns are left out."
    for feed in FEEDS.values():
        yield f"\n## {feed.key}\n\n{feed.title}"
        for table in feed.contract.at(None).values():
            yield f"\n### {table.name}\n\n{table.meaning}\n"
            yield "| column | type | need | key | meaning |\n|---|---|---|---|---|"
            for column in table.columns:
                need = "required" if column.required or column.key else ""
                yield f"| {column.name} | {column.type} | {need} | {'key' if column.key else ''} | {column.meaning} |"


def _rules() -> Iterator[str]:
    yield "# Rules a delivery can break"
    yield "\nWritten by `make docs` from `connectors/rules.py` and the feeds.\n"
    yield "| rule | what is done | what is wrong | how to mend it |\n|---|---|---|---|"
    for rule in sorted(RULES.values(), key=lambda rule: (rule.action, rule.rule_id)):
        yield f"| {rule.rule_id} | {rule.action} | {rule.meaning} | {rule.remedy} |"


def _marts() -> Iterator[str]:
    yield "# Columns of every mart"
    yield "\nWritten by `make docs` from `dbt_project/models/marts/`."
    for row in mart_columns(prepared_project().manifest_path).iter_rows(named=True):
        description = " ".join(row["description"].split())
        if not row["column_name"]:
            yield f"\n## {row['mart']}\n\n{row['label_en']} / {row['label_cy']}\n\n{row['description'].strip()}\n"
            yield "| column | English | Welsh | meaning |\n|---|---|---|---|"
        else:
            yield f"| {row['column_name']} | {row['label_en']} | {row['label_cy']} | {description} |"
