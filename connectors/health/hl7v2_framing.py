"""Finding the messages in a file: envelopes, line ends, MLLP bytes, JSON Lines, encodings, wrapped and stray lines.

Here belongs everything between the bytes of a file and its messages. What a message says belongs to
`connectors.health.hl7v2`. Nothing is dropped without a note: a piece of text either is part of a message or of the
envelope, or is handed back as a `Note`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

import orjson

from connectors.errors import FileHeld
from connectors.health.hl7v2 import Message, fields_of, is_header, separators
from connectors.health.hl7v2_envelope import Envelope, Note

BLOCK_BYTES = 8 * 1024 * 1024
MESSAGE_BYTES = 64 * 1024 * 1024
_ENVELOPE = frozenset({"FHS", "BHS", "BTS", "FTS"})
_STARTS = frozenset({"MSH", "FHS", "BHS"})
_FREE_TEXT = frozenset({"OBX", "NTE", "TXA"})
_MESSAGE_START = re.compile(rb"(?<=[\r\n\x0b\x1c])(?=MSH[^\w\s])")
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}\|")
_LONG_NAME = re.compile(r"[A-Z][A-Z0-9]{3,5}\|")
_WRITTEN_LINE_END = re.compile(r"(?:\\r\\n|\\[rn]|\\[xX]0[dDaA]\\?|<[cC][rR]>)+(?=[A-Z][A-Z0-9]{2}[^\w\s])")
_FRAME_START = re.compile(r"\x0b(?=(?:MSH|FHS|BHS)[^\w\s])")
_LEAD = "\ufeff\x0b\x00 \t"

Item = Message | Note


def read(stream: BinaryIO) -> Iterator[Item]:
    """Read a file of HL7 v2 messages in any of its framings.

    Args:
        stream: The file, at its start.

    Yields:
        Messages and notes, in the order of the file.

    Raises:
        FileHeld: The file is empty, is not HL7 v2, or its envelope contradicts itself.
    """
    head = stream.read(4096)
    stream.seek(0)
    if not head.strip() and not stream.read().strip():
        raise FileHeld("file-empty", "the file has no content")
    stream.seek(0)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or head.count(b"\x00") > len(head) // 4:
        raise FileHeld("file-encoding", "the file is in UTF-16 or is not text")
    scanner = _Scanner()
    if head.startswith(b"\xef\xbb\xbf"):
        stream.seek(3)
        head = head[3:]
        yield Note("file-bom", 0, 1)
    if head.lstrip()[:1] in (b"{", b"["):
        yield from _json_messages(stream, scanner)
    else:
        for block in _blocks(stream):
            for text, encoding in _pieces(block):
                yield from scanner.push(text, encoding)
    yield from scanner.close()


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """The file in blocks that end before a message, so that memory does not grow with the file."""
    rest = b""
    while chunk := stream.read(BLOCK_BYTES):
        data = rest + chunk
        cut = max(data.rfind(b"\nMSH"), data.rfind(b"\rMSH"), data.rfind(b"\x0bMSH"))
        if cut <= 0:
            if len(data) > MESSAGE_BYTES:
                raise FileHeld("file-size", f"more than {MESSAGE_BYTES} bytes without the start of a message")
            rest = data
            continue
        cut += data[cut] != 0x0B
        yield data[:cut]
        rest = data[cut:]
    yield rest


def _pieces(block: bytes) -> Iterator[tuple[str, str]]:
    """Decode a block: UTF-8, else message by message, since one Latin-1 message must not spoil its neighbours."""
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError:
        yield from _pieces_apart(block)
    else:
        yield text, "utf-8"


def _pieces_apart(block: bytes) -> Iterator[tuple[str, str]]:
    start = 0
    for end in [*(match.start() for match in _MESSAGE_START.finditer(block)), len(block)]:
        if start < end:
            yield _decoded(block[start:end])
        start = end


def _decoded(data: bytes) -> tuple[str, str]:
    for encoding in ("utf-8", _declared(data), "cp1252"):
        try:
            return data.decode(encoding), encoding
        except (UnicodeDecodeError, LookupError):
            continue
    # Latin-1 keeps the bytes apart until the message is rejected; its text is not used.
    return data.decode("latin-1"), ""


def _declared(data: bytes) -> str:
    """The Python codec for the character set that MSH-18 names; cp1252 stands for Latin-1, which it extends."""
    header = re.split(rb"[\r\n]", data, maxsplit=1)[0]
    fields = header.split(header[3:4]) if len(header) > 3 else []
    name = fields[17].decode("ascii", "replace").strip().upper() if len(fields) > 17 else ""
    part = re.search(r"8859[/-](\d{1,2})", name)
    return f"iso8859-{part[1]}" if part and part[1] != "1" else "cp1252"


def _json_messages(stream: BinaryIO, scanner: _Scanner) -> Iterator[Item]:
    """A message store's export: one object a line (or an element of a list), the message in one of its members."""
    scanner.is_json = True
    for number, record, raw in _json_records(stream):
        if not isinstance(record, dict):
            yield Note("json-broken" if record is None else "json-not-an-object", number, number, raw)
            continue
        texts = [text for text in _texts(record) if text.lstrip(_LEAD + "\r\n").startswith(("MSH", "FHS", "BHS"))]
        if not texts:
            yield Note("hl7-json-no-message", number, number, raw)
        for text in texts:
            scanner.number, scanner.line = number - 1, number - 1
            # A lone surrogate is legal in JSON and in no encoding.
            yield from scanner.push(text.encode("utf-8", "replace").decode("utf-8"), "utf-8")
            yield from scanner.flush()


