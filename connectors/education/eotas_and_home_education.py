"""education/eotas_and_home_education: pupils educated elsewhere than at school, as CSV, one row an arrangement.

Here belong the columns of the council's list: education otherwise than at school (EOTAS), pupil referral units (PRU),
elective home education (EHE). Who the child is, the warehouse finds by the UPN.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.contract import CodeSet, Column, Contract, Table
from connectors.feed import Feed, ParseContext, Parsed, SourceFile
from connectors.tabular import parse_csv

# Strict: at home, somebody else than a school is told about the child.
KINDS = CodeSet("kind of arrangement", frozenset({"EOTAS", "PRU", "EHE"}), is_strict=True)

ARRANGEMENTS = Table(
    "arrangements",
    (
        Column("upn", key=True, required=True, identifier="upn", meaning="Unique pupil number."),
        Column("arrangement_kind", key=True, required=True, codes=KINDS, sources=("kind",),
               meaning="EOTAS otherwise than at school, PRU pupil referral unit, EHE elective home education."),
        Column("started_date", "date", key=True, required=True, sources=("start", "start_date"), meaning="First day."),
        Column("ended_date", "date", header="expected", sources=("end", "end_date"), future="allow",
               on_bad="reject", meaning="Last day; empty while it goes on."),
        Column("authority_code", sources=("la_code", "authority"), meaning="Number of the council, three digits."),
        Column("provider", sources=("provider_name",), meaning="Who teaches; empty at home."),
    ),
    date_orders=(("started_date", "ended_date"),),
    meaning="One row per pupil, kind of arrangement and its start.",
)  # fmt: skip


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:
    """Read one file.

    Args:
        file: The file.
        context: Not needed: nothing in the file depends on it.

    Yields:
        Batches of `arrangements` as text.

    Raises:
        FileHeld: The file breaks the shape of a CSV or lacks a required column.
    """
    del context
    yield from parse_csv(file, ARRANGEMENTS)


FEED = Feed(
    agency="education",
    name="eotas_and_home_education",
    title="Education otherwise than at school, and home education",
    contract=Contract((ARRANGEMENTS,)),
    parse=parse,
    mode="full",
)
