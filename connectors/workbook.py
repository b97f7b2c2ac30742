"""XLSX tables: a sheet to the same frame of text that a CSV gives, with the row number that Excel shows.

Here belongs what a workbook has and a CSV has not: sheets, typed cells, a password, compression. What the columns mean
belongs to the contract of the feed; what a header must have, to `connectors.tabular`, which reads both alike.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, time
from pathlib import PurePath

import orjson
import python_calamine as calamine

from connectors.contract import Table
from connectors.errors import FileHeld
from connectors.feed import Finding, Parsed, SourceFile
from connectors.tabular import CHUNK_ROWS, frame_of, match_header, parse_csv

Cells = Sequence[object]

_ZIP = b"PK\x03\x04"
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # Excel before 2007, and every workbook with a password
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
MAX_UNPACKED = 2 * 1024**3  # bytes; Excel's own limit of a million rows stays below it
MAX_RATIO = 200  # unpacked to packed; real workbooks are below 60
_RATIO_FROM = 50 * 1024**2  # bytes unpacked below which a high ratio does no harm
_HEADER_SOUGHT_TO = 30  # rows in which the column names are looked for, to say where they stand
_EXACT_DIGITS = 10**15  # Excel keeps fifteen digits of a number


def parse_table(file: SourceFile, table: Table, *, unused: Collection[str] = ()) -> Iterator[Parsed]:
    """Read a file that people send as a workbook or as CSV, told apart by its first bytes.

    Args:
        file: The file.
        table: Its table as agreed for the delivery; says which headers are required.
        unused: Headers, lower case, that the format has and this feed leaves out by agreement.

    Yields:
        Batches with the table's columns as text and `row_number`, as the supplier's program shows it.

    Raises:
        FileHeld: The file breaks the shape of a workbook or of a CSV.
    """
    with file.path.open("rb") as stream:
        start = stream.read(8)
    if start.startswith((_ZIP, _COMPOUND)):
        yield from parse_workbook(file, table, unused=unused)
    else:
        yield from parse_csv(file, table, unused=unused)


def parse_workbook(file: SourceFile, table: Table, *, unused: Collection[str] = ()) -> Iterator[Parsed]:
    """Read one sheet of a workbook as one landing table; arguments, batches and faults as in `parse_table`."""
    _check_container(file)
    try:
        workbook = calamine.CalamineWorkbook.from_path(file.path)
        name, findings = _choose_sheet(workbook, file, table)
        rows = workbook.get_sheet_by_name(name).iter_rows()
        yield from _parse_rows(rows, table, unused, findings)
    except calamine.PasswordError:
        raise FileHeld("file-encrypted", "the workbook has a password") from None
    except (calamine.CalamineError, OSError):
        # From None: the reader's own message may quote a cell.
        raise FileHeld("file-truncated", "the workbook is incomplete or broken") from None


def _check_container(file: SourceFile) -> None:
    """Hold what is no workbook, cannot be opened, or unpacks to far more than it is."""
    with file.path.open("rb") as stream:
        if stream.read(8) == _COMPOUND:
            if _ENCRYPTED in stream.read():
                raise FileHeld("file-encrypted", "the workbook has a password")
            raise FileHeld("file-not-this-format", "the workbook is in the format before .xlsx; save it as .xlsx")
    try:
        with zipfile.ZipFile(file.path) as container:
            parts = container.infolist()
            unpacked = sum(part.file_size for part in parts)
            packed = sum(part.compress_size for part in parts)
            if unpacked > MAX_UNPACKED or (unpacked > _RATIO_FROM and unpacked > MAX_RATIO * max(packed, 1)):
                raise FileHeld("file-inflates", f"{packed} bytes unpack to {unpacked}")
            if "xl/workbook.xml" not in {part.filename for part in parts}:
                raise FileHeld("file-not-this-format", "the file is packed but is no .xlsx workbook")
            # The sizes above are what the file says of itself; this reads it and finds a part that is not so.
            broken = container.testzip()
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError):
        raise FileHeld("file-truncated", "the workbook is incomplete or broken") from None
    if broken:
        raise FileHeld("file-truncated", "the workbook is incomplete or broken")


def _choose_sheet(
    workbook: calamine.CalamineWorkbook, file: SourceFile, table: Table
) -> tuple[str, list[Finding]]:
    """The sheet named like the table or the file, else the only visible one with cells; the others are remarked."""
    visible = [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.typ == calamine.SheetTypeEnum.WorkSheet and sheet.visible == calamine.SheetVisibleEnum.Visible
    ]
    filled = [name for name in visible if workbook.get_sheet_by_name(name).height]
    wanted = {_plain(table.name), _plain(PurePath(file.name).stem)}
    named = [name for name in visible if _plain(name) in wanted]
    chosen = named if len(named) == 1 else filled
    if not filled:
        raise FileHeld("file-empty", "no visible sheet of the workbook has a cell")
    if len(chosen) != 1:
        raise FileHeld("sheet-unclear", f"{len(filled)} sheets have cells and none is named {table.name}")
    others = [name for name in filled if name != chosen[0]]
    # By position: a sheet may be named after a person.
    return chosen[0], [
        Finding("sheet-not-read", table.name, column=f"sheet {workbook.sheet_names.index(name) + 1}")
        for name in others
    ]


def _plain(name: str) -> str:
    return re.sub(r"[\s\-_]+", "_", name.strip().lower())


def _parse_rows(
    rows: Iterator[Cells], table: Table, unused: Collection[str], findings: list[Finding]
) -> Iterator[Parsed]:
    header = [_text(cell).strip() for cell in next(rows, [])]
    while header and not header[-1]:
        header.pop()
    try:
        columns, header_findings = match_header(header, table, unused)
    except FileHeld as fault:
        if fault.rule_id in ("column-missing", "column-repeated"):
            _explain_header(rows, table)
        raise
    yield Parsed(findings=[*findings, *header_findings])
    produced = False
    for numbers, records, faults in _records(rows, len(header), table.name):
        produced = produced or bool(records) or bool(faults)
        yield Parsed({table.name: frame_of(columns, numbers, records)}, faults)
    if not produced:
        yield Parsed(findings=[Finding("file-no-rows", table.name)])


def _explain_header(rows: Iterator[Cells], table: Table) -> None:
    """Raise the truer reason where the column names stand below a title."""
    for number, row in enumerate(rows, start=2):
        if number > _HEADER_SOUGHT_TO:
            return
        try:
            match_header([_text(cell).strip() for cell in row], table, ())
        except FileHeld:
            continue
        raise FileHeld("header-not-first", f"the column names stand in row {number}; they belong in row 1")


def _records(
    rows: Iterator[Cells], width: int, table: str
) -> Iterator[tuple[list[int], list[list[str]], list[Finding]]]:
    """The rows below the header as text; rows without a value are skipped, as blank lines of a CSV are."""
    numbers: list[int] = []
    records: list[list[str]] = []
    faults: list[Finding] = []
    for number, row in enumerate(rows, start=2):
        cells = [_text(cell) for cell in row]
        if not any(cell.strip() for cell in cells):
            continue
        if any(cell.strip() for cell in cells[width:]):
            faults.append(Finding("row-width", table, number, raw=orjson.dumps(cells)))
            continue
        if any(isinstance(cell, float) and abs(cell) >= _EXACT_DIGITS for cell in row):
            faults.append(Finding("cell-digits-lost", table, number))
        numbers.append(number)
        records.append([*cells[:width], *[""] * (width - len(cells))])
        if len(records) >= CHUNK_ROWS:
            yield numbers, records, faults
            numbers, records, faults = [], [], []
    yield numbers, records, faults


def _text(cell: object) -> str:
    """A cell as the CSV of it would read: ids without `.0`, days as ISO dates, yes and no as true and false."""
    match cell:
        case bool():
            return "true" if cell else "false"
        case float() if cell.is_integer():
            return str(int(cell))
        case datetime():
            is_day = cell.time() == time()
            return cell.date().isoformat() if is_day else cell.isoformat(timespec="seconds")
        case date() | time():
            return cell.isoformat()
        case _:
            return str(cell)