def _json_records(stream: BinaryIO) -> Iterator[tuple[int, object, bytes]]:
    """Number, value (None when it is not JSON) and bytes of each record."""
    start = stream.tell()
    first = stream.readline()
    while first and not first.strip():
        first = stream.readline()
    document = _loads(first)
    if document is None:
        # Not one object a line: perhaps one document over many lines.
        document = _loads(first + stream.read())
        if isinstance(document, dict):
            document = [document]
    if isinstance(document, list):
        for number, record in enumerate(document, 1):
            yield number, record, orjson.dumps(record)
        return
    stream.seek(start)
    for number, line in enumerate(stream, 1):
        if line.strip():
            yield number, _loads(line), line.rstrip(b"\r\n")


def _loads(data: bytes) -> object:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None


def _texts(record: dict[str, object]) -> Iterator[str]:
    for value in record.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from _texts(value)


class _Scanner:
    """Puts lines together to messages. One message is held at a time."""

    def __init__(self) -> None:
        self.number = 0
        self.line = 0
        self.is_json = False
        self._found = 0
        self._is_cut = False
        self._envelope = Envelope()
        self._lines: list[str] | None = None
        self._odd: list[tuple[int, str]] = []
        self._orphans: list[str] = []
        self._orphan_line = 0
        self._start = 0
        self._field = ""
        self._encoding = "utf-8"
        self._is_framed = False
        self._was_framed = False

    def push(self, text: str, encoding: str) -> Iterator[Item]:
        """Take a piece of the file that starts at the start of a line."""
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if "\x1c" in text:
            text = text.replace("\x1c\n", "\x1c").replace("\x1c", "\n\x1c\n")
        if "\x0b" in text:
            # Anywhere else it is a vertical tab in somebody's text.
            text = _FRAME_START.sub("\n\x0b", text)
        lines = text.split("\n")
        self._is_cut = bool(lines[-1])
        if not self._is_cut:
            lines.pop()
        for line in lines:
            self.line += 1
            head = line[:3]
            if head == "MSH" and is_header(line):
                yield from self._begin(line, encoding)
            elif (
                self._lines is not None and line[3:4] == self._field and head.isupper() and head.isalnum()
                and head not in _ENVELOPE
            ):
                if self._odd:
                    yield from self._mend()
                self._lines.append(line)
            elif line and (line == "\x1c" or not line.isspace()):
                yield from self._unusual(line, encoding)

    def flush(self) -> Iterator[Item]:
        """End the message that is being put together."""
        yield from self._finish()
        yield from self._end_orphans()

    def close(self) -> Iterator[Item]:
        """The end of the file."""
        if self._is_framed and self._was_framed:
            raise FileHeld("file-truncated", f"message {self.number} has no MLLP end and the ones before it have")
        if self._is_cut and self._envelope.is_open and not self.is_json:
            raise FileHeld("file-truncated", f"line {self.line}: no line end, and the envelope has no trailer")
        yield from self.flush()
        if not self._found and not self._envelope.seen:
            where = "member of its JSON objects" if self.is_json else "line of the file"
            raise FileHeld("file-not-this-format", f"no {where} starts a message (MSH) or a batch (FHS, BHS)")
        yield from self._envelope.close(self.number, self.line)
        if not self._found:
            yield Note("file-no-rows", 0, self.line)

    def _begin(self, line: str, encoding: str) -> Iterator[Item]:
        yield from self.flush()
        self.number += 1
        self._found += 1
        self._is_framed = False
        self._envelope.message()
        self._lines, self._field, self._start, self._encoding = [line], line[3], self.line, encoding

    def _unusual(self, line: str, encoding: str) -> Iterator[Item]:
        """Every line that is not simply the next segment."""
        bare = line.lstrip(_LEAD)
        is_framed = "\x0b" in line[: len(line) - len(bare)] and bare[:3] in _STARTS
        if is_framed:
            yield from self.flush()
        if not bare:
            return
        if bare.startswith("\x1c"):
            yield from self._frame_end()
        elif is_header(bare):
            yield from self._begin(bare, encoding)
            self._is_framed = is_framed
        elif bare.rstrip() == "MSH":
            yield from self.flush()
            self._orphans, self._orphan_line = [bare], self.line
        elif bare[:3] in _ENVELOPE and (not bare[3:].strip() or is_header("MSH" + bare[3:])):
            yield from self.flush()
            yield from self._envelope.part(bare[:3], bare, self.number, self.line)
        elif self._lines is None:
            yield from self._outside(bare)
        elif self._is_segment(bare):
            yield from self._mend()
            self._lines.append(bare)
        elif _LONG_NAME.match(bare) and self._field == "|":
            yield from self._mend()
            yield Note("hl7-segment-unknown", self.number, self.line)
            self._lines.append(bare)
        else:
            self._odd.append((self.line, line))

    def _is_segment(self, line: str) -> bool:
        """Whether an indented line, or a line with nothing but a name, is a segment of the message."""
        name = line[:3]
        named = name.isascii() and name.isupper() and name.isalnum() and name[0].isalpha()
        return named and (line[3:4] == self._field or len(line.rstrip()) == 3)

    def _frame_end(self) -> Iterator[Item]:
        if self._odd:
            yield from self._mend()
        yield from self.flush()
        self._was_framed = self._was_framed or self._is_framed
        self._is_framed = False

    def _outside(self, line: str) -> Iterator[Item]:
        """Text that belongs to no message: a segment without its header, or something else altogether."""
        if not _SEGMENT.match(line):
            yield from self._end_orphans()
            yield Note("hl7-stray-text", self.number, self.line, line.encode())
            return
        if self._envelope.is_open:
            raise FileHeld(
                "envelope-broken",
                f"line {self.line}: segment {line[:3]} inside the envelope belongs to no message (no MSH before it)",
            )
        if not self._orphans:
            self._orphan_line = self.line
        self._orphans.append(line)

    def _end_orphans(self) -> Iterator[Note]:
        if self._orphans:
            raw = "\r".join(self._orphans).encode()
            yield Note("hl7-header-missing", self.number, self._orphan_line, raw, self._orphans[0][:3])
            self._orphans = []

    def _mend(self) -> Iterator[Note]:
        """Lines that turned out to continue the segment before them."""
        for line, text in self._odd:
            if self._lines:
                self._lines[-1] += "\n" + text
            yield Note("hl7-line-wrapped", self.number, line, column=self._lines[-1][:3] if self._lines else None)
        self._odd = []

    def _finish(self) -> Iterator[Item]:
        if self._lines is None:
            return
        if self._odd and (self._lines[-1][:3] in _FREE_TEXT or any(self._field in text for _, text in self._odd)):
            yield from self._mend()
        stray, self._odd = self._odd, []
        yield from self._message(self._lines)
        self._lines = None
        for line, text in stray:
            yield Note("hl7-stray-text", self.number, line, text.encode())

    def _message(self, lines: list[str]) -> Iterator[Item]:
        if len(lines) == 1:
            lines = _WRITTEN_LINE_END.sub("\r", lines[0]).split("\r")
            if len(lines) > 1:
                yield Note("hl7-line-ends-written", self.number, self._start)
        text = "\r".join(lines)
        if not self._encoding:
            yield Note("record-encoding", self.number, self._start, text.encode("latin-1", "replace"))
            return
        if self._encoding != "utf-8":
            yield Note("hl7-not-utf8", self.number, self._start)
        marks = separators(lines[0])
        if marks.is_repeated:
            yield Note("hl7-separators-repeated", self.number, self._start, column="MSH-2")
        yield Message(self.number, self._start, text, marks, fields_of(lines, marks.field), self._encoding)
