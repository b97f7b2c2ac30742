"""From the bytes of a file to single resources: NDJSON, Bundles, arrays, single resources.

Here belongs everything about containers: which form a file has, where a record begins, what a Bundle entry is, which
version of a resource is the last. Whether a resource is valid is asked in `connectors.health.fhir_validation`.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal

import orjson
import polars as pl

from connectors.errors import FileHeld
from connectors.feed import SourceFile
from connectors.health.fhir_datatypes import Json, day, instant, node, text

Container = Literal["ndjson", "bundle", "single"]

_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_NDJSON = (".ndjson", ".jsonl")
_LARGEST_DOCUMENT = 1 << 30
_DEEPEST_BUNDLE = 8
_UNDATED = 2**62
_LINES_TO_TELL = 50
_ADDRESS = re.compile(r"(?:^|/)(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-._]+)(?:/_history/[^/]+)?$")
_URN = re.compile(r"urn:(?:uuid|oid):(?P<id>\S+)")


@dataclass(slots=True)
class Item:
    """One record as it stands in a file, or what stands in its place.

    Attributes:
        position: Line of an NDJSON file, number of the entry of a Bundle or array.
        container: How it came.
        resource: The resource, when it is one.
        resource_type: Its type; of a withdrawal too.
        resource_id: Its id, given or by the address of the entry.
        is_withdrawal: Whether the entry deletes the resource.
        changed_at: meta.lastUpdated or the entry's lastModified, in microseconds since 1970.
        rule_id: The rule that the record breaks already here.
        raw: Its bytes where the file has them as they are.
        full_urls: Addresses of the entries of the same Bundle.
    """

    position: int
    container: Container
    resource: Json | None = None
    resource_type: str = ""
    resource_id: str | None = None
    is_withdrawal: bool = False
    changed_at: int | None = None
    rule_id: str | None = None
    raw: bytes | None = None
    full_urls: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def for_quarantine(self) -> bytes:
        """The record's bytes: as it came, or written again."""
        if self.raw is not None or self.resource is None:
            return self.raw or b""
        return write(self.resource)


@dataclass
class Source:
    """A file whose form is known, which can be read more than once.

    Attributes:
        rules: Rules that the file as a whole breaks.
        as_at: The day the content speaks for, when the file says it.
        is_read: Whether it has records; an export's manifest or log has none.
    """

    rules: list[str] = field(default_factory=list)
    as_at: date | None = None
    is_read: bool = True

    def items(self) -> Iterator[Item]:
        """The records in file order."""
        return iter(())


@dataclass
class _Document(Source):
    """One JSON value: a Bundle, an array, a single resource."""

    value: object = None
    container: Container = "single"

    def items(self) -> Iterator[Item]:
        if isinstance(self.value, list):
            for position, each in enumerate(self.value, start=1):
                yield from _items_of(each, position, "single")
        elif is_bundle(self.value):
            if not isinstance(node(self.value).get("entry", []), list):
                raise FileHeld("fhir-bundle-broken", "Bundle.entry is not a list")
            yield from _entries(node(self.value), None)
        else:
            yield from _items_of(self.value, 1, self.container)


@dataclass
class _Lines(Source):
    """NDJSON: one JSON object a line, read as a stream."""

    path: Path = Path()

    def items(self) -> Iterator[Item]:
        with self.path.open("rb") as stream:
            for number, line in _lines(stream):
                yield from self._line(number, line)

    def _line(self, number: int, line: bytes) -> Iterator[Item]:
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            yield Item(number, "ndjson", rule_id="json-broken" if _is_utf8(line) else "record-encoding", raw=line)
            return
        for item in _items_of(value, number, "ndjson"):
            if item.container == "ndjson":
                item.raw = line
            yield item


def open_source(file: SourceFile) -> Source:
    """Tell which form a file has.

    Args:
        file: The file; its name only decides where the content leaves a doubt.

    Returns:
        The source of its records.

    Raises:
        FileHeld: Empty, not UTF-8, no JSON, cut off, or larger than one document may be.
    """
    with file.path.open("rb") as stream:
        head = stream.read(4096)
        if head.startswith(_UTF16) or b"\x00" in head:
            raise FileHeld("file-encoding", "the file is in UTF-16 or is not text")
        stream.seek(0)
        lines = _lines(stream)
        _, first_line = next(lines, (0, b""))
        has_more = next(lines, None) is not None
    if not first_line:
        raise FileHeld("file-empty", "the file has no content")
    is_ndjson_name = file.name.lower().endswith(_NDJSON)
    if first_line[:1] not in (b"{", b"[") and not is_ndjson_name:
        raise FileHeld("file-not-this-format", "the file is not JSON")
    source = _source(file, _loads(first_line), has_more=has_more, is_ndjson_name=is_ndjson_name)
    if head.startswith(_BOM):
        source.rules.append("file-bom")
    return source


