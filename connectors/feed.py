"""What a feed is, and what its parser gives back.

Here belong the few shapes that every feed shares. Reading bytes belongs to the feed's own module, checking columns to
`connectors.contract`, writing to `connectors.landing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

import polars as pl

from connectors.contract import Contract

Mode = Literal["full", "delta"]


@dataclass(frozen=True)
class SourceFile:
    """One file of a delivery.

    Attributes:
        path: Where it lies; never changed.
        name: Its name relative to the delivery, as the supplier knows it.
        sha256: Of its bytes.
        size: Bytes.
    """

    path: Path
    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Finding:
    """One fault at one place of a file.

    Attributes:
        rule_id: A rule of `connectors.rules`; its action says what happens to the record.
        table: Landing table the record was for.
        row_number: Position as the supplier sees it: line of a CSV, number of the message, line of the XML.
        column: Column or field, when the fault has one.
        value: The faulty text. It is masked before it is written to a report.
        raw: The record's bytes, kept in quarantine only.
    """

    rule_id: str
    table: str
    row_number: int | None = None
    column: str | None = None
    value: str | None = None
    raw: bytes | None = None


@dataclass
class Parsed:
    """A batch of records of one file, still as text.

    Attributes:
        tables: Landing table to frame. Columns are the contract's, as text (or already typed), plus `row_number`
            (integer) and optionally `_raw` (the record's bytes or text) and `_extracted_at` (instant, UTC). Columns
            that the contract does not know are reported and not landed.
        findings: Faults that the parser found. A finding whose rule rejects counts as one record in and quarantined.
        as_at: The date the content speaks for, when the file says it.
        period: First and last day the content covers, when the file says it.
        mode: Full or delta, when the file says it.
        schema_version: Version of the supplier's format, when the file says it.
    """

    tables: dict[str, pl.DataFrame] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    as_at: date | None = None
    period: tuple[date, date] | None = None
    mode: Mode | None = None
    schema_version: str | None = None


@dataclass(frozen=True)
class ParseContext:
    """What the caller knows about a delivery before it is parsed.

    Attributes:
        as_at: The date the delivery speaks for, when the caller or the file name says it.
        system: Name of the source system.
    """

    as_at: date | None = None
    system: str = ""


Parser = Callable[[SourceFile, ParseContext], Iterator[Parsed]]
Completer = Callable[[dict[str, pl.DataFrame]], dict[str, pl.DataFrame]]


@dataclass(frozen=True)
class Feed:
    """A stream of deliveries of one kind from one agency.

    Attributes:
        agency: `health`, `police`, `education` or `social_care`.
        name: Name of the feed within the agency.
        title: What it is, in a few words.
        contract: The landing tables and their rules.
        parse: Reads one file, yields batches, raises `FileHeld` when the file breaks its shape.
        mode: Whether a delivery replaces what was there (`full`) or adds to it (`delta`), unless told otherwise.
        is_table_set: The files of a delivery are the tables of one snapshot, so that a full delivery with one
            broken file is held whole: landing the rest would close the children of the missing table.
        complete: Fills tables of a delivery from each other when all its files are read (addresses that come in a
            file of their own). It gets and gives the tables as parsed, each with the same rows.
        needs: Tables without which a full delivery is held: what it leaves out would be closed.
    """

    agency: str
    name: str
    title: str
    contract: Contract
    parse: Parser
    mode: Mode = "delta"
    is_table_set: bool = False
    complete: Completer | None = None
    needs: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """`agency/name`, as the command line and the folders spell it."""
        return f"{self.agency}/{self.name}"
