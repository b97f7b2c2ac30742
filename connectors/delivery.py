"""What a delivery is: its files, its identity, its terms, and what became of it.

Here belongs everything that can be said of a delivery without looking at its records. Landing one belongs to
`connectors.landing`, its records to `connectors.sift`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from connectors.errors import ConfigurationError, SourceUnavailable
from connectors.feed import Feed, Mode, SourceFile

_NAME = re.compile(
    r"(?P<as_at>\d{4}-\d{2}-\d{2})(?:_(?P<mode>full|delta))?(?:_(?P<sequence>\d{1,3}))?(?:\.|$)", re.IGNORECASE
)


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


def identify(paths: Sequence[Path]) -> str:
    """The id that a delivery of these files has or would have: from their bytes, never from name or time."""
    return identity(source_files(paths))


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


def delivery_folders(landing: Path) -> list[str]:
    """Landed deliveries as `agency/feed/id`, sorted: what a build was made from."""
    return sorted(
        "/".join((path.parent.parent.name, path.parent.name, path.name.removeprefix("delivery=")))
        for path in landing.glob("*/*/delivery=*")
    )


def source_files(paths: Sequence[Path]) -> list[SourceFile]:
    """The files of a delivery in name order; a folder stands for all files below it.

    Raises:
        ConfigurationError: There is no file at the paths.
        SourceUnavailable: A file cannot be read.
    """
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


def check_unchanged(files: list[SourceFile]) -> None:
    """Refuse a file that was still being written while it was read."""
    for file in files:
        if _source_file(file.path, file.name).sha256 != file.sha256:
            raise SourceUnavailable(f"file {file.name} changed while it was read")


def identity(files: list[SourceFile]) -> str:
    """sha256 of one file's bytes; of several, the sha256 over their sorted hashes, so that names do not matter."""
    if len(files) == 1:
        return files[0].sha256
    return hashlib.sha256("\n".join(sorted(file.sha256 for file in files)).encode()).hexdigest()


def from_name(paths: Sequence[Path]) -> dict[str, Any]:
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


def _plain(value: object) -> object:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
