"""The contract of a feed: its landing tables, columns, types, code sets, keys, and how they changed over the years.

Here belong the declaration of a contract and the one function that holds a batch against it. Reading files belongs to
the feed; what becomes of the rows that fail belongs to `connectors.landing`. Shapes and values of single rows are
checked here; what needs other rows, other feeds or a clock is a dbt test.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import pandera.polars as pa
import polars as pl

from connectors import checkdigits
from connectors.rules import RULES

Type = Literal["text", "date", "instant", "boolean", "integer", "number"]

POLARS_TYPES: dict[str, pl.DataType] = {
    "text": pl.String(),
    "date": pl.Date(),
    "instant": pl.Datetime("us", "UTC"),
    "boolean": pl.Boolean(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
}
LINEAGE: dict[str, pl.DataType] = {
    "agency": pl.String(),
    "feed": pl.String(),
    "system": pl.String(),
    "delivery_id": pl.String(),
    "source_file": pl.String(),
    "row_number": pl.Int64(),
    "record_hash": pl.String(),
    "extracted_at": pl.Datetime("us", "UTC"),
    "record_action": pl.String(),
}
EARLIEST = date(1900, 1, 1)
_ISO_DATE = r"^(\d{4}-\d{2}-\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?Z?)?$"
_DAY_FIRST = r"^(\d{1,2}/\d{1,2}/\d{4})(?: 00:00(?::00)?)?$"
# Only for columns with formats of their own, whose shape is not known here: 2012-Feb-31.
_LOOKS_LIKE_A_DATE = r"^\d{1,4}[-/. ][0-9A-Za-z]{1,3}[-/. ]\d{1,4}(?: 00:00(?::00)?)?$"
_LARGEST_WHOLE = 2**53
_TRUE = ("true", "1", "y", "yes", "t")
_FALSE = ("false", "0", "n", "no", "f")


@dataclass(frozen=True)
class CodeSet:
    """A closed list of codes.

    Attributes:
        name: What the codes are called.
        codes: The codes, as suppliers write them; compared without regard to case.
        is_strict: An unknown code sends the row to quarantine; otherwise it lands and is reported.
    """

    name: str
    codes: frozenset[str]
    is_strict: bool = False


@dataclass(frozen=True)
class Column:
    """One column of a landing table.

    Attributes:
        name: Name in the landing table.
        type: Text unless it says otherwise; instants are landed in UTC, naive ones read as Europe/London.
        required: An empty value sends the row to quarantine.
        key: Part of the row's key within one supplier's system.
        sources: Headers under which suppliers send it, compared without regard to case; the name itself always counts.
        header: `required` the file is held without this header, `expected` its absence is reported, `optional`.
        codes: Code set of the value.
        identifier: Which check digit the value carries.
        formats: Further strptime formats of a date, each read without remark.
        is_day_first: The supplier's dates are DD/MM/YYYY by agreement, so reading them is no repair.
        on_bad: What an unreadable value does: `reject` the row, or `clear` the value.
        future: What a date after the extract does: `warn`, `clear`, or nothing (`allow`).
        meaning: What the column says, for the feed's page.
    """

    name: str
    type: Type = "text"
    required: bool = False
    key: bool = False
    sources: tuple[str, ...] = ()
    header: Literal["required", "expected", "optional"] | None = None
    codes: CodeSet | None = None
    identifier: Literal["nhs_number", "upn"] | None = None
    formats: tuple[str, ...] = ()
    is_day_first: bool = False
    on_bad: Literal["reject", "clear"] = "clear"
    future: Literal["warn", "clear", "allow"] = "warn"
    meaning: str = ""

    @property
    def header_need(self) -> str:
        """Whether the file must, should or may have the header; follows from `required` unless it is said."""
        return self.header or ("required" if self.required else "optional")


@dataclass(frozen=True)
class Table:
    """One landing table: its columns in order and the pairs of dates that must not be the wrong way round.

    Attributes:
        name: Name of the Parquet file.
        columns: In landing order.
        date_orders: Pairs (start, end) of columns; an end before its start is reported.
        meaning: The grain: "One row per ...".
    """

    name: str
    columns: tuple[Column, ...]
    date_orders: tuple[tuple[str, str], ...] = ()
    meaning: str = ""

    @property
    def keys(self) -> list[str]:
        """Names of the key columns."""
        return [column.name for column in self.columns if column.key]

    def schema(self) -> dict[str, pl.DataType]:
        """Column names and types as landed, lineage first."""
        return LINEAGE | {column.name: POLARS_TYPES[column.type] for column in self.columns}

    def headers(self) -> dict[str, str]:
        """Every header a supplier may use, lower case, to the column's name."""
        return {
            header.lower(): column.name for column in self.columns for header in (column.name, *column.sources)
        }


