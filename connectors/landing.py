"""Landing one delivery: files in, a folder of typed Parquet out, whole or not at all.

Here belong the steps that every feed shares: what a delivery is, whether it was here before, what lands, what goes to
quarantine, and the books that must balance. Parsing belongs to the feeds, the wording of a fault to
`connectors.rules`, the supplier's report to `connectors.report`.

The folder listing is the ledger: `landing/<agency>/<feed>/delivery=<id>/` is there when the delivery has landed, and
nowhere else is that written down.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from connectors.contract import LINEAGE, POLARS_TYPES, Table, action_of, check
from connectors.errors import ConfigurationError, FileHeld, SourceUnavailable
from connectors.feed import Feed, Finding, Mode, ParseContext, Parsed, SourceFile
from connectors.rules import RULES

_NAME = re.compile(
    r"(?P<as_at>\d{4}-\d{2}-\d{2})(?:_(?P<mode>full|delta))?(?:_(?P<sequence>\d{1,3}))?(?:\.|$)", re.IGNORECASE
)
REPORT_SCHEMA: dict[str, pl.DataType] = {
    "rule_id": pl.String(), "action": pl.String(), "table": pl.String(), "source_file": pl.String(),
    "row_number": pl.Int64(), "column": pl.String(), "masked_value": pl.String(),
}
RECORD_SCHEMA: dict[str, pl.DataType] = {
    "rule_id": pl.String(), "table": pl.String(), "source_file": pl.String(), "row_number": pl.Int64(),
    "raw": pl.Binary(),
}


@dataclass(frozen=True)
class Places:
    """The three folders a delivery touches, all on one file system so that a rename is atomic.

    Attributes:
        landing: Landed deliveries.
        quarantine: Held files and rejected records; readable by the pipeline's user only.
    """

    landing: Path
    quarantine: Path

    def delivery(self, feed: Feed, delivery_id: str) -> Path:
        """Folder of a landed delivery."""
        return self.landing / feed.agency / feed.name / f"delivery={delivery_id}"

    def held(self, feed: Feed, delivery_id: str) -> Path:
        """Folder of what a delivery left in quarantine."""
        return self.quarantine / feed.agency / feed.name / f"delivery={delivery_id}"


@dataclass(frozen=True)
class Terms:
    """What the caller lays down about one delivery.

    Attributes:
        system: Name of the source system.
        as_at: Date it speaks for; else from the content, the file name, or the day of receipt.
        mode: Full or delta; else from the content, the file name, or `default_mode`.
        default_mode: What a delivery of this system is when nothing else says it; the feed's mode when it is None.
        shrink_limit: Share of records (0 to 1) by which a full extract may fall below the last one.
        software_version: Written into the delivery.
        received_at: Instant of receipt; now when it is None.
    """

    system: str = ""
    as_at: date | None = None
    mode: Mode | None = None
    default_mode: Mode | None = None
    shrink_limit: float = 0.4
    software_version: str = ""
    received_at: datetime | None = None


@dataclass
class TableCount:
    """The books of one table. records_in = landed + quarantined + duplicate."""

    records_in: int = 0
    landed: int = 0
    quarantined: int = 0
    duplicate: int = 0


@dataclass
class Delivery:
    """What became of one delivery: the content of `delivery.json`. Counts and rule ids only."""

    delivery_id: str
    agency: str
    feed: str
    system: str
    state: str
    as_at_date: date
    period_start: date | None
    period_end: date | None
    mode: str
    schema_version: str
    contract_version: str
    received_at: datetime
    started_at: datetime
    ended_at: datetime
    software_version: str
    files: int
    bytes: int
    sequence: int
    supersedes: str | None = None
    records_in: int = 0
    records_landed: int = 0
    records_quarantined: int = 0
    records_duplicate: int = 0
    tables: dict[str, TableCount] = field(default_factory=dict)
    rejects_by_rule: dict[str, int] = field(default_factory=dict)
    repairs_by_rule: dict[str, int] = field(default_factory=dict)
    warnings_by_rule: dict[str, int] = field(default_factory=dict)
    held_files: list[dict[str, str]] = field(default_factory=list)
    hold_rule: str | None = None
    hold_detail: str | None = None

    def as_json(self) -> str:
        """The delivery as readable JSON."""
        return json.dumps(asdict(self), default=_plain, indent=2, sort_keys=True, ensure_ascii=False)

    @classmethod
    def read(cls, path: Path) -> Delivery:
        """Read a `delivery.json`."""
        values = json.loads(path.read_text(encoding="utf-8"))
        for name in ("as_at_date", "period_start", "period_end"):
            values[name] = date.fromisoformat(values[name]) if values[name] else None
        for name in ("received_at", "started_at", "ended_at"):
            values[name] = datetime.fromisoformat(values[name])
        values["tables"] = {name: TableCount(**counts) for name, counts in values["tables"].items()}
        return cls(**values)


def land(feed: Feed, paths: Sequence[Path], places: Places, terms: Terms) -> Delivery:
    """Land one delivery.

    Args:
        feed: The feed it belongs to.
        paths: Its files; a folder stands for all files below it.
        places: Where landed and quarantined data lie.
        terms: What the caller lays down about it.

    Returns:
        The delivery with state `landed`, `held` (with `hold_rule` and `hold_detail`) or `duplicate` (the same bytes
        have landed before; nothing was written).

    Raises:
        ConfigurationError: No file at the paths.
        SourceUnavailable: A file cannot be read or changed while it was read.
    """
    started = datetime.now(UTC)
    files = _files(paths)
    delivery_id = _delivery_id(files)
    named = _from_name(paths)
    landed_before = places.delivery(feed, delivery_id) / "delivery.json"
    if landed_before.exists():
        return replace(Delivery.read(landed_before), state="duplicate")
    work = _Work(feed, replace(terms, as_at=terms.as_at or named.get("as_at"), mode=terms.mode or named.get("mode")))
    for file in files:
        work.read(file)
    _unchanged(files)
    delivery = work.close(delivery_id, files, started, named.get("sequence", 1))
    earlier = [old for old in deliveries(places, feed) if old.system == delivery.system and old.state == "landed"]
    if delivery.state == "landed":
        _hold_if_shrunk(delivery, earlier, terms.shrink_limit)
    delivery = replace(delivery, supersedes=_superseded(delivery, earlier), ended_at=datetime.now(UTC))
    _write(work, delivery, files, places)
    return delivery


def identify(paths: Sequence[Path]) -> str:
    """The id that a delivery of these files has or would have: from their bytes, never from name or time."""
    return _delivery_id(_files(paths))


def deliveries(places: Places, feed: Feed) -> list[Delivery]:
    """All landed and held deliveries of a feed, oldest first."""
    found = [
        Delivery.read(path)
        for root in (places.landing, places.quarantine)
        for path in (root / feed.agency / feed.name).glob("delivery=*/delivery.json")
    ]
    landed = {delivery.delivery_id for delivery in found if delivery.state == "landed"}
    # A file held once and landed later (a mapping was mended, a limit lifted) is landed.
    kept = {
        delivery.delivery_id: delivery
        for delivery in found
        if delivery.state == "landed" or delivery.delivery_id not in landed
    }
    return sorted(kept.values(), key=lambda delivery: (delivery.received_at, delivery.delivery_id))


def write_schemas(feeds: Iterable[Feed], landing: Path) -> None:
    """Write one empty Parquet file a table, so that a feed without deliveries still has its columns."""
    for feed in feeds:
        folder = landing / feed.agency / feed.name / "schema"
        folder.mkdir(parents=True, exist_ok=True)
        for table in feed.contract.at(None).values():
            _atomic_parquet(pl.DataFrame(schema=table.schema()), folder / f"{table.name}.parquet")


def delivery_folders(landing: Path) -> list[str]:
    """Landed deliveries as `agency/feed/id`, sorted: what a build was made from."""
    return sorted(
        "/".join((path.parent.parent.name, path.parent.name, path.name.removeprefix("delivery=")))
        for path in landing.glob("*/*/delivery=*")
    )


class _Work:
    """The state of a delivery while its files are read. Nothing is on disk until `_write`."""

    def __init__(self, feed: Feed, terms: Terms) -> None:
        self.feed = feed
        self.terms = terms
        self.parts: list[tuple[SourceFile, Parsed]] = []
        self.held: list[FileHeld] = []
        self.held_files: list[SourceFile] = []
        self.seen: dict[str, SourceFile] = {}
        self.twins: list[tuple[SourceFile, SourceFile]] = []
        self.tables: dict[str, pl.DataFrame] = {}
        self.report = pl.DataFrame(schema=REPORT_SCHEMA)
        self.records = pl.DataFrame(schema=RECORD_SCHEMA)

    def read(self, file: SourceFile) -> None:
        """Parse one file; a file that breaks its shape is set aside and the rest goes on."""
        if file.sha256 in self.seen:
            self.twins.append((file, self.seen[file.sha256]))
            return
        self.seen[file.sha256] = file
        try:
            parts = list(self.feed.parse(file, ParseContext(self.terms.as_at, self.terms.system)))
        except FileHeld as fault:
            fault.source_file = file.name
            self.held.append(fault)
            self.held_files.append(file)
            return
        self.parts.extend((file, part) for part in parts)

    def close(self, delivery_id: str, files: list[SourceFile], started: datetime, sequence: int) -> Delivery:
        """Check everything that was read and add up the books."""
        received = self.terms.received_at or started
        as_at = self.terms.as_at or max((part.as_at for _, part in self.parts if part.as_at), default=received.date())
        mode = self.terms.mode or next(
            (part.mode for _, part in self.parts if part.mode), self.terms.default_mode or self.feed.mode
        )
        periods = [part.period for _, part in self.parts if part.period]
        tables = self.feed.contract.at(max((end for _, end in periods), default=as_at))
        versions = sorted({part.schema_version for _, part in self.parts if part.schema_version})
        delivery = Delivery(
            delivery_id, self.feed.agency, self.feed.name, self.terms.system or self.feed.key, "landed", as_at,
            min((start for start, _ in periods), default=None), max((end for _, end in periods), default=None),
            mode, ", ".join(versions), self.feed.contract.version, received, started, started,
            self.terms.software_version, len(files), sum(file.size for file in files), sequence,
        )
        self._check(delivery, tables)
        self._count(delivery)
        delivery.held_files = [
            {"file": fault.source_file or "", "rule": fault.rule_id, "detail": fault.detail} for fault in self.held
        ]
        whole = self.feed.is_table_set and mode == "full"
        if self.held and (whole or not self.parts):
            delivery.state = "held"
            delivery.hold_rule, delivery.hold_detail = self.held[0].rule_id, self.held[0].detail
        return delivery

    def _check(self, delivery: Delivery, tables: dict[str, Table]) -> None:
        gathered: dict[str, list[pl.DataFrame]] = {}
        reports = [self.report]
        records = [self.records]
        for file, part in self.parts:
            for name, frame in part.tables.items():
                gathered.setdefault(name, []).append(frame.with_columns(pl.lit(file.name).alias("source_file")))
            if part.findings:
                reports.append(_report_of(part.findings, file))
                records.append(_records_of(part.findings, file))
        for name, frames in gathered.items():
            table = tables[name]
            frame = pl.concat(frames, how="diagonal_relaxed")
            landed, report, rejected = _sift(table, frame, delivery, is_record=self._counts(name))
            self.tables[name] = landed
            delivery.tables[name] = TableCount(
                frame.height, landed.height,
                frame.height - landed.height - rejected.filter(pl.col("_duplicate")).height,
                rejected.filter(pl.col("_duplicate")).height,
            )
            reports.append(report)
            records.append(rejected.drop("_duplicate"))
        self.report = pl.concat(reports)
        self.records = pl.concat(records)

    def _counts(self, table: str) -> bool:
        return self.feed.contract.is_record_table(table)

    def _count(self, delivery: Delivery) -> None:
        for _, part in self.parts:
            for finding in part.findings:
                action = RULES[finding.rule_id].action
                if action in ("reject", "duplicate"):
                    books = delivery.tables.setdefault(finding.table, TableCount())
                    books.records_in += 1
                    books.quarantined += action == "reject"
                    books.duplicate += action == "duplicate"
        self._count_twins(delivery)
        for name, books in delivery.tables.items():
            if books.records_in != books.landed + books.quarantined + books.duplicate:
                raise AssertionError(f"the books of table {name} do not balance")
            if self._counts(name):
                delivery.records_in += books.records_in
                delivery.records_landed += books.landed
                delivery.records_quarantined += books.quarantined
                delivery.records_duplicate += books.duplicate
        by_action: dict[str, Counter[str]] = {}
        for rule_id, action, n in self.report.group_by("rule_id", "action").len().iter_rows():
            by_action.setdefault(action, Counter())[rule_id] += n
        rejects = by_action.get("reject", Counter()) + by_action.get("duplicate", Counter())
        delivery.rejects_by_rule = dict(sorted(rejects.items()))
        delivery.repairs_by_rule = dict(sorted(by_action.get("repair", Counter()).items()))
        warnings = by_action.get("warn", Counter()) + by_action.get("clear", Counter())
        delivery.warnings_by_rule = dict(sorted(warnings.items()))

    def _count_twins(self, delivery: Delivery) -> None:
        """A second file with the same bytes holds the records of the first: all of them are duplicates."""
        for twin, first in self.twins:
            for name in {name for file, part in self.parts if file is first for name in part.tables}:
                n = sum(part.tables[name].height for file, part in self.parts if file is first and name in part.tables)
                delivery.tables[name].records_in += n
                delivery.tables[name].duplicate += n
            self.report = pl.concat([self.report, _report_of([Finding("file-duplicate", "")], twin)])


def _sift(
    table: Table, frame: pl.DataFrame, delivery: Delivery, *, is_record: bool
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Part the rows of one table into landed rows, the report and the rejected records."""
    checked = check(table, frame, as_at=delivery.as_at_date)
    content = [column for column in frame.columns if column not in ("row_number", "source_file", "_raw", "_extracted_at")]
    hashes = _hash(frame, content)
    rows = checked.rows.with_columns(
        pl.lit(delivery.agency).alias("agency"), pl.lit(delivery.feed).alias("feed"),
        pl.lit(delivery.system).alias("system"), pl.lit(delivery.delivery_id).alias("delivery_id"),
        hashes.alias("record_hash"),
        _extracted_at(frame, delivery.as_at_date), _record_action(frame),
    )
    findings = checked.findings.with_columns(action_of(pl.col("rule_id")).alias("action"))
    rejected = findings.filter(pl.col("action") == "reject")["row"].unique().to_list()
    good = rows.filter(~pl.col("_row").is_in(rejected))
    doubles = _doubles(good, table)
    findings = pl.concat([findings, doubles.select(findings.columns)])
    landed = good.filter(~pl.col("_row").is_in(doubles["row"].to_list()))
    places = rows.select("_row", "source_file", "row_number")
    report = (
        findings.join(places, left_on="row", right_on="_row", how="left")
        .with_columns(pl.lit(table.name).alias("table"), mask(pl.col("value")).alias("masked_value"))
        .select(REPORT_SCHEMA.keys()).cast(REPORT_SCHEMA)
    )
    kept = findings.filter(pl.col("action").is_in(["reject", "duplicate", "clear"])).unique("row", maintain_order=True)
    # A projection's faulty row keeps no raw copy of its own where the record itself is in quarantine or landed.
    source = frame.with_row_index("_row").with_columns(pl.col("_row").cast(pl.Int64))
    records = kept.join(source, left_on="row", right_on="_row", how="left").select(
        "rule_id", pl.lit(table.name).alias("table"), "source_file", pl.col("row_number").cast(pl.Int64),
        _raw(frame, content).alias("raw"), (pl.col("action") == "duplicate").alias("_duplicate"),
    )
    return landed.select(table.schema().keys()).cast(table.schema()), report, records


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
    """sha256 of each row's content as the supplier sent it, in one DuckDB pass."""
    if frame.is_empty():
        return pl.Series("record_hash", [], dtype=pl.String)
    joined = frame.select(  # noqa: F841  read by DuckDB by its name
        pl.concat_str(
            [pl.lit(name + "=") + pl.col(name).cast(pl.String).fill_null("\x00") for name in sorted(content)],
            separator="\x1f",
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


def _report_of(findings: list[Finding], file: SourceFile) -> pl.DataFrame:
    frame = pl.DataFrame(
        [(f.rule_id, RULES[f.rule_id].action, f.table, file.name, f.row_number, f.column, f.value) for f in findings],
        schema=REPORT_SCHEMA, orient="row",
    )
    return frame.with_columns(mask(pl.col("masked_value")))


def _records_of(findings: list[Finding], file: SourceFile) -> pl.DataFrame:
    return pl.DataFrame(
        [(f.rule_id, f.table, file.name, f.row_number, f.raw) for f in findings if f.raw is not None],
        schema=RECORD_SCHEMA, orient="row",
    )


def _files(paths: Sequence[Path]) -> list[SourceFile]:
    found: list[SourceFile] = []
    for path in paths:
        if path.is_dir():
            inner = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
            found.extend(_source_file(file, str(file.relative_to(path))) for file in inner)
        elif path.is_file():
            found.append(_source_file(path, path.name))
        else:
            raise ConfigurationError(f"there is no file or folder at {path}")
    if not found:
        raise ConfigurationError("the folder has no files")
    return found


def _source_file(path: Path, name: str) -> SourceFile:
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return SourceFile(path, name, digest, path.stat().st_size)
    except OSError as fault:
        raise SourceUnavailable(f"file {name} cannot be read: {fault.strerror}") from fault


def _unchanged(files: list[SourceFile]) -> None:
    """Refuse a file that was still being written while it was read."""
    for file in files:
        if _source_file(file.path, file.name).sha256 != file.sha256:
            raise SourceUnavailable(f"file {file.name} changed while it was read")


def _delivery_id(files: list[SourceFile]) -> str:
    """sha256 of one file's bytes; of several, the sha256 over their sorted hashes, so that names do not matter."""
    if len(files) == 1:
        return files[0].sha256
    return hashlib.sha256("\n".join(sorted(file.sha256 for file in files)).encode()).hexdigest()


def _from_name(paths: Sequence[Path]) -> dict[str, Any]:
    """As-at date, mode and sequence from `<supplier>_<dataset>_<date>_<full|delta>[_<seq>]`, where the name says so."""
    match = _NAME.search(paths[0].name)
    if len(paths) != 1 or not match:
        return {}
    found: dict[str, Any] = {}
    try:
        found["as_at"] = date.fromisoformat(match["as_at"])
    except ValueError:
        return {}
    if match["mode"]:
        found["mode"] = match["mode"].lower()
    if match["sequence"]:
        found["sequence"] = int(match["sequence"])
    return found


def _hold_if_shrunk(delivery: Delivery, earlier: list[Delivery], limit: float) -> None:
    fulls = [old for old in earlier if old.mode == "full" and old.as_at_date <= delivery.as_at_date]
    if delivery.mode != "full" or not fulls:
        return
    last = max(fulls, key=lambda old: (old.as_at_date, old.sequence, old.received_at))
    if delivery.records_landed < last.records_landed * (1 - limit):
        delivery.state, delivery.hold_rule = "held", "full-shrunk"
        delivery.hold_detail = f"{delivery.records_landed} records, the last full extract had {last.records_landed}"


def _superseded(delivery: Delivery, earlier: list[Delivery]) -> str | None:
    """The delivery that this one replaces: a full for the same date, or the sequence before it."""
    same = [old for old in earlier if old.as_at_date == delivery.as_at_date and old.mode == delivery.mode]
    if delivery.mode == "delta":
        same = [old for old in same if old.sequence < delivery.sequence]
    return max(same, key=lambda old: (old.sequence, old.received_at)).delivery_id if same else None


def _write(work: _Work, delivery: Delivery, files: list[SourceFile], places: Places) -> None:
    """Put everything in place: quarantine first, the landing last, each by one rename."""
    held = delivery.state == "held"
    quarantined = held or work.held_files or not work.report.is_empty()
    if quarantined:
        copies = files if held else work.held_files
        _put(places.quarantine, places.held(work.feed, delivery.delivery_id),
             {"report": work.report, "records": work.records}, delivery if held else None, copies)
    if not held:
        _put(places.landing, places.delivery(work.feed, delivery.delivery_id), work.tables, delivery, [])


def _put(
    root: Path, target: Path, tables: dict[str, pl.DataFrame], delivery: Delivery | None, copies: list[SourceFile]
) -> None:
    incoming = root / ".incoming" / uuid.uuid4().hex
    incoming.mkdir(parents=True, mode=0o700)
    try:
        for name, frame in tables.items():
            _write_parquet(frame, incoming / f"{name}.parquet")
        for file in copies:
            (incoming / "files").mkdir(exist_ok=True)
            shutil.copyfile(file.path, incoming / "files" / file.sha256)
        if delivery:
            (incoming / "delivery.json").write_text(delivery.as_json(), encoding="utf-8")
        _sync(incoming)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if target.exists():
            # Only quarantine is written again, when a held file is tried a second time.
            shutil.rmtree(target)
        incoming.rename(target)
        _sync_folder(target.parent)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _write_parquet(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path, compression="zstd", statistics=True)


def _atomic_parquet(frame: pl.DataFrame, path: Path) -> None:
    temporary = path.with_suffix(".tmp")
    _write_parquet(frame, temporary)
    temporary.rename(path)


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _plain(value: object) -> object:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
