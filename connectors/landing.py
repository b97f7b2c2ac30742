"""Landing one delivery: files in, a folder of typed Parquet out, whole or not at all.

Here belong the steps that every feed shares: whether a delivery was here before, reading its files, the books that must
balance, and putting the result in place. What a delivery is belongs to `connectors.delivery`, its records to
`connectors.sift`, parsing to the feeds, the supplier's report to `connectors.report`.

The folder listing is the ledger: `landing/<agency>/<feed>/delivery=<id>/` is there when the delivery has landed, and
nowhere else is that written down.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from connectors.contract import Table
from connectors.delivery import (
    Delivery,
    Places,
    TableCount,
    Terms,
    check_unchanged,
    deliveries,
    from_name,
    identity,
    source_files,
)
from connectors.errors import FileHeld, StorageUnavailable
from connectors.feed import Feed, Finding, Mode, ParseContext, Parsed, SourceFile
from connectors.rules import RULES
from connectors.sift import RECORD_SCHEMA, REPORT_SCHEMA, records_of, report_of, sift


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
        StorageUnavailable: The landing cannot be written. Nothing half is left.
    """
    started = datetime.now(UTC)
    files = source_files(paths)
    delivery_id = identity(files)
    named = from_name(paths)
    landed_before = places.delivery(feed, delivery_id) / "delivery.json"
    if landed_before.exists():
        return replace(Delivery.read(landed_before), state="duplicate")
    work = _Work(feed, replace(terms, as_at=terms.as_at or named.get("as_at"), mode=terms.mode or named.get("mode")))
    for file in files:
        work.read(file)
    check_unchanged(files)
    delivery = work.close(delivery_id, files, started, named.get("sequence", 1))
    earlier = [old for old in deliveries(places, feed) if old.system == delivery.system and old.state == "landed"]
    if delivery.state == "landed":
        _hold_if_late(delivery, earlier)
        _hold_if_shrunk(delivery, earlier, terms.shrink_limit)
    delivery = replace(delivery, supersedes=_superseded(delivery, earlier), ended_at=datetime.now(UTC))
    try:
        is_new = _write(work, delivery, files, places)
    except (OSError, pl.exceptions.PolarsError) as fault:
        # Polars gives a full disk as a fault of the Parquet file.
        raise StorageUnavailable(f"delivery {delivery_id[:12]} cannot be written: {fault}") from fault
    return delivery if is_new else replace(delivery, state="duplicate")


def write_schemas(feeds: Iterable[Feed], landing: Path) -> None:
    """Write one empty Parquet file a table, so that a feed without deliveries still has its columns."""
    for feed in feeds:
        folder = landing / feed.agency / feed.name / "schema"
        folder.mkdir(parents=True, exist_ok=True)
        for table in feed.contract.at(None).values():
            _atomic_parquet(pl.DataFrame(schema=table.schema()), folder / f"{table.name}.parquet")


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
        mode = self._mode()
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
        elif mode == "full" and (lacking := [name for name in self.feed.needs if name not in self.tables]):
            delivery.state, delivery.hold_rule = "held", "table-missing"
            delivery.hold_detail = f"a full delivery needs {', '.join(lacking)}"
        elif self._is_nothing_read():
            delivery.state, delivery.hold_rule = "held", "file-unknown"
            delivery.hold_detail = "no file of the delivery belongs to this feed"
        return delivery

    def _mode(self) -> Mode:
        """What the caller or a name says, else the content: one file that is a full extract makes the delivery full."""
        said = {part.mode for _, part in self.parts if part.mode}
        default = self.terms.default_mode or self.feed.mode
        if self.terms.mode:
            return self.terms.mode
        if "full" in said:
            return "full"
        # Of a set of tables the broken file may be the one that makes it full.
        may_be_full = self.feed.is_table_set and self.held
        return "delta" if "delta" in said and not may_be_full else default

    def _is_nothing_read(self) -> bool:
        findings = [finding for _, part in self.parts for finding in part.findings]
        rules = {finding.rule_id for finding in findings}
        return rules == {"file-not-read"} and not any(part.tables for _, part in self.parts)

    def _check(self, delivery: Delivery, tables: dict[str, Table]) -> None:
        gathered: dict[str, list[pl.DataFrame]] = {}
        reports = [self.report]
        records = [self.records]
        for file, part in self.parts:
            for name, frame in part.tables.items():
                gathered.setdefault(name, []).append(frame.with_columns(pl.lit(file.name).alias("source_file")))
            if part.findings:
                reports.append(report_of(part.findings, file))
                records.append(records_of(part.findings, file))
        frames = {name: pl.concat(parts, how="diagonal_relaxed") for name, parts in gathered.items()}
        if self.feed.complete:
            frames = self.feed.complete(frames)
        for name, frame in frames.items():
            sifted = sift(tables[name], frame, delivery)
            self.tables[name] = sifted.landed
            delivery.tables[name] = TableCount(
                frame.height, sifted.landed.height, sifted.quarantined, sifted.duplicate
            )
            reports.append(sifted.report)
            records.append(sifted.records)
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
        for table, rule_id, action, n in self.report.group_by("table", "rule_id", "action").len().iter_rows():
            # A record that repeats is one duplicate, however many rows were made from it.
            if self._counts(table) or rule_id not in ("row-duplicate", "key-duplicate"):
                by_action.setdefault(action, Counter())[rule_id] += n
        rejects = by_action.get("reject", Counter()) + by_action.get("duplicate", Counter())
        delivery.rejects_by_rule = dict(sorted(rejects.items()))
        delivery.repairs_by_rule = dict(sorted(by_action.get("repair", Counter()).items()))
        warnings = by_action.get("warn", Counter()) + by_action.get("clear", Counter())
        delivery.warnings_by_rule = dict(sorted(warnings.items()))

    def _count_twins(self, delivery: Delivery) -> None:
        """A second file with the same bytes holds the records of the first: all of them are duplicates."""
        for twin, first in self.twins:
            records: Counter[str] = Counter()
            for part in (part for file, part in self.parts if file is first):
                records.update({name: frame.height for name, frame in part.tables.items()})
                records.update(
                    finding.table for finding in part.findings
                    if RULES[finding.rule_id].action in ("reject", "duplicate")
                )
            for name, n in records.items():
                delivery.tables[name].records_in += n
                delivery.tables[name].duplicate += n
            self.report = pl.concat([self.report, report_of([Finding("file-duplicate", "")], twin)])