@dataclass(frozen=True)
class Change:
    """A dated change of a table: code sets and columns change every April.

    Attributes:
        since: First day (of the period a delivery covers) on which it holds.
        table: The table that changes.
        reason: Why, with the source.
        put: Columns added or replaced, by name.
        drop: Names of columns that are no longer sent; they stay in the landing table, empty.
    """

    since: date
    table: str
    reason: str
    put: tuple[Column, ...] = ()
    drop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contract:
    """The tables of a feed: a base, and dated changes.

    Attributes:
        tables: As they were at first.
        changes: In date order.
        record_tables: Tables whose rows are the records that the delivery counts; all tables when it is empty. Feeds
            whose tables are projections of one record (a message, a resource) name the table of the records.
        version: Of our contract, written into `delivery.json`.
    """

    tables: tuple[Table, ...]
    changes: tuple[Change, ...] = ()
    record_tables: tuple[str, ...] = ()
    version: str = "1"

    def at(self, day: date | None) -> dict[str, Table]:
        """The tables as agreed for a day; the newest when the day is not known.

        A dropped column stays in the landing table, so that the warehouse sees one shape for all years; it is only no
        longer looked for in the header.
        """
        tables = {table.name: table for table in self.tables}
        for change in sorted(self.changes, key=lambda change: change.since):
            columns = {column.name: column for column in tables[change.table].columns}
            if day is None or change.since <= day:
                columns |= {column.name: column for column in change.put}
                for name in change.drop:
                    columns[name] = dataclasses.replace(columns[name], required=False, header="optional")
            else:
                for column in change.put:
                    columns.setdefault(column.name, dataclasses.replace(column, required=False, header="optional"))
            tables[change.table] = dataclasses.replace(tables[change.table], columns=tuple(columns.values()))
        return tables

    def is_record_table(self, table: str) -> bool:
        """Whether rows of the table count as records of the delivery."""
        return not self.record_tables or table in self.record_tables


FINDING_SCHEMA: dict[str, pl.DataType] = {
    "rule_id": pl.String(),
    "row": pl.Int64(),
    "column": pl.String(),
    "value": pl.String(),
}


@dataclass
class Checked:
    """A batch held against its table.

    Attributes:
        rows: All rows of the batch in their landed types, with `_row` (position in the batch).
        findings: One row a fault: rule_id, row (position in the batch), column, value (unmasked).
    """

    rows: pl.DataFrame
    findings: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FINDING_SCHEMA))


def check(table: Table, batch: pl.DataFrame, *, as_at: date) -> Checked:
    """Type the rows of a batch and name every fault.

    Args:
        table: The table as agreed for the delivery.
        batch: The contract's columns as text or already typed; others are ignored.
        as_at: The date of the extract, against which dates lie in the future.

    Returns:
        Every row, typed, and the findings. Nothing is removed here.
    """
    found: list[pl.DataFrame] = []
    rows = batch.with_columns(
        pl.lit(None, POLARS_TYPES[column.type]).alias(column.name)
        for column in table.columns
        if column.name not in batch.columns
    ).with_row_index("_row")
    for column in table.columns:
        rows = _typed(rows, column, found)
    rows = rows.with_columns(pl.col("_row").cast(pl.Int64))
    rows = _future(rows, table, as_at, found)
    found.append(_pandera_findings(table, rows))
    for start, end in table.date_orders:
        found.append(_findings(rows, "date-order", end, pl.col(end) < pl.col(start)))
    findings = pl.concat(found)
    # An unreadable value is null by now; saying that it is missing too would send the supplier after the wrong fault.
    explained = findings.filter(pl.col("rule_id") != "value-missing").select("row", "column").unique()
    missing = findings.filter(pl.col("rule_id") == "value-missing").join(explained, on=["row", "column"], how="anti")
    findings = pl.concat([findings.filter(pl.col("rule_id") != "value-missing"), missing])
    return Checked(rows, findings.sort("row", "column", "rule_id", maintain_order=True))


def _findings(rows: pl.DataFrame, rule_id: str, column: str, fault: pl.Expr) -> pl.DataFrame:
    hits = rows.filter(fault.fill_null(value=False))
    return hits.select(
        pl.lit(rule_id).alias("rule_id"),
        pl.col("_row").cast(pl.Int64).alias("row"),
        pl.lit(column).alias("column"),
        pl.col(column).cast(pl.String).alias("value"),
    )


