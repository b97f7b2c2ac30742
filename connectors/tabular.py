"""CSV tables: bytes to a frame of text with the line number the supplier sees.

Here belongs what all comma-separated feeds share: encoding, byte order mark, delimiter, header, ragged rows, quoted
line breaks, truncation. What the columns mean belongs to the contract of the feed.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Collection, Iterator

import polars as pl

from connectors.contract import Table
from connectors.errors import FileHeld
from connectors.feed import Finding, Parsed, SourceFile

CHUNK_ROWS = 200_000
_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def decode(data: bytes, table: str) -> tuple[str, list[Finding]]:
    """Decode a text file: UTF-8 with or without a byte order mark, else Windows-1252 where that is plausible.

    Args:
        data: The whole file.
        table: Landing table the findings are reported under.

    Returns:
        The text, and the repairs made.

    Raises:
        FileHeld: The file is empty or not text in either encoding.
    """
    if not data.removeprefix(codecs.BOM_UTF8).strip():
        raise FileHeld("file-empty", "the file has no content")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:4096]:
        raise FileHeld("file-encoding", "the file is in UTF-16 or is not text")
    findings = []
    if data.startswith(codecs.BOM_UTF8):
        data = data.removeprefix(codecs.BOM_UTF8)
        findings.append(Finding("file-bom", table))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as fault:
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            line = data[: fault.start].count(b"\n") + 1
            # From None: the decoder's own message quotes the bytes.
            raise FileHeld("file-encoding", f"line {line} is neither UTF-8 nor Windows-1252") from None
        findings.append(Finding("file-cp1252", table))
    return text, findings


def parse_csv(file: SourceFile, table: Table, *, unused: Collection[str] = ()) -> Iterator[Parsed]:
    """Read one CSV file as one landing table.

    Args:
        file: The file.
        table: Its table as agreed for the delivery; says which headers are required.
        unused: Headers, lower case, that the format has and this feed leaves out by agreement.

    Yields:
        Batches with the table's columns as text and `row_number`, the line on which the record starts.

    Raises:
        FileHeld: Empty, undecodable, wrong delimiter, required or repeated header, or cut in the middle of a record.
    """
    text, findings = decode(file.path.read_bytes(), table.name)
    header = read_header(text)
    columns, header_findings = match_header(header, table, unused)
    yield Parsed(findings=[*findings, *header_findings])
    produced = False
    for numbers, rows, faults in _records(text, len(header), table.name):
        produced = produced or bool(rows) or bool(faults)
        yield Parsed({table.name: frame_of(columns, numbers, rows)}, faults)
    if not produced:
        yield Parsed(findings=[Finding("file-no-rows", table.name)])


def read_header(text: str) -> list[str]:
    """The names in the first record of a CSV text.

    Raises:
        FileHeld: The text has no header.
    """
    try:
        names = next(csv.reader(io.StringIO(text, newline="")), [])
    except csv.Error:
        # From None: the reader's own message may quote the text.
        raise FileHeld("file-not-this-format", "the first line is no line of column names") from None
    if not names:
        raise FileHeld("column-missing", "the first line is blank where the column names should be")
    return [name.strip() for name in names]


def frame_of(columns: dict[int, str], numbers: list[int], rows: list[list[str]]) -> pl.DataFrame:
    """Records as text under the contract's names, with their row numbers.

    Args:
        columns: Position in a record to column, as `match_header` gives it.
        numbers: Row number of each record.
        rows: The records.
    """
    data = {name: [row[index] for row in rows] for index, name in columns.items()}
    frame = pl.DataFrame(data, schema=dict.fromkeys(data, pl.String))
    return frame.with_columns(pl.Series("row_number", numbers, dtype=pl.Int64))


def match_header(header: list[str], table: Table, unused: Collection[str]) -> tuple[dict[int, str], list[Finding]]:
    """Map positions to the contract's columns; name what is missing, repeated or unknown.

    Raises:
        FileHeld: A required column is missing, or two headers mean the same column.
    """
    known = table.headers()
    lowered = [name.lower() for name in header]
    repeated = [str(index + 1) for index, name in enumerate(lowered) if name and lowered.count(name) > 1]
    if repeated:
        # By position: a file without a header has a person's record in this place.
        raise FileHeld("column-repeated", f"columns with the same header: {', '.join(repeated)}")
    columns = {index: known[name] for index, name in enumerate(lowered) if name in known}
    if len(set(columns.values())) < len(columns):
        raise FileHeld("column-repeated", "two headers of the file mean the same column")
    present = set(columns.values())
    needed = [column for column in table.columns if column.header_need == "required"]
    missing = [(column.sources or (column.name,))[0] for column in needed if column.name not in present]
    if missing:
        _explain_delimiter(header, table)
        raise FileHeld("column-missing", f"table {table.name} lacks {', '.join(missing)}")
    findings = [
        Finding("column-absent", table.name, 1, column.name)
        for column in table.columns
        if column.header_need == "expected" and column.name not in present
    ]
    findings += [
        Finding("column-unknown", table.name, 1, f"column {index + 1}")
        for index, name in enumerate(lowered)
        if index not in columns and name not in ("", "record_action") and name not in unused
    ]
    for index, name in enumerate(lowered):
        if name == "record_action":
            columns[index] = "record_action"
    return columns, findings


def _explain_delimiter(header: list[str], table: Table) -> None:
    """Raise the truer reason where the header would match with another delimiter."""
    if len(header) != 1:
        return
    for delimiter, spoken in _OTHER_DELIMITERS.items():
        names = {name.strip().strip('"').lower() for name in header[0].split(delimiter)}
        if len(names) > 1 and names & set(table.headers()):
            raise FileHeld("file-delimiter", f"the columns are separated by {spoken}")


def _records(text: str, width: int, table: str) -> Iterator[tuple[list[int], list[list[str]], list[Finding]]]:
    """Split the text into records, the ragged ones apart."""
    lines = _Lines(text)
    reader = csv.reader(lines, strict=True)
    numbers: list[int] = []
    rows: list[list[str]] = []
    faults: list[Finding] = []
    lines.skip_header()
    has_end = text.endswith(("\n", "\r"))
    while True:
        start = lines.begin()
        try:
            row = next(reader, None)
        except csv.Error as fault:
            if "unexpected end of data" in str(fault):
                raise FileHeld("file-truncated", f"a quoted field that starts on line {start} never ends") from None
            faults.append(Finding("row-width", table, start, raw=lines.taken().encode()))
            continue
        if row is None:
            break
        if not row:
            continue  # a blank line
        if not any(field.strip() for field in row):
            faults.append(Finding("record-empty", table, start, raw=lines.taken().encode()))
        elif len(row) < width and not has_end and lines.are_read():
            raise FileHeld("file-truncated", "the last record has fewer fields than the header and no line end")
        elif len(row) != width:
            faults.append(Finding("row-width", table, start, raw=lines.taken().encode()))
        else:
            numbers.append(start)
            rows.append(row)
        if len(rows) >= CHUNK_ROWS:
            yield numbers, rows, faults
            numbers, rows, faults = [], [], []
    yield numbers, rows, faults


class _Lines:
    """The lines of a text, which remembers those of the record that is being read."""

    def __init__(self, text: str) -> None:
        self._stream = io.StringIO(text, newline="")
        self._size = len(text)
        self._number = 0
        self._record: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._stream)
        self._number += 1
        self._record.append(line)
        return line

    def skip_header(self) -> None:
        next(csv.reader(self), None)

    def begin(self) -> int:
        """Forget the last record; the number of the line on which the next one starts."""
        self._record.clear()
        return self._number + 1

    def taken(self) -> str:
        """The record as it stands in the file."""
        return "".join(self._record).rstrip("\r\n")

    def are_read(self) -> bool:
        """Whether nothing comes after this record."""
        return self._stream.tell() >= self._size
