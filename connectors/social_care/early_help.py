"""social_care/early_help: requests of a separate early-help system, as CSV, one row a request.

Here belong the columns of the request and which canonical table each of them is for: a row is a request, and it says
who the child is and where the family lives. The persons are source records of their own, linked as any other; the
council's number of the child stands on the request and is no identifier of the person. Free text is not landed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from connectors.contract import Column, Contract, Table
from connectors.feed import Feed, ParseContext, Parsed, SourceFile
from connectors.social_care import canonical
from connectors.tabular import parse_csv

TABLES = ("persons", "addresses", "early_help")
# Only requests are counted: a person and an address are read out of each of them.
CONTRACT = Contract(canonical.adapted(TABLES, is_day_first=True), record_tables=("early_help",))
_PERSON = ("source_person_id", "forename", "middle_names", "surname", "birth_date", "sex", "family_group_id")
_ADDRESS = ("source_person_id", "address_line", "postcode")
# How suppliers may head the columns, beside the canonical names.
_HEADERS = {
    "early_help_id": ("request_id", "requestId", "earlyHelpId"),
    "source_person_id": ("person_id", "personId"),
    "forename": ("firstName", "first_name", "given_name"),
    "surname": ("familyName", "last_name"),
    "birth_date": ("dateOfBirth", "date_of_birth", "dob"),
    "family_group_id": ("household_id", "householdId"),
    "address_line": ("address", "addressLine"),
    "requested_date": ("requestedDate", "request_date"),
    "allocated_date": ("allocatedDate",),
    "started_date": ("startedDate", "start_date"),
    "closed_date": ("closedDate", "close_date"),
    "outcome_code": ("outcome", "outcomeCode"),
    "request_source": ("source", "requestSource"),
    "council_person_id": ("council_id", "councilPersonId"),
}
_EXPECTED = {"forename", "surname", "birth_date", "council_person_id", "allocated_date", "started_date", "closed_date"}


def _column(table: str, name: str) -> Column:
    found = canonical.column(canonical.BY_NAME[table], name)
    header = "expected" if name in _EXPECTED else found.header
    return replace(found, sources=(*_HEADERS.get(name, ()), *found.sources), header=header)


# One row of the file. Its types are checked where the columns land, not here.
REQUEST = Table(
    "early_help",
    (
        *(_column("early_help", column.name) for column in canonical.BY_NAME["early_help"].columns),
        *(_column("persons", name) for name in _PERSON[1:]),
        *(_column("addresses", name) for name in _ADDRESS[1:]),
    ),
    meaning="One row per early help request.",
)


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:
    """Read one file of requests.

    Args:
        file: The file.
        context: Not needed: nothing in the file depends on it.

    Yields:
        Batches of `early_help`, and of `persons` and `addresses` read out of the same rows.

    Raises:
        FileHeld: The file breaks the shape of a CSV or lacks a required column.
    """
    del context
    for part in parse_csv(file, REQUEST):
        frame = part.tables.get("early_help")
        if frame is not None:
            part.tables = project(frame)
        yield part


def project(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Turn rows of requests into canonical rows.

    A person with several requests is one row, as the last of them says; a withdrawn request withdraws no person.

    Args:
        frame: Requests as text under the canonical names, with `row_number`.

    Returns:
        The canonical tables.
    """
    texts = pl.col(pl.String).str.strip_chars().replace("", None)
    said = frame.with_columns(texts).filter(pl.col("source_person_id").is_not_null())
    if "record_action" in said.columns:
        action = pl.col("record_action").str.to_lowercase()
        said = said.filter(~action.is_in(["d", "delete", "deleted", "withdrawn", "w"]).fill_null(value=False))

    def taken(names: tuple[str, ...]) -> pl.DataFrame:
        return said.select(*(name for name in names if name in said.columns), "row_number")

    places = [name for name in _ADDRESS[1:] if name in said.columns]
    addresses = taken(_ADDRESS).filter(pl.any_horizontal(pl.col(places).is_not_null())) if places else None
    carried = {*_PERSON[1:], *_ADDRESS[1:]}
    tables = {
        "early_help": frame.drop(carried & set(frame.columns)),
        "persons": taken(_PERSON).unique("source_person_id", keep="last", maintain_order=True),
    }
    if addresses is not None:
        homes = addresses.with_columns(address_type=pl.lit("home"))
        tables["addresses"] = homes.unique("source_person_id", keep="last", maintain_order=True)
    return tables


FEED = Feed(
    agency="social_care",
    name="early_help",
    title="Early help requests (CSV)",
    contract=CONTRACT,
    parse=parse,
    mode="full",
)
