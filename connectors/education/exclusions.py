"""education/exclusions: exclusions of pupils as CSV, one row an exclusion.

Here belong the columns. The codes are those of the census (`census_contract`); their labels and years are the
warehouse's seed `education_codes`. Who the pupil is, the warehouse finds by the UPN.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.contract import Column, Contract, Table
from connectors.education.census_contract import EXCLUSIONS as CATEGORIES
from connectors.education.census_contract import REASONS
from connectors.feed import Feed, ParseContext, Parsed, SourceFile
from connectors.tabular import parse_csv

EXCLUSIONS = Table(
    "exclusions",
    (
        Column("upn", key=True, required=True, identifier="upn", meaning="Unique pupil number."),
        Column("school_id", key=True, required=True, sources=("school",),
               meaning="Authority and establishment number in one, as in the census."),
        Column("started_date", "date", key=True, required=True, sources=("start", "start_date"), meaning="First day."),
        Column("category_code", key=True, required=True, codes=CATEGORIES, sources=("category",),
               meaning="PERM permanent; SUSP (earlier FIXD) for a fixed term; LNCH at lunch."),
        Column("sessions", "integer", header="expected", meaning="Half days of a fixed-term exclusion."),
        Column("reason_code", header="expected", codes=REASONS, sources=("reason",), meaning="Main reason."),
    ),
    meaning="One row per exclusion of a pupil from a school.",
)  # fmt: skip


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:
    """Read one file.

    Args:
        file: The file.
        context: Not needed: nothing in the file depends on it.

    Yields:
        Batches of `exclusions` as text.

    Raises:
        FileHeld: The file breaks the shape of a CSV or lacks a required column.
    """
    del context
    yield from parse_csv(file, EXCLUSIONS)


FEED = Feed(
    agency="education",
    name="exclusions",
    title="Exclusions of pupils, for a time and for good",
    contract=Contract((EXCLUSIONS,)),
    parse=parse,
    mode="delta",
)