def _source(file: SourceFile, first_value: object, *, has_more: bool, is_ndjson_name: bool) -> Source:
    if isinstance(first_value, dict):
        # One resource in an NDJSON file is a line; a manifest or Bundle on one line is a document in any file.
        is_line = has_more or (is_ndjson_name and is_resource(first_value) and not is_bundle(first_value))
        return _ndjson(file, first_value) if is_line else _document(first_value, "single")
    try:
        return _document(_whole(file), "single")
    except FileHeld:
        if is_ndjson_name or _has_resource_lines(file):
            return _ndjson(file, first_value)
        raise


def _has_resource_lines(file: SourceFile) -> bool:
    """Whether a line near the start is a resource of its own, though the first is broken."""
    with file.path.open("rb") as stream:
        return any(is_resource(_loads(line)) for _, line in islice(_lines(stream), _LINES_TO_TELL))


def _ndjson(file: SourceFile, first_value: object) -> Source:
    source = _Lines(path=file.path)
    if _is_log_line(first_value):
        days = []
        with file.path.open("rb") as stream:
            for _, line in _lines(stream):
                value = _loads(line)
                if not _is_log_line(value):
                    return source
                days.append(_date(node(node(value).get("eventDetail")).get("transactionTime")))
        return Source(["file-not-read"], max((each for each in days if each), default=None), is_read=False)
    with file.path.open("rb") as stream:
        stream.seek(max(0, file.size - 1))
        ends_a_line = stream.read(1) in (b"\n", b"\r")
    if not ends_a_line:
        with file.path.open("rb") as stream:
            last = deque(_lines(stream), maxlen=1)
        if all(_loads(line) is None and line != b"null" for _, line in last):
            source.rules.append("fhir-file-cut")
    return source


def _document(value: object, container: Container) -> Source:
    found = node(value)
    if "transactionTime" in found and "output" in found and "resourceType" not in found:
        return Source(["file-not-read"], _date(found["transactionTime"]), is_read=False)
    if _is_log_line(value):
        spoken = _date(node(found.get("eventDetail")).get("transactionTime"))
        return Source(["file-not-read"], spoken, is_read=False)
    source = _Document(value=value, container=container)
    if is_bundle(value):
        source.as_at = _date(found.get("timestamp")) or _date(node(found.get("meta")).get("lastUpdated"))
    return source


def _whole(file: SourceFile) -> object:
    """The file as one JSON value."""
    if file.size > _LARGEST_DOCUMENT:
        raise FileHeld("file-size", "one JSON document larger than 1 GiB; send NDJSON")
    data = file.path.read_bytes().removeprefix(_BOM).strip()
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as fault:
        is_cut = fault.msg.startswith("unexpected end of data")
        line = data.count(b"\n", 0, fault.pos) + 1
    # Raised outside the handler: the decoder's own exception holds the whole document.
    if not _is_utf8(data):
        raise FileHeld("file-encoding", "the file is not UTF-8")
    if is_cut:
        raise FileHeld("file-truncated", f"the JSON ends unfinished on line {line}")
    raise FileHeld("json-malformed", f"the JSON is broken on line {line}")


def is_resource(value: object) -> bool:
    """Whether a JSON value names its resource type."""
    return bool(text(node(value).get("resourceType")))


def is_bundle(value: object) -> bool:
    """Whether a JSON value is a Bundle."""
    return node(value).get("resourceType") == "Bundle"


