"""health/adt: HL7 v2 messages (2.3 to 2.8) about patients, their visits, merges and appointments.

Here belongs how the feed is put together: messages from `hl7v2_framing`, rows from `adt_rows`, the contract from
`adt_contract`. All messages land with their processing id; what to leave out (training, debugging) is decided later.

The delivery's date is not taken from FHS-7 or MSH-7: a clock that is wrong in one message, or one old batch in a folder
of messages, would put the dates of birth of the youngest into the future of the delivery.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import polars as pl

from connectors.feed import Feed, Finding, ParseContext, Parsed, SourceFile
from connectors.health import adt_rows, hl7v2_framing
from connectors.health.adt_contract import CONTRACT, RULES
from connectors.health.adt_rows import COLUMNS, Rows
from connectors.health.hl7v2_envelope import Note
from connectors.rules import register

register(*RULES)

BATCH_MESSAGES = 20_000
_TYPES: dict[str, pl.DataType] = {
    "patient_sequence": pl.Int64(), "sequence": pl.Int64(), "is_deleted": pl.Boolean(), "is_emergency": pl.Boolean(),
    "is_did_not_attend": pl.Boolean(), "row_number": pl.Int64(), "_extracted_at": pl.Int64(),
}


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:  # noqa: ARG001  # every parser has it
    """Read one file of messages.

    Args:
        file: The file.
        context: Not used; a message says itself what it is about.

    Yields:
        Batches of rows and findings. `row_number` is the number of the message in the file.

    Raises:
        FileHeld: The file is empty, is not HL7 v2, or its envelope contradicts itself.
    """
    with file.path.open("rb") as stream:
        yield from _batches(stream)


def _batches(stream: BinaryIO) -> Iterator[Parsed]:
    seen: set[str] = set()
    versions: set[str] = set()
    rows, count = Rows(), 0
    for item in hl7v2_framing.read(stream):
        if isinstance(item, Note):
            rows.findings.append(Finding(item.rule_id, "messages", item.number, item.place, raw=item.raw))
            continue
        digest = adt_rows.message_hash(item)
        if digest in seen:
            raw = item.text.encode()
            rows.findings.append(Finding("row-duplicate", "messages", item.number, "message_hash", raw=raw))
            continue
        seen.add(digest)
        adt_rows.add(item, digest, rows)
        count += 1
        if count % BATCH_MESSAGES == 0:
            versions |= rows.versions
            yield _parsed(rows)
            rows = Rows()
    yield _parsed(rows)
    yield from (Parsed(schema_version=version) for version in sorted(versions | rows.versions))


def _parsed(rows: Rows) -> Parsed:
    tables = {name: _frame(name, found) for name, found in rows.rows.items() if found}
    return Parsed(tables, rows.findings)


def _frame(table: str, found: list[tuple[object, ...]]) -> pl.DataFrame:
    names = (*COLUMNS[table], "row_number", "_extracted_at")
    frame = pl.DataFrame(
        [
            pl.Series(name, values, dtype=_TYPES.get(name, pl.String()))
            for name, values in zip(names, zip(*found, strict=True), strict=True)
        ]
    )
    return frame.with_columns(pl.col("_extracted_at").cast(pl.Datetime("us", "UTC")))


FEED = Feed(
    agency="health", name="adt", title="HL7 v2 messages: patients, merges, attendances, appointments",
    contract=CONTRACT, parse=parse, mode="delta",
)
