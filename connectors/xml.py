"""XML files: a safe stream of record elements with the line the supplier sees.

Here belongs what all XML feeds share: refusing a DOCTYPE before anything is expanded, the size limit, encodings,
truncation, namespaces that come and go, text that stands between elements, and memory that stays flat. What the
elements mean belongs to the contract of the feed.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NoReturn

from lxml import etree

from connectors.errors import FileHeld
from connectors.feed import Finding, SourceFile
from connectors.rules import Rule, register

# A whole council's census is below 100 MB; a file of this size is a mistake or an attack.
SIZE_LIMIT = 512 * 1024 * 1024
_CHUNK = 1 << 16
_RAW_LIMIT = 1 << 20
_SHORT_LINES = 65_535
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_UTF_16_OR_32 = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<", b"\x00\x00")
# Compiled once: text that has an element beside it, which no census allows.
_STRAY = etree.XPath("descendant::text()[normalize-space() and (preceding-sibling::* or following-sibling::*)]")

register(
    Rule("xml-stray-text", "warn", "Text stands between elements; it was not read.",
         "Remove the text, or put it into the element it belongs to."),
)


@dataclass(frozen=True)
class Record:
    """One record element.

    Attributes:
        element: The element with all below it. It is emptied when the next record is asked for.
        name: Its local name.
        line: Line of its start tag.
    """

    element: etree._Element
    name: str
    line: int


def records(
    file: SourceFile,
    table: str,
    findings: list[Finding],
    *,
    roots: Collection[str],
    names: Collection[str],
    limit: int = SIZE_LIMIT,
) -> Iterator[Record]:
    """Stream the record elements of one XML file.

    Args:
        file: The file.
        table: Landing table that findings are reported under.
        findings: Faults are appended to it as they are met; the caller takes them out. Complete when the stream ends.
        roots: Local names of the root elements that this feed accepts.
        names: Local names of the record elements, in any namespace, at any depth; one inside another is part of it.
        limit: Largest file in bytes.

    Yields:
        Each record element at its end tag. Use it before asking for the next one.

    Raises:
        FileHeld: Empty, too large, a DOCTYPE, another root, not well formed, or cut in the middle.
    """
    if file.size > limit:
        raise FileHeld("file-size", f"the file has {file.size} bytes, the limit is {limit}")
    root = _check_prolog(file, roots)
    encoding = _forced_encoding(file)
    if encoding:
        findings.append(Finding("file-cp1252", table))
    walker = _Walker(table, findings, frozenset(names))
    try:
        with file.path.open("rb") as stream:
            context = etree.iterparse(
                stream, events=("end",), tag=[f"{{*}}{name}" for name in names], encoding=encoding,
                resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False,
                remove_comments=True, remove_pis=True,
            )
            for _, element in context:
                if walker.is_outermost(element):
                    yield Record(element, local_name(element), line(element))
                    walker.leave(element)
            if context.root is not None:
                walker.finish(context.root)
    except etree.XMLSyntaxError as fault:
        _hold(fault, file, root)


def local_name(element: etree._Element) -> str:
    """Name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def children(element: etree._Element, name: str) -> list[etree._Element]:
    """Direct children with a local name, in any namespace, in document order."""
    return element.findall(f"{{*}}{name}")


def child(element: etree._Element, name: str) -> etree._Element | None:
    """First direct child with a local name, in any namespace."""
    return element.find(f"{{*}}{name}")


def text(element: etree._Element | None, name: str) -> str | None:
    """Trimmed text of the first direct child with a local name; None when it is absent or blank."""
    found = None if element is None else child(element, name)
    return None if found is None else _trimmed(found)


def fields(element: etree._Element | None) -> dict[str, str]:
    """Trimmed texts of the direct children that have no children themselves, by local name; the first of a name."""
    found: dict[str, str] = {}
    for inner in () if element is None else element:
        value = None if len(inner) else _trimmed(inner)
        if value is not None:
            found.setdefault(local_name(inner), value)
    return found


def line(element: etree._Element) -> int:
    """Line of an element's start tag."""
    found = element.sourceline or 0
    if found < _SHORT_LINES:
        return found
    # Beyond 65,535 libxml2 gives the line of the next text, which is where that text ends.
    if element.text:
        return found - element.text.count("\n")
    if len(element):
        return line(element[0])
    return found - (element.tail or "").count("\n")


def raw(element: etree._Element) -> bytes:
    """The element as bytes, for quarantine only; cut at 1 MiB."""
    return etree.tostring(element, encoding="utf-8", with_tail=False)[:_RAW_LIMIT]


def _trimmed(element: etree._Element) -> str | None:
    return (element.text or "").strip() or None