def _typed(rows: pl.DataFrame, column: Column, found: list[pl.DataFrame]) -> pl.DataFrame:
    """Bring one column to its type, noting repairs and unreadable values."""
    target = POLARS_TYPES[column.type]
    if rows.schema[column.name] == target and column.type != "text":
        return rows
    rows = rows.with_columns(pl.col(column.name).cast(pl.String).str.strip_chars().replace("", None))
    text = pl.col(column.name)
    if column.type == "text":
        return _identifier(rows, column, found) if column.identifier else rows
    readers = {
        "date": lambda: parse_date(text, column.formats),
        "instant": lambda: parse_instant(text),
        "boolean": lambda: parse_boolean(text),
        "integer": lambda: _integer(text),
        "number": lambda: _number(text),
    }
    rows = rows.with_columns(readers[column.type]().alias("_typed"))
    unread = text.is_not_null() & pl.col("_typed").is_null()
    if column.type == "date":
        looks = text.str.contains(_ISO_DATE) | text.str.contains(_DAY_FIRST)
        if column.formats:
            looks |= text.str.contains(_LOOKS_LIKE_A_DATE)
        found.append(_findings(rows, _bad(column, "date-impossible"), column.name, unread & looks))
        found.append(_findings(rows, _bad(column, "date-unreadable"), column.name, unread & ~looks))
        if not column.is_day_first:
            repaired = pl.col("_typed").is_not_null() & text.str.contains(_DAY_FIRST)
            found.append(_findings(rows, "date-day-first", column.name, repaired))
    else:
        rule = {"instant": "instant-unreadable", "boolean": "boolean-unreadable"}.get(
            column.type, "number-unreadable"
        )
        found.append(_findings(rows, _bad(column, rule), column.name, unread))
    if column.type == "instant":
        found.append(_findings(rows, "instant-skipped-hour", column.name, _is_skipped(text)))
        found.append(_findings(rows, "date-day-first", column.name,
                               pl.col("_typed").is_not_null() & text.str.contains(r"^\d{1,2}/")))
    return rows.with_columns(pl.col("_typed").cast(target).alias(column.name)).drop("_typed")


def _bad(column: Column, rule_id: str) -> str:
    """The rule of an unreadable value: an optional value is cleared, so that a child is not lost with it."""
    reject = column.required or column.key or column.on_bad == "reject"
    return rule_id if reject else f"{rule_id}-cleared"


def _integer(text: pl.Expr) -> pl.Expr:
    """Whole numbers, `12.0` among them; a fraction is not cut off but unreadable."""
    number = _number(text)
    whole = (number == number.round(0)) & (number.abs() < _LARGEST_WHOLE)
    return pl.coalesce(text.cast(pl.Int64, strict=False), pl.when(whole).then(number).cast(pl.Int64, strict=False))


def _number(text: pl.Expr) -> pl.Expr:
    number = text.cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def parse_boolean(text: pl.Expr) -> pl.Expr:
    """Yes and no in the ways suppliers write them, null where it is neither."""
    lower = text.str.to_lowercase()
    return pl.when(lower.is_in(_TRUE)).then(statement=True).when(lower.is_in(_FALSE)).then(statement=False)


def parse_date(text: pl.Expr, formats: Collection[str] = ()) -> pl.Expr:
    """A date: ISO, DD/MM/YYYY or one of the formats; null where it is none."""
    return pl.coalesce(
        text.str.extract(_ISO_DATE).str.to_date("%Y-%m-%d", strict=False),
        text.str.extract(_DAY_FIRST).str.to_date("%d/%m/%Y", strict=False),
        *(text.str.to_datetime(form, strict=False).dt.date() if "%H" in form
          else text.str.to_date(form, strict=False) for form in formats),
    )


def parse_instant(text: pl.Expr) -> pl.Expr:
    """Date-times as UTC: with a zone as they are, without one as the wall clock of London; null where it is none."""
    iso = text.str.replace(" ", "T", literal=True).str.replace(r"Z$", "+0000").str.replace(
        r"([+-]\d{2}):(\d{2})$", "${1}${2}"
    )
    zoned = (
        iso.str.to_datetime(f"%Y-%m-%dT%H:%M{seconds}%z", strict=False, time_unit="us").dt.convert_time_zone("UTC")
        for seconds in (":%S%.f", "")
    )
    clock = _wall_clock(text)
    # A time in the hour that the clocks skip in March comes from a clock that was not put forward: it is GMT.
    return pl.coalesce(*zoned, _from_london(clock), clock.dt.replace_time_zone("UTC"))