def write(value: object) -> bytes:
    """A JSON value with its keys in order, so that the same content is the same bytes."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        # orjson reads deeper than it writes. Nothing that deep is valid; it goes to quarantine as Python shows it.
        with suppress(RecursionError):
            return repr(value).encode("utf-8", "replace")
    return b"(nested too deeply to be written again)"


def content_id(resource: Json) -> str:
    """sha256 of the content: the id of a resource that has none."""
    return hashlib.sha256(write(resource)).hexdigest()


def _items_of(value: object, position: int, container: Container) -> Iterator[Item]:
    if not isinstance(value, dict):
        yield Item(position, container, rule_id="json-not-an-object", raw=write(value))
    elif is_bundle(value):
        yield from _entries(value, position)
    else:
        yield _item(value, position, container)


def _item(resource: Json, position: int, container: Container, fallback_id: str | None = None) -> Item:
    resource_type = text(resource.get("resourceType"))
    if not resource_type:
        return Item(position, container, resource, rule_id="fhir-not-a-resource")
    if resource_type == "OperationOutcome":
        return Item(position, container, resource, rule_id="fhir-outcome")
    return Item(
        position, container, resource, resource_type, text(resource.get("id")) or fallback_id,
        changed_at=instant(node(resource.get("meta")).get("lastUpdated")),
    )


def _entries(bundle: Json, position: int | None, depth: int = 1) -> Iterator[Item]:
    """The entries of a Bundle; `position` is that of the Bundle itself where the file has several."""
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or depth > _DEEPEST_BUNDLE:
        yield Item(position or 1, "bundle", bundle, rule_id="fhir-invalid")
        return
    full_urls = _full_urls(entries)
    numbered = list(enumerate(entries, start=1))
    if bundle.get("type") == "history":
        # A history is newest first, and the last row of a resource is the one that lands.
        numbered.reverse()
    for number, entry in numbered:
        place = position or number
        if not isinstance(entry, dict):
            yield Item(place, "bundle", rule_id="json-not-an-object", raw=write(entry))
        elif is_bundle(entry.get("resource")):
            yield from _entries(entry["resource"], place, depth + 1)
        else:
            item = _entry(entry, place)
            item.full_urls = full_urls
            yield item


def _entry(entry: Json, position: int) -> Item:
    resource, request, response = entry.get("resource"), node(entry.get("request")), node(entry.get("response"))
    method = text(request.get("method"))
    modified_at = instant(response.get("lastModified"))
    if method == "DELETE":
        kind, identifier = _addressed(text(request.get("url"))) or _addressed(text(entry.get("fullUrl"))) or ("", "")
        if not identifier:
            return Item(position, "bundle", entry, rule_id="fhir-delete-unresolved")
        return Item(position, "bundle", entry, kind, identifier, is_withdrawal=True, changed_at=modified_at)
    if resource is None:
        return Item(position, "bundle", entry, rule_id="fhir-entry-without-resource")
    if not isinstance(resource, dict):
        return Item(position, "bundle", entry, rule_id="fhir-not-a-resource")
    if method == "PATCH":
        return Item(position, "bundle", entry, rule_id="fhir-patch")
    if node(entry.get("search")).get("mode") == "outcome":
        return Item(position, "bundle", resource, rule_id="fhir-outcome")
    item = _item(resource, position, "bundle", _entry_id(entry, text(resource.get("resourceType"))))
    item.changed_at = modified_at if item.changed_at is None else item.changed_at
    return item


def _entry_id(entry: Json, resource_type: str | None) -> str | None:
    """The id of an entry whose resource has none: from its full address, else from what the request puts."""
    full_url = text(entry.get("fullUrl")) or ""
    urn = _URN.fullmatch(full_url)
    if urn:
        return urn["id"]
    for address in (full_url, text(node(entry.get("request")).get("url"))):
        found = _addressed(address)
        if found and found[0] == resource_type:
            return found[1]
    return None


def _full_urls(entries: list[object]) -> dict[str, tuple[str, str]]:
    """Every entry's full address with type and id: what `urn:uuid` references of a transaction mean."""
    found: dict[str, tuple[str, str]] = {}
    for entry in map(node, entries):
        full_url, resource = text(entry.get("fullUrl")), node(entry.get("resource"))
        kind = text(resource.get("resourceType"))
        if full_url and kind:
            identifier = text(resource.get("id")) or _entry_id(entry, kind) or content_id(resource)
            found[full_url] = (kind, identifier)
    return found


def _addressed(address: str | None) -> tuple[str, str] | None:
    found = _ADDRESS.search(address) if address else None
    return (found["type"], found["id"]) if found else None


def superseded(source: Source) -> dict[int, str]:
    """Which records of a file (counted from 0) give way to another of the same resource, and under which rule.

    The newest by `changed_at` stays, of equals the last. A record without it counts as the newest: a withdrawal most
    often says no time. Two passes over the file: the first keeps eight bytes a record, and most often finds that
    nothing stands twice.
    """
    hashes = array("q", (hash((item.resource_type, item.resource_id)) for item in source.items() if item.resource_id))
    seen = pl.Series(hashes, dtype=pl.Int64)
    repeated = set(seen.filter(seen.is_duplicated()).to_list())
    if not repeated:
        return {}
    standing: dict[tuple[str, str], tuple[int, int, str]] = {}
    gives_way: dict[int, str] = {}
    for place, item in enumerate(source.items()):
        key = (item.resource_type, item.resource_id or "")
        if not item.resource_id or hash(key) not in repeated:
            continue
        record = (_UNDATED if item.changed_at is None else item.changed_at, place, content_id(item.resource or {}))
        if key not in standing:
            standing[key] = record
            continue
        loser, winner = sorted((standing[key], record))
        standing[key] = winner
        if loser[2] == winner[2]:
            gives_way[loser[1]] = "row-duplicate"
        else:
            gives_way[loser[1]] = "key-duplicate" if loser[0] == winner[0] else "fhir-older-version"
    return gives_way


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their number, without the byte order mark."""
    for number, line in enumerate(stream, start=1):
        found = (line.removeprefix(_BOM) if number == 1 else line).strip()
        if found:
            yield number, found


def _loads(line: bytes) -> object:
    """The JSON value of a line, `None` where it has none."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _is_log_line(value: object) -> bool:
    found = node(value)
    return "exportId" in found and "eventId" in found and "resourceType" not in found


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _date(value: object) -> date | None:
    found = day(value)
    try:
        return date.fromisoformat(found) if found else None
    except ValueError:
        return None
