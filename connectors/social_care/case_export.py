"""The case export: a folder with one CSV or XLSX file for each canonical table, as a council's case system writes it.

Here belong which file is which table and what the export must have. The columns are those of `canonical`, under the
same names: this feed is the form we ask councils for, so it renames nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from connectors.contract import Contract
from connectors.errors import FileHeld
from connectors.feed import Feed, Finding, ParseContext, Parsed, SourceFile
from connectors.social_care import canonical
from connectors.workbook import parse_table

CONTRACT = Contract(canonical.adapted(canonical.BY_NAME, is_day_first=True))
_TABLES = CONTRACT.at(None)
# What suppliers put behind and before the table's name: 03_persons.csv, cardiff_persons_2026-06-30_full.csv.
_BEHIND = re.compile(r"(?:_\d{4}-\d{2}-\d{2})?(?:_(?:full|delta))?(?:_\d{1,3})?$")
_BEFORE = re.compile(r"^[^_]+_")


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:  # noqa: ARG001  a parser's shape
    """Read one file of the export.

    Args:
        file: `<table>.csv` or `<table>.xlsx`; a file that is neither (a note, a manifest) is reported and left alone.
        context: Not needed: the export says nothing that depends on it.

    Yields:
        Batches of the table.

    Raises:
        FileHeld: A file that is none of the tables, or one that breaks its shape.
    """
    name = PurePath(file.name)
    if name.suffix.lower() not in (".csv", ".xlsx"):
        yield Parsed(findings=[Finding("file-not-read", "")])
        return
    table = _table_of(name.stem)
    if table is None:
        raise FileHeld("file-unknown", "the name of the file is not that of a table of the case export")
    yield from parse_table(file, _TABLES[table])


def _table_of(stem: str) -> str | None:
    """The table a file name means: the name itself, or with a supplier, a number or a date around it."""
    name = _BEHIND.sub("", re.sub(r"[\s\-]+(?=[a-z])", "_", stem.strip().lower()))
    while name not in _TABLES:
        shorter = _BEFORE.sub("", name, count=1)
        if shorter == name:
            return None
        name = shorter
    return name


FEED = Feed(
    agency="social_care",
    name="case_export",
    title="Case export of a council (CSV tables)",
    contract=CONTRACT,
    parse=parse,
    mode="full",
    is_table_set=True,
    needs=("persons",),
)