def _wall_clock(text: pl.Expr) -> pl.Expr:
    iso = text.str.replace(" ", "T", literal=True)
    return pl.coalesce(
        *(iso.str.to_datetime(f"{day}T%H:%M{seconds}", strict=False, time_unit="us")
          for day in ("%Y-%m-%d", "%d/%m/%Y") for seconds in (":%S%.f", "")),
        *((iso + "T00:00").str.to_datetime(f"{day}T%H:%M", strict=False, time_unit="us")
          for day in ("%Y-%m-%d", "%d/%m/%Y")),
    )


def _from_london(clock: pl.Expr) -> pl.Expr:
    # The hour that comes twice in October is read as the first; the hour that March skips is null.
    return clock.dt.replace_time_zone("Europe/London", ambiguous="earliest", non_existent="null").dt.convert_time_zone(
        "UTC"
    )


def _is_skipped(text: pl.Expr) -> pl.Expr:
    clock = _wall_clock(text)
    return clock.is_not_null() & _from_london(clock).is_null()


def _identifier(rows: pl.DataFrame, column: Column, found: list[pl.DataFrame]) -> pl.DataFrame:
    """Remove blanks from an identifier and report what fails its check; the value lands either way."""
    text = pl.col(column.name)
    squeezed = checkdigits.squeeze(text)
    if column.identifier == "nhs_number":
        formed, valid = checkdigits.is_nhs_number_format(squeezed), checkdigits.is_nhs_number(squeezed)
        rules = ("nhs-number-spaces", "nhs-number-format", "nhs-number-check-digit")
    else:
        formed, valid = checkdigits.is_upn_format(squeezed), checkdigits.is_upn(squeezed)
        rules = ("upn-spaces", "upn-format", "upn-check-letter")
    # What has not the form of the identifier is something else, and lands as it is.
    found.append(_findings(rows, rules[0], column.name, formed & (text != squeezed)))
    found.append(_findings(rows, rules[1], column.name, text.is_not_null() & ~formed))
    found.append(_findings(rows, rules[2], column.name, formed & ~valid))
    return rows.with_columns(pl.when(formed).then(squeezed).otherwise(text).alias(column.name))


def _future(rows: pl.DataFrame, table: Table, as_at: date, found: list[pl.DataFrame]) -> pl.DataFrame:
    for column in table.columns:
        if column.type not in ("date", "instant"):
            continue
        value = pl.col(column.name)
        day = value if column.type == "date" else value.dt.convert_time_zone("Europe/London").dt.date()
        found.append(_findings(rows, "date-too-early", column.name, day < EARLIEST))
        if column.future == "allow":
            continue
        late = day > as_at
        rule_id = "birth-date-in-future" if column.future == "clear" else "date-in-future"
        found.append(_findings(rows, rule_id, column.name, late))
        if column.future == "clear":
            rows = rows.with_columns(pl.when(late).then(None).otherwise(value).alias(column.name))
    return rows


def pandera_schema(table: Table) -> pa.DataFrameSchema:
    """The table's pandera schema: types, required values, code sets. Each check is named by its rule."""
    columns: dict[str, pa.Column] = {}
    for column in table.columns:
        checks = []
        if column.codes:
            known = [code.upper() for code in column.codes.codes]
            rule_id = "code-unknown" if column.codes.is_strict else "code-unfamiliar"
            checks.append(
                pa.Check(
                    lambda data, known=known: data.lazyframe.select(
                        pl.col(data.key).str.to_uppercase().is_in(known).fill_null(value=True)
                    ),
                    error=rule_id,
                )
            )
        columns[column.name] = pa.Column(
            POLARS_TYPES[column.type], checks, nullable=not column.required
        )
    return pa.DataFrameSchema(columns, name=table.name, strict=False)


def _pandera_findings(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    try:
        pandera_schema(table).validate(rows, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        wrong_type = cases.filter(pl.col("index").is_null())
        if wrong_type.height:
            columns = sorted(set(wrong_type["column"].drop_nulls().to_list()))
            # From None: pandera's own text quotes the rows.
            raise TypeError(f"table {table.name}: parser gave columns of another type: {', '.join(columns)}") from None
        return cases.select(
            pl.when(pl.col("check") == "not_nullable").then(pl.lit("value-missing")).otherwise(pl.col("check"))
            .alias("rule_id"),
            pl.col("index").cast(pl.Int64).alias("row"),
            pl.col("column").cast(pl.String),
            pl.col("failure_case").cast(pl.String).alias("value"),
        ).unique(maintain_order=True)
    return pl.DataFrame(schema=FINDING_SCHEMA)


def action_of(rule_ids: pl.Expr) -> pl.Expr:
    """The action of each rule id of the catalogue."""
    actions: Mapping[str, str] = {rule_id: rule.action for rule_id, rule in RULES.items()}
    return rule_ids.replace_strict(actions, return_dtype=pl.String)