def _hold_if_shrunk(delivery: Delivery, earlier: list[Delivery], limit: float) -> None:
    fulls = [old for old in earlier if old.mode == "full" and old.as_at_date <= delivery.as_at_date]
    if delivery.mode != "full" or not fulls:
        return
    last = max(fulls, key=lambda old: (old.as_at_date, old.sequence, old.received_at))
    if delivery.records_landed < last.records_landed * (1 - limit):
        delivery.state, delivery.hold_rule = "held", "full-shrunk"
        delivery.hold_detail = f"{delivery.records_landed} records, the last full extract had {last.records_landed}"


def _hold_if_late(delivery: Delivery, earlier: list[Delivery]) -> None:
    """An older send that comes after its resend would win over it, so it waits for a person."""
    newest = max((old.sequence for old in _same_date(delivery, earlier)), default=0)
    if delivery.sequence < newest:
        delivery.state, delivery.hold_rule = "held", "resend-out-of-order"
        delivery.hold_detail = f"number {delivery.sequence} came after number {newest} for {delivery.as_at_date}"


def _same_date(delivery: Delivery, earlier: list[Delivery]) -> list[Delivery]:
    return [old for old in earlier if old.as_at_date == delivery.as_at_date and old.mode == delivery.mode]


def _superseded(delivery: Delivery, earlier: list[Delivery]) -> str | None:
    """The delivery that this one replaces: a full for the same date, or the sequence before it."""
    same = _same_date(delivery, earlier)
    if delivery.mode == "delta":
        same = [old for old in same if old.sequence < delivery.sequence]
    return max(same, key=lambda old: (old.sequence, old.received_at)).delivery_id if same else None


def _write(work: _Work, delivery: Delivery, files: list[SourceFile], places: Places) -> bool:
    """Put everything in place: quarantine first, the landing last, each by one rename. False when it was there."""
    held = delivery.state == "held"
    target = places.held(work.feed, delivery.delivery_id)
    has_faults = held or bool(work.held_files) or not work.report.is_empty()
    if has_faults or target.exists():
        with _incoming(places.quarantine) as incoming:
            if has_faults:
                tables = {"report": work.report, "records": work.records}
                _fill(incoming / "new", tables, delivery if held else None, files if held else work.held_files)
            if target.exists():
                # The delivery was held and is tried again, or was killed before it landed.
                target.rename(incoming / "old")
            if has_faults:
                _put(incoming / "new", target)
    if held:
        return True
    target = places.delivery(work.feed, delivery.delivery_id)
    with _incoming(places.landing) as incoming:
        _fill(incoming / "new", work.tables, delivery, [])
        return _put(incoming / "new", target)


def _fill(folder: Path, tables: dict[str, pl.DataFrame], delivery: Delivery | None, copies: list[SourceFile]) -> None:
    folder.mkdir(mode=0o700)
    for name, frame in tables.items():
        _write_parquet(frame, folder / f"{name}.parquet")
    for file in copies:
        (folder / "files").mkdir(exist_ok=True)
        shutil.copyfile(file.path, folder / "files" / file.sha256)
    if delivery:
        (folder / "delivery.json").write_text(delivery.as_json(), encoding="utf-8")
    _sync(folder)


def _put(folder: Path, target: Path) -> bool:
    """Make a folder appear at its place in one step. False when another process was first: what is there stays."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        folder.rename(target)
    except OSError:
        if target.exists():
            return False
        raise
    _sync_folder(target.parent)
    return True


@contextmanager
def _incoming(root: Path) -> Generator[Path]:
    """A folder for what is not whole yet, on the same disk. Whoever finds no other writer clears what a kill left."""
    area = root / ".incoming"
    area.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(area / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            for left in area.glob("*/"):
                shutil.rmtree(left, ignore_errors=True)
        fcntl.flock(lock, fcntl.LOCK_SH)
        folder = area / uuid.uuid4().hex
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


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
