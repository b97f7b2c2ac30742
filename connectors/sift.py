"""Parting the records of a delivery: what lands, what is reported, what goes to quarantine.

Here belong the steps from checked rows to landed rows and rejects: lineage, record hashes, duplicates, masking. Which
rule a row breaks is decided by `connectors.contract` and the parsers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import duckdb
import polars as pl

from connectors.contract import Table, action_of, check
from connectors.delivery import Delivery
from connectors.feed import Finding, SourceFile
from connectors.rules import RULES

_NOT_CONTENT = {"row_number", "source_file", "_raw", "_extracted_at"}
REPORT_SCHEMA: dict[str, pl.DataType] = {
    "rule_id": pl.String(), "action": pl.String(), "table": pl.String(), "source_file": pl.String(),
    "row_number": pl.Int64(), "column": pl.String(), "masked_value": pl.String(),
}
RECORD_SCHEMA: dict[str, pl.DataType] = {
    "rule_id": pl.String(), "table": pl.String(), "source_file": pl.String(), "row_number": pl.Int64(),
    "raw": pl.Binary(),
}


_WORST_FIRST = ("reject", "duplicate", "clear")


@dataclass(frozen=True)
class Sifted:
    """The rows of one table, parted.

    Attributes:
        landed: Rows in the table's schema.
        report: Every fault, its value masked.
        records: What is kept in quarantine, raw, one row a record under its worst rule.
        quarantined: How many rows were rejected.
        duplicate: How many rows repeat a landed one.
    """

    landed: pl.DataFrame
    report: pl.DataFrame
    records: pl.DataFrame
    quarantined: int
    duplicate: int


def sift(table: Table, frame: pl.DataFrame, delivery: Delivery) -> Sifted:
    """Part the rows of one table.

    Args:
        table: The table as agreed for the delivery.
        frame: Its rows as parsed, with `row_number` and `source_file`.
        delivery: Gives every landed row its lineage.

    Returns:
        What lands, what is reported, what goes to quarantine.
    """
    checked = check(table, frame, as_at=delivery.as_at_date)
    content = [column for column in frame.columns if column not in _NOT_CONTENT]
    hashes = _hash(frame, content)
    rows = checked.rows.with_columns(
        pl.lit(delivery.agency).alias("agency"), pl.lit(delivery.feed).alias("feed"),
        pl.lit(delivery.system).alias("system"), pl.lit(delivery.delivery_id).alias("delivery_id"),
        hashes.alias("record_hash"),
        _extracted_at(frame, delivery.as_at_date), _record_action(frame),
    )
    findings = checked.findings.with_columns(action_of(pl.col("rule_id")).alias("action"))
    # A withdrawal need only say whom it withdraws.
    withdrawn = rows.filter(pl.col("record_action") == "delete")["_row"].implode()
    findings = findings.filter(
        ~((pl.col("rule_id") == "value-missing") & pl.col("row").is_in(withdrawn) & ~pl.col("column").is_in(table.keys))
    )
    rejected = findings.filter(pl.col("action") == "reject")["row"].unique().to_list()
    good = rows.filter(~pl.col("_row").is_in(rejected))
    doubles = _doubles(good, table)
    findings = pl.concat([findings, doubles.select(findings.columns)])
    landed = good.filter(~pl.col("_row").is_in(doubles["row"].to_list()))
    places = rows.select("_row", "source_file", "row_number")
    report = (
        findings.join(places, left_on="row", right_on="_row", how="left")
        .with_columns(pl.lit(table.name).alias("table"), mask(pl.col("value")).alias("masked_value"))
        .select(REPORT_SCHEMA.keys()).cast(pl.Schema(REPORT_SCHEMA))
    )
    kept = (
        findings.filter(pl.col("action").is_in(_WORST_FIRST))
        .sort(pl.col("action").cast(pl.Enum(_WORST_FIRST)), maintain_order=True)
        .unique("row", keep="first", maintain_order=True)
        .sort("row")
    )
    source = frame.with_row_index("_row").with_columns(pl.col("_row").cast(pl.Int64))
    records = kept.join(source, left_on="row", right_on="_row", how="left").select(
        "rule_id", pl.lit(table.name).alias("table"), "source_file", pl.col("row_number").cast(pl.Int64),
        _raw(frame, content).alias("raw"),
    )
    counts = dict(kept["action"].value_counts().iter_rows())
    return Sifted(
        landed.select(table.schema().keys()).cast(pl.Schema(table.schema())), report, records,
        counts.get("reject", 0), counts.get("duplicate", 0),
    )


def _doubles(good: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Rows that repeat another row, or its key: the last row with a key lands."""
    empty = pl.DataFrame(schema={"rule_id": pl.String, "row": pl.Int64, "column": pl.String, "value": pl.String,
                                 "action": pl.String})
    keys = table.keys
    if not keys or good.is_empty():
        return empty
    last = pl.col("_row") == pl.col("_row").max().over(keys)
    same = pl.col("record_hash") == pl.col("record_hash").last().over(keys)
    doubles = good.sort("_row").with_columns(last.alias("_last"), same.alias("_same")).filter(~pl.col("_last"))
    return doubles.select(
        pl.when("_same").then(pl.lit("row-duplicate")).otherwise(pl.lit("key-duplicate")).alias("rule_id"),
        pl.col("_row").alias("row"), pl.lit(", ".join(keys)).alias("column"), pl.lit(None, pl.String).alias("value"),
        pl.when("_same").then(pl.lit("duplicate")).otherwise(pl.lit("reject")).alias("action"),
    )


