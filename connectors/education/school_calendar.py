"""education/school_calendar: terms, holidays, INSET days and closures as CSV, one row a range of days.

Here belong the columns of the calendar and how a school is told from its council. There is no published layout: school
systems and council pages give ranges of dates. Which days of a range are school days is the warehouse's work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from connectors.contract import CodeSet, Column, Contract, Table
from connectors.feed import Feed, ParseContext, Parsed, SourceFile
from connectors.tabular import parse_csv

# Strict: a kind that is read wrongly moves every clock that counts school days.
KINDS = CodeSet("kind of days", frozenset({"term", "half_term", "holiday", "inset", "closure"}), is_strict=True)

PERIODS = Table(
    "periods",
    (
        Column("school_id", key=True, required=True, header="optional",
               meaning="Authority and establishment number in one, as in the census; the authority alone when the row"
                       " is the council's."),
        Column("authority_code", required=True, sources=("la_code", "lea", "la", "authority"),
               meaning="Number of the council, three digits."),
        Column("establishment_number", header="required", sources=("estab", "establishment"),
               meaning="Number of the school within the council; empty in the council's own calendar."),
        Column("period_kind", key=True, required=True, codes=KINDS, sources=("kind", "type"),
               meaning="term, half_term, holiday, inset (no pupils) or closure (snow, boiler, strike)."),
        Column("first_date", "date", key=True, required=True, sources=("start", "start_date", "from"), future="allow",
               meaning="First day, included."),
        Column("last_date", "date", header="expected", sources=("end", "end_date", "to"), future="allow",
               on_bad="reject", meaning="Last day, included; empty for a single day."),
    ),
    date_orders=(("first_date", "last_date"),),
    meaning="One row per school (or council), kind of days and range of dates.",
)  # fmt: skip


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:
    """Read one file of calendars.

    Args:
        file: The file.
        context: Not needed: nothing in the file depends on it.

    Yields:
        Batches of `periods` as text, with `school_id` made of its two parts.

    Raises:
        FileHeld: The file breaks the shape of a CSV or lacks a required column.
    """
    del context
    sent = replace(PERIODS, columns=tuple(column for column in PERIODS.columns if column.name != "school_id"))
    for part in parse_csv(file, sent):
        for name, frame in part.tables.items():
            authority, school = (pl.col(key).str.strip_chars() for key in ("authority_code", "establishment_number"))
            part.tables[name] = frame.with_columns(
                # Without an authority there is no school; the row fails for the authority, not twice.
                pl.concat_str(authority, school.fill_null("")).replace("", None).alias("school_id"),
                pl.col("period_kind").str.strip_chars().str.to_lowercase().str.replace_all(r"[\s\-]+", "_"),
            )
        yield part


FEED = Feed(
    agency="education",
    name="school_calendar",
    title="School calendars: terms, holidays, INSET days, closures",
    contract=Contract((PERIODS,)),
    parse=parse,
    mode="full",
)
