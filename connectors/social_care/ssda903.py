"""SSDA903, England's yearly return of looked-after children: a set of CSV files, or one XML file.

Here belong telling which file is which table, and reading it. The tables stand in `ssda903_forms`, what becomes of
their rows in `ssda903_rows`, the XML form in `ssda903_xml`.
"""

from __future__ import annotations

import csv
import dataclasses
import re
from collections.abc import Iterator
from pathlib import PurePath

import polars as pl

from connectors.contract import Column, Table
from connectors.errors import FileHeld
from connectors.feed import Feed, Finding, ParseContext, Parsed, SourceFile
from connectors.social_care import ssda903_rows, ssda903_xml
from connectors.social_care.ssda903_forms import CONTRACT, FORMS, Form
from connectors.tabular import parse_csv

_HEAD = 1 << 16
_SHARED = {"CHILD", "DOB", "SEX"}
_CSV = (".csv", ".txt", "")


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:
    """Read one file of the return.

    Args:
        file: A CSV file of any name, or the XML file of the whole return.
        context: Its as-at date helps to tell the year.

    Yields:
        Batches of canonical tables; columns that start with an underscore are for `complete`.

    Raises:
        FileHeld: A CSV file that is no table of the return, or a file that breaks its shape.
    """
    suffix = PurePath(file.name).suffix.lower()
    if suffix == ".xml":
        yield from ssda903_xml.parse(file, context)
    elif suffix in _CSV:
        yield from _parse_csv(file, context)
    else:
        yield Parsed(findings=[Finding("file-not-read", "")])


def _parse_csv(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:
    form, headers = _form_of(file)
    absent = [header for header in form.needed if _squeezed(header) not in headers]
    if headers and absent:
        raise FileHeld("column-missing", f"table {form.name} lacks {', '.join(absent)}")
    said = ssda903_rows.said_year_end(file, context)
    days: list[pl.Series] = []
    for part in parse_csv(file, _source_table(form, CONTRACT.at(said)[form.table])):
        part.findings = [_in_their_words(form, finding) for finding in part.findings]
        frame = part.tables.pop(form.table, None)
        if frame is not None:
            if form.name == "Episodes":
                days.append(ssda903_rows.days_of(frame))
            part.tables, repairs = ssda903_rows.project(form, frame, said, context)
            part.findings += repairs
        yield part
    yield ssda903_rows.speaks_for(form, said, pl.concat(days) if days else None, context)


def _form_of(file: SourceFile) -> tuple[Form, set[str]]:
    """Which table a file is: by the columns that only that table has, else by its name."""
    with file.path.open("rb") as stream:
        head = stream.read(_HEAD)
    if not head.strip():
        raise FileHeld("file-empty", "the file has no content")
    text = head.removeprefix(b"\xef\xbb\xbf").decode("cp1252", errors="replace").lstrip("\r\n")
    first_line = re.split(r"[\r\n]", text, maxsplit=1)[0]
    for delimiter in (",", ";", "\t", "|"):
        headers = {_squeezed(name) for name in next(csv.reader([first_line], delimiter=delimiter), [])}
        best = max(FORMS, key=lambda form: _own_columns(form, headers))
        if _own_columns(best, headers):
            # With another delimiter the reader says so: no header is looked for here.
            return best, headers if delimiter == "," else set()
    stem = _squeezed(PurePath(file.name).stem)
    for form in FORMS:
        if any(_squeezed(word) in stem for word in (form.name, *form.spoken)):
            return form, {_squeezed(name) for name in next(csv.reader([first_line]), [])}
    raise FileHeld("file-unknown", "neither the columns nor the name are those of a table of the 903")


def _own_columns(form: Form, headers: set[str]) -> int:
    return sum(_squeezed(header) in headers for header in form.columns if header not in _SHARED)


def _squeezed(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", name.upper())


def _source_table(form: Form, table: Table) -> Table:
    """The canonical table as the return writes it: the return's headers, in the spellings that occur."""
    known = {column.name: column for column in table.columns}
    columns = tuple(
        dataclasses.replace(
            known.get(name, Column(name)),
            sources=(header, header.replace("_", " "), header.replace("_", "")),
            header="required" if header in form.needed else "expected",
        )
        for header, name in form.columns.items()
    )
    return Table(form.table, columns)


def _in_their_words(form: Form, finding: Finding) -> Finding:
    """A finding about a header under the name that the supplier knows."""
    theirs = {name: header for header, name in form.columns.items()}
    return dataclasses.replace(finding, column=theirs.get(finding.column or "", finding.column))


FEED = Feed(
    agency="social_care",
    name="ssda903",
    title="SSDA903 return of looked-after children (England)",
    contract=CONTRACT,
    parse=parse,
    mode="full",
    is_table_set=True,
    complete=ssda903_rows.complete,
)