def _hash(frame: pl.DataFrame, content: list[str]) -> pl.Series:
    """sha256 of each row's content as the supplier sent it, in one DuckDB pass; an empty column changes nothing."""
    if frame.is_empty():
        return pl.Series("record_hash", [], dtype=pl.String)
    joined = frame.select(  # noqa: F841  read by DuckDB by its name
        pl.concat_str(
            [pl.lit(name + "=") + pl.col(name).cast(pl.String).replace("", None) for name in sorted(content)],
            separator="\x1f",
            ignore_nulls=True,
        ).alias("content")
    )
    connection = duckdb.connect()
    try:
        return connection.execute("select sha256(content) as record_hash from joined").pl()["record_hash"]
    finally:
        connection.close()


def _extracted_at(frame: pl.DataFrame, as_at: date) -> pl.Expr:
    midnight = pl.lit(datetime.combine(as_at, time(), UTC)).cast(pl.Datetime("us", "UTC"))
    own = pl.Series("extracted_at", frame["_extracted_at"]) if "_extracted_at" in frame.columns else None
    if own is None:
        return midnight.alias("extracted_at")
    return pl.coalesce(pl.lit(own), midnight).cast(pl.Datetime("us", "UTC")).alias("extracted_at")


def _record_action(frame: pl.DataFrame) -> pl.Expr:
    if "record_action" not in frame.columns:
        return pl.lit("upsert").alias("record_action")
    text = pl.col("record_action").cast(pl.String).str.to_lowercase().str.strip_chars()
    deletes = text.is_in(["d", "delete", "deleted", "withdrawn", "w"])
    return pl.when(deletes).then(pl.lit("delete")).otherwise(pl.lit("upsert")).alias("record_action")


def _raw(frame: pl.DataFrame, content: list[str]) -> pl.Expr:
    if "_raw" in frame.columns:
        return pl.col("_raw").cast(pl.Binary)
    return pl.struct(pl.col(content).cast(pl.String)).struct.json_encode().cast(pl.Binary)


def mask(value: pl.Expr) -> pl.Expr:
    """Hide a value and keep its shape: letters become A, digits 9. `31/02/2020` reads `99/99/9999`."""
    return value.str.replace_all(r"\p{L}", "A").str.replace_all(r"\d", "9").str.slice(0, 40)


def report_of(findings: list[Finding], file: SourceFile) -> pl.DataFrame:
    """What a parser found, as rows of the report, values masked."""
    frame = pl.DataFrame(
        [(f.rule_id, RULES[f.rule_id].action, f.table, file.name, f.row_number, f.column, f.value) for f in findings],
        schema=REPORT_SCHEMA, orient="row",
    )
    return frame.with_columns(mask(pl.col("masked_value")))


def records_of(findings: list[Finding], file: SourceFile) -> pl.DataFrame:
    """The raw records a parser rejected, as rows of the quarantine."""
    return pl.DataFrame(
        [(f.rule_id, f.table, file.name, f.row_number, f.raw) for f in findings if f.raw is not None],
        schema=RECORD_SCHEMA, orient="row",
    )
