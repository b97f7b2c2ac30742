"""education/attendance: sessions of pupils as CSV, one row a pupil, school and range of days.

Here belong the columns and whether the sessions add up. The marks of single sessions are not read: an export of them
has one row a pupil and half day and tells the marts nothing more. Who the pupil is, the warehouse finds by the UPN.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from connectors.contract import Column, Contract, Table
from connectors.feed import Feed, Finding, ParseContext, Parsed, SourceFile
from connectors.rules import Rule, register
from connectors.tabular import parse_csv

register(
    Rule("attendance-sum", "warn",
         "Sessions attended and missed are more than those that were possible.",
         "Check whether approved activities are counted twice."),
)  # fmt: skip

SESSIONS = Table(
    "sessions",
    (
        Column("upn", key=True, required=True, identifier="upn", meaning="Unique pupil number."),
        Column("school_id", key=True, required=True, sources=("school",),
               meaning="Authority and establishment number in one, as in the census."),
        Column("from_date", "date", key=True, required=True, sources=("from", "week_start", "start"),
               meaning="First day of the range."),
        Column("to_date", "date", required=True, sources=("to", "week_end", "end"), future="allow",
               meaning="Last day of the range, included."),
        Column("sessions_possible", "integer", required=True, sources=("possible",),
               meaning="Half days the school was open to the pupil."),
        Column("sessions_attended", "integer", required=True, sources=("attended",),
               meaning="Half days attended, approved activities elsewhere among them."),
        Column("sessions_authorised_absent", "integer", header="expected", sources=("authorised",),
               meaning="Half days missed with leave."),
        Column("sessions_unauthorised_absent", "integer", header="expected", sources=("unauthorised",),
               meaning="Half days missed without leave."),
    ),
    date_orders=(("from_date", "to_date"),),
    meaning="One row per pupil, school and range of days (a week, a month).",
)  # fmt: skip


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:
    """Read one file of sessions.

    Args:
        file: The file.
        context: Not needed: nothing in the file depends on it.

    Yields:
        Batches of `sessions` as text.

    Raises:
        FileHeld: The file breaks the shape of a CSV or lacks a required column.
    """
    del context
    for part in parse_csv(file, SESSIONS):
        for name, frame in part.tables.items():
            parts = [
                pl.col(column).cast(pl.Float64, strict=False).fill_null(0)
                for column in ("sessions_attended", "sessions_authorised_absent", "sessions_unauthorised_absent")
                if column in frame.columns
            ]
            possible = pl.col("sessions_possible").cast(pl.Float64, strict=False)
            wrong = frame.filter(pl.sum_horizontal(parts) > possible)["row_number"]
            part.findings += [Finding("attendance-sum", name, number, "sessions_possible") for number in wrong]
        yield part


FEED = Feed(
    agency="education",
    name="attendance",
    title="Attendance of pupils, by week or month",
    contract=Contract((SESSIONS,)),
    parse=parse,
    mode="delta",
)