class _Walker:
    """Finds stray text and empties what was used, so that memory does not grow with the file."""

    def __init__(self, table: str, findings: list[Finding], names: frozenset[str]) -> None:
        self._table = table
        self._findings = findings
        self._names = names
        # Line of the end tag of the record that was emptied last, for stray text behind it.
        self._last: tuple[etree._Element, int] | None = None

    def is_outermost(self, element: etree._Element) -> bool:
        return not any(local_name(above) in self._names for above in element.iterancestors())

    def leave(self, element: etree._Element) -> None:
        self._find_stray(element)
        end = _end_line(element)
        # The text behind this element may not be read yet: it is looked at when the next record has ended.
        element.clear(keep_tail=True)
        parent = element.getparent()
        if self._last is not None and self._last[0].getparent() is not None:
            used, used_end = self._last
            self._report(used.tail, used_end)
            used.getparent().remove(used)
        self._last = (element, end) if parent is not None else None

    def finish(self, root: etree._Element) -> None:
        if self._last is not None and self._last[0].getparent() is not None:
            used, used_end = self._last
            self._report(used.tail, used_end)
            used.tail = None
        self._find_stray(root)

    def _find_stray(self, element: etree._Element) -> None:
        for found in _STRAY(element):
            beside = found.getparent()
            self._report(found, _end_line(beside) if found.is_tail else line(beside))

    def _report(self, value: str | None, start: int) -> None:
        if value is None or not value.strip():
            return
        before = value[: len(value) - len(value.lstrip())]
        where = start + before.count("\n")
        self._findings.append(Finding("xml-stray-text", self._table, where, value=value.strip()))


def _end_line(element: etree._Element) -> int:
    """Line of an element's end tag: libxml2 keeps only the start, so the line breaks of the last branch are added."""
    breaks = 0
    while len(element):
        element = element[-1]
        breaks += (element.tail or "").count("\n")
    return line(element) + (element.text or "").count("\n") + breaks


class _PrologReadError(Exception):
    """Ends the look at the prolog."""


class _Prolog:
    """A parser target that ends at the root element, or at a DOCTYPE before any of it is read."""

    def __init__(self) -> None:
        self.has_doctype = False
        self.root: str | None = None

    def doctype(self, *_: object) -> None:
        self.has_doctype = True
        raise _PrologReadError

    def start(self, tag: str, _: object) -> None:
        self.root = tag.rpartition("}")[2]
        raise _PrologReadError

    def close(self) -> None:
        """Nothing to hand over."""


def _check_prolog(file: SourceFile, roots: Collection[str]) -> str:
    """Refuse a DOCTYPE and a foreign root; the name of the root.

    The parser is the one that reads the file later, so that both see the same prolog in every encoding.
    """
    target = _Prolog()
    parser = etree.XMLParser(target=target, resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    is_blank = True
    try:
        with file.path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                is_blank = is_blank and not chunk.strip()
                parser.feed(chunk)
            if is_blank:
                raise FileHeld("file-empty", "the file has no content")
            parser.close()
    except _PrologReadError:
        pass
    except etree.XMLSyntaxError as fault:
        if not (target.has_doctype or target.root):
            _hold(fault, file, None)
    if target.has_doctype:
        raise FileHeld("xml-entity", "the file has a DOCTYPE, which could declare entities")
    if target.root is None or target.root not in roots:
        raise FileHeld("xml-root", f"the root element is none of: {', '.join(sorted(roots))}")
    return target.root


def _forced_encoding(file: SourceFile) -> str | None:
    """Windows-1252 for a file that says it is UTF-8, or says nothing, and is not; None to believe the file."""
    with file.path.open("rb") as stream:
        chunk = stream.read(_CHUNK)
        declared = _DECLARED.match(chunk.removeprefix(codecs.BOM_UTF8))
        if chunk.startswith(_UTF_16_OR_32) or (declared and declared[1].lower() not in (b"utf-8", b"utf8")):
            return None
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while chunk:
                decoder.decode(chunk)
                chunk = stream.read(_CHUNK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "windows-1252"
    return None


def _hold(fault: etree.XMLSyntaxError, file: SourceFile, root: str | None) -> NoReturn:
    """Say where the XML breaks; libxml2's own message quotes the file, so it is not passed on."""
    # lxml gives no line for a few faults; its log does. It starts with the faults of earlier files.
    logged = [entry.line for entry in fault.error_log or ()][-1:]
    where = f"line {fault.lineno or (logged or [1])[0]}"
    codes = etree.ErrorTypes
    if fault.code in (codes.ERR_INVALID_CHAR, codes.ERR_INVALID_ENCODING, codes.ERR_UNKNOWN_ENCODING,
                      codes.ERR_UNSUPPORTED_ENCODING):
        raise FileHeld("file-encoding", f"{where} has bytes that are no text in the file's encoding") from None
    if root and fault.code != codes.ERR_DOCUMENT_END and not _has_end_tag(file, root):
        raise FileHeld("file-truncated", f"the end tag of the root element is missing; broken off at {where}") from None
    raise FileHeld("xml-malformed", f"{where} is not well formed (libxml2 error {fault.code})") from None


def _has_end_tag(file: SourceFile, root: str) -> bool:
    with file.path.open("rb") as stream:
        stream.seek(max(0, file.size - _CHUNK))
        tail = stream.read().replace(b"\x00", b"")
    return re.search(rb"</(?:[^<>/:\s]+:)?" + re.escape(root.encode()) + rb"\s*>", tail) is not None
