"""The error report that a supplier gets: every fault of every delivery, in words, with how to mend it.

Here belongs putting faults into words and files. Which faults there are is decided by the landing; values arrive here
masked already, and a cell that a spreadsheet would run as a formula is made plain text.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl

from connectors.delivery import Delivery, Places, deliveries
from connectors.feed import Feed
from connectors.rules import RULES
from connectors.sift import REPORT_SCHEMA

SHORT_ID = 12  # characters of a delivery id that are shown
DONE = {
    "held": "held: not landed",
    "reject": "quarantined",
    "duplicate": "counted as duplicate",
    "clear": "landed without the value",
    "repair": "repaired",
    "warn": "landed as it is",
}
SCHEMA: dict[str, pl.DataType] = {
    "delivery": pl.String(),
    "as_at_date": pl.Date(),
    "received": pl.String(),
    "system": pl.String(),
    "file": pl.String(),
    "table": pl.String(),
    "row": pl.Int64(),
    "column": pl.String(),
    "rule": pl.String(),
    "meaning": pl.String(),
    "detail": pl.String(),
    "masked_value": pl.String(),
    "action": pl.String(),
    "remedy": pl.String(),
}
# A sheet ends at 1,048,576 rows; the CSV has all of them.
SHEET_ROWS = 1_000_000
_FORMULA = r"^[\s]*[=+\-@\t\r]"
_WIDTHS = {
    "delivery": 100, "as_at_date": 80, "received": 130, "system": 120, "file": 240, "table": 140, "row": 60,
    "column": 160, "rule": 180, "meaning": 380, "detail": 240, "masked_value": 140, "action": 170, "remedy": 380,
}  # fmt: skip


def error_report(feed: Feed, places: Places) -> pl.DataFrame:
    """Every fault of a feed's deliveries, newest delivery first.

    Args:
        feed: The feed.
        places: Where its deliveries lie.

    Returns:
        One row a fault, with the columns of `SCHEMA`: where it is, what the rule means, what was done about it and how
        to mend it. Values are masked; faults that hold a file come first.
    """
    parts = [pl.DataFrame(schema=SCHEMA)]
    for delivery in reversed(deliveries(places, feed)):
        parts.append(_in_words(_held(delivery), delivery))
        report = places.held(feed, delivery.delivery_id) / "report.parquet"
        if report.exists():
            parts.append(_in_words(pl.read_parquet(report), delivery))
    return pl.concat(parts)


def write_report(frame: pl.DataFrame, path: Path) -> tuple[Path, Path]:
    """Write a report as CSV and as a workbook.

    Args:
        frame: What `error_report` gave.
        path: Where to, without a suffix.

    Returns:
        The two files.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    safe = frame.with_columns(_plain(pl.col(name)) for name, kind in frame.schema.items() if kind == pl.String())
    table, workbook = path.with_name(f"{path.name}.csv"), path.with_name(f"{path.name}.xlsx")
    # A byte order mark, because spreadsheets take a CSV without one for Windows-1252.
    safe.write_csv(table, include_bom=True)
    safe.head(SHEET_ROWS).write_excel(
        workbook,
        worksheet="errors",
        table_style="Table Style Light 1",
        freeze_panes=(1, 0),
        autofilter=True,
        column_widths={name: width for name, width in _WIDTHS.items() if name in safe.columns},
        column_formats={name: "@" for name, kind in safe.schema.items() if kind == pl.String()},
        dtype_formats={pl.Date: "yyyy-mm-dd"},
    )
    return table, workbook


def _held(delivery: Delivery) -> pl.DataFrame:
    """The files that were held, and the delivery where its content as a whole was the reason."""
    rows = [(fault["rule"], fault["file"], fault["detail"]) for fault in delivery.held_files]
    if delivery.hold_rule and delivery.hold_rule not in {rule for rule, _, _ in rows}:
        rows.append((delivery.hold_rule, "", delivery.hold_detail or ""))
    held = pl.DataFrame(rows, schema=dict.fromkeys(("rule_id", "source_file", "detail"), pl.String), orient="row")
    return held.with_columns(pl.lit("held").alias("action"))


def _in_words(faults: pl.DataFrame, delivery: Delivery) -> pl.DataFrame:
    def of_rule(words: dict[str, str]) -> pl.Expr:
        return pl.col("rule_id").replace_strict(words, default="", return_dtype=pl.String)

    absent = [
        pl.lit(None, kind).alias(name)
        for name, kind in {**REPORT_SCHEMA, "detail": pl.String()}.items()
        if name not in faults.columns
    ]
    stamp = delivery.received_at - timedelta(microseconds=delivery.received_at.microsecond)
    done = pl.col("action").replace_strict(DONE, default="", return_dtype=pl.String)
    if delivery.state == "held":
        # Nothing of a held delivery has landed, whatever its rows would have come to.
        done = pl.lit(DONE["held"])
    return faults.with_columns(absent).select(
        pl.lit(delivery.delivery_id[:SHORT_ID]).alias("delivery"),
        pl.lit(delivery.as_at_date).alias("as_at_date"),
        pl.lit(stamp.isoformat()).alias("received"),
        pl.lit(delivery.system).alias("system"),
        pl.col("source_file").alias("file"),
        pl.col("table"),
        pl.col("row_number").alias("row"),
        pl.col("column"),
        pl.col("rule_id").alias("rule"),
        of_rule({rule.rule_id: rule.meaning for rule in RULES.values()}).alias("meaning"),
        pl.col("detail"),
        pl.col("masked_value"),
        done.alias("action"),
        of_rule({rule.rule_id: rule.remedy for rule in RULES.values()}).alias("remedy"),
    ).cast(pl.Schema(SCHEMA))


def _plain(text: pl.Expr) -> pl.Expr:
    """An apostrophe before what a spreadsheet would run as a formula."""
    return pl.when(text.str.contains(_FORMULA)).then(pl.lit("'") + text).otherwise(text).name.keep()
