"""The XML form of the SSDA903 return: one file, EXPSSDA903, with all tables of a child inside the child.

Here belongs where the XML keeps the columns of the CSV tables. What the columns mean stands in `ssda903_forms`.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
from lxml import etree

from connectors import xml
from connectors.feed import Finding, ParseContext, Parsed, SourceFile
from connectors.social_care import ssda903_rows
from connectors.social_care.ssda903_forms import BY_FORM, Form

_BATCH_CHILDREN = 5_000
# Names that the XML has for columns of the CSV.
_RENAMED = {"CHILDID": "CHILD", "PL": "PLACE"}
_GROUPS = {
    "EPISODE": "Episodes", "AREVIEW": "Reviews", "AMISSING": "Missing", "OC2": "OC2", "PERMANENCE": "PrevPerm",
    "AD_PLACED": "PlacedAdoption", "SWEPISODE": "SWEpisodes", "SW_EPISODE": "SWEpisodes", "DOLO": "DoLo",
}
# Tables that have no group of their own: a child is in them when the header has one of these.
_IN_HEADER = {"UASC": ("DUC",), "OC3": ("IN_TOUCH", "ACTIV", "ACCOM"), "AD1": ("DATE_INT", "DATE_MATCH")}
_TRUE = {"1", "true", "y", "yes"}
_Row = tuple[dict[str, str], int]


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:
    """Read the XML file of a return.

    Args:
        file: The file.
        context: Its as-at date helps to tell the year.

    Yields:
        Batches of canonical tables.

    Raises:
        FileHeld: The XML is broken, has a DOCTYPE, or is another return.
    """
    said = ssda903_rows.said_year_end(file, context)
    findings: list[Finding] = []
    days: list[pl.Series] = []
    rows: dict[str, list[_Row]] = {}
    count = 0
    for record in xml.records(file, "persons", findings, roots=("EXPSSDA903",), names=("CHILD",)):
        _collect(record.element, rows)
        count += 1
        if count % _BATCH_CHILDREN == 0:
            yield _batch(rows, findings, days, file, context)
            rows, findings[:] = {}, []
    yield _batch(rows, findings, days, file, context)
    if not count:
        yield Parsed(findings=[Finding("file-no-rows", "persons")])
    yield ssda903_rows.speaks_for(BY_FORM["Episodes"], said, pl.concat(days) if days else None, context)


def _collect(child: etree._Element, rows: dict[str, list[_Row]]) -> None:
    """Add the rows of one child."""
    header = xml.child(child, "HEADER")
    person = _columns(header)
    own = {name: person[name] for name in ("CHILD", "DOB", "SEX") if name in person}
    rows.setdefault("Header", []).append((person, xml.line(child)))
    for form, marks in _IN_HEADER.items():
        if any(mark in person for mark in marks) or (form == "UASC" and person.get("UASC", "").lower() in _TRUE):
            rows.setdefault(form, []).append((person, xml.line(child)))
    for parent in (child, header):
        for group in () if parent is None else parent:
            form = _GROUPS.get(xml.local_name(group))
            if form and len(group):
                rows.setdefault(form, []).append((own | _columns(group), xml.line(group)))


def _columns(element: etree._Element | None) -> dict[str, str]:
    return {_RENAMED.get(name, name): value for name, value in xml.fields(element).items()}


def _batch(
    rows: dict[str, list[_Row]], findings: list[Finding], days: list[pl.Series], file: SourceFile, context: ParseContext
) -> Parsed:
    part = Parsed(findings=list(findings))
    said = ssda903_rows.said_year_end(file, context)
    for name, found in rows.items():
        frame = _frame(BY_FORM[name], found)
        if name == "Episodes":
            days.append(ssda903_rows.days_of(frame))
        tables, repairs = ssda903_rows.project(BY_FORM[name], frame, said, context)
        part.tables |= tables
        part.findings += repairs
    return part


def _frame(form: Form, rows: list[_Row]) -> pl.DataFrame:
    data = {
        column: pl.Series(column, [values.get(header) for values, _ in rows], dtype=pl.String)
        for header, column in form.columns.items()
    }
    return pl.DataFrame(data).with_columns(pl.Series("row_number", [line for _, line in rows], dtype=pl.Int64))
