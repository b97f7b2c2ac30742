"""What people decided about pairs of records: same, not the same, unsure, sealed.

Put here: the files of decisions, what makes one acceptable, and which are in force on a day. Keep out: what follows
from a decision for children (clustering.py) and the queue that asks for them (review.py).

The folder is the ledger: every batch is one CSV file that appears whole by one rename and is never changed. Decisions
speak of records, not of ids, so they outlive reruns, models and ids. The newest decision on a pair holds; when it
expires the pair is undecided again, and an older decision does not come back.
"""

import csv
import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Final, TextIO

import duckdb
import networkx as nx
import pandas as pd

from linkage import ledger
from linkage.errors import LinkageError

VERDICTS: Final = ("same", "not_same", "unsure", "sealed")
SCOPES: Final = ("pair", "children")
"""`pair`: these two records. `children`: every record of the one's child with every record of the other's."""
COLUMNS: Final = (
    "record_key_l",
    "record_key_r",
    "verdict",
    "decided_by",
    "decided_at",
    "reason",
    "expires_on",
    "scope",
)
APART: Final = ("not_same", "sealed")


class DecisionError(LinkageError):
    """Decisions that cannot be taken in. The message names lines and rules, never a person or a record."""


@dataclass(frozen=True)
class Imported:
    """What became of a batch."""

    file: Path
    decisions: int
    """Rows that were given."""
    rows: int
    """Rows that were stored, after decisions on children were written out as pairs."""


@dataclass(frozen=True)
class Decisions:
    """The decisions in force: one row a pair, record_key_l < record_key_r, and the columns of COLUMNS."""

    frame: pd.DataFrame


def load(folder: Path | None, as_of: date) -> Decisions:
    """Read the decisions in force on a day.

    Args:
        folder: of batch files; none, or one that is not there, holds no decisions.
        as_of: decisions made later are not in force yet, expired ones not any more. One that expires on this day
            still holds.

    Raises:
        DecisionError: a file of the folder is not one that `add_decisions` wrote.
    """
    rows = [row for row in _newest(_rows(folder), as_of) if _expiry(row) >= as_of]
    rows.sort(key=lambda one: (one["record_key_l"], one["record_key_r"]))
    return Decisions(pd.DataFrame(rows, columns=pd.Index(COLUMNS), dtype="string"))


def _rows(folder: Path | None) -> list[dict[str, str]]:
    return [row for file in _files(folder) for row in _read(file)]


def _newest(rows: Iterable[dict[str, str]], as_of: date) -> list[dict[str, str]]:
    """The newest row of every pair that was decided by the day, expired or not."""
    newest: dict[tuple[str, str], dict[str, str]] = {}
    for row in sorted(rows, key=lambda one: (_moment(one["decided_at"]), one["batch"], one["expires_on"] or "9")):
        if _moment(row["decided_at"]).date() <= as_of:
            newest[row["record_key_l"], row["record_key_r"]] = row
    return list(newest.values())


def _expiry(row: Mapping[str, str]) -> date:
    return date.fromisoformat(row["expires_on"]) if row["expires_on"] else date.max


def add_decisions(
    folder: Path,
    rows: Iterable[Mapping[str, str]],
    *,
    members: Callable[[str], Sequence[str]] | None = None,
    first_line: int = 1,
) -> Imported:
    """Take in a batch of decisions: all of it, or nothing.

    Args:
        folder: of batch files; made if it is not there.
        rows: decisions with the columns of COLUMNS; scope is `pair` if it is left out.
        members: gives the record keys of the child that a record belongs to; needed for the scope `children`.
        first_line: number of the first row in the messages.

    Raises:
        DecisionError: a row lacks what it needs, or contradicts another row or a decision in force.
    """
    given = [{name: (row.get(name) or "").strip() for name in COLUMNS} for row in rows]
    numbered = list(enumerate(given, start=first_line))
    faults = [f"line {line}: {fault}" for line, row in numbered if (fault := _fault(row, members))]
    if faults:
        raise DecisionError(_message(faults))
    stored: list[tuple[int, dict[str, str]]] = []
    for line, row in numbered:
        row["scope"] = row["scope"] or "pair"
        stored += [(line, one) for one in _written_out(row, members)]
    _refuse_contradictions(folder, stored)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}.csv"
    part = file.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as written:
        _write(written, [row for _, row in stored])
        written.flush()
        os.fsync(written.fileno())
    part.replace(file)
    _sync(folder)
    return Imported(file, len(given), len(stored))


def _sync(folder: Path) -> None:
    """Make a rename outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def import_csv(
    folder: Path, path: Path, *, members: Callable[[str], Sequence[str]] | None = None, identity: Path | None = None
) -> Imported:
    """Take in a CSV file with the columns of COLUMNS, in any order.

    Args:
        folder: of batch files.
        path: the CSV file.
        members: as in `add_decisions`.
        identity: the identity store, which knows the members of a child; read only if a row asks for it.

    Raises:
        DecisionError: as `add_decisions`; lines are counted as in the file. Or the file lacks a column.
    """
    with path.open(encoding="utf-8-sig", newline="") as opened:
        reader = csv.DictReader(opened)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ()) and name != "scope"]
        if missing:
            message = f"{path.name} lacks the column(s) {', '.join(missing)}; it needs {', '.join(COLUMNS)}"
            raise DecisionError(message)
        rows = list(reader)
    if members is None and identity is not None and any((row.get("scope") or "").strip() == "children" for row in rows):
        with duckdb.connect(str(identity), read_only=True) as con:
            return add_decisions(folder, rows, members=partial(ledger.members, con), first_line=2)
    return add_decisions(folder, rows, members=members, first_line=2)


def export_csv(folder: Path, path: Path, as_of: date) -> int:
    """Write the decisions in force as a CSV file that `import_csv` takes; gives their number."""
    rows = load(folder, as_of).frame.fillna("").to_dict("records")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as written:
        _write(written, rows)
    return len(rows)


def _fault(row: Mapping[str, str], members: Callable[[str], Sequence[str]] | None) -> str | None:
    """What is wrong with one row by itself."""
    empty = [name for name in ("record_key_l", "record_key_r", "decided_by", "decided_at", "reason") if not row[name]]
    if empty:
        return f"{', '.join(empty)} must be given"
    if row["record_key_l"] == row["record_key_r"]:
        return "a record cannot be compared with itself"
    if row["verdict"] not in VERDICTS:
        return f"verdict must be one of {', '.join(VERDICTS)}"
    if row["scope"] and row["scope"] not in SCOPES:
        return f"scope must be one of {', '.join(SCOPES)}"
    if row["scope"] == "children" and members is None:
        return "scope children needs the identity store; decide on the pair instead"
    try:
        decided = _moment(row["decided_at"])
    except ValueError:
        return "decided_at must be a time with its offset, as 2026-11-25T09:30:00+00:00"
    try:
        expires = date.fromisoformat(row["expires_on"]) if row["expires_on"] else None
    except ValueError:
        return "expires_on must be a date, as 2027-11-25, or empty"
    if expires is not None and expires < decided.date():
        return "it expires before it was decided"
    return None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)


def _written_out(row: dict[str, str], members: Callable[[str], Sequence[str]] | None) -> list[dict[str, str]]:
    """One row a pair of records, the smaller key first. They speak of pairs only, so they can be imported again."""
    one, other = [row["record_key_l"]], [row["record_key_r"]]
    if row["scope"] == "children" and members is not None:
        one, other = sorted({*one, *members(one[0])}), sorted({*other, *members(other[0])})
    pairs = {(min(a, b), max(a, b)) for a in one for b in other if a != b}
    return [{**row, "record_key_l": a, "record_key_r": b, "scope": "pair"} for a, b in sorted(pairs)]


def _refuse_contradictions(folder: Path, stored: Sequence[tuple[int, dict[str, str]]]) -> None:
    """Refuse two answers for one pair, and a chain of `same` that joins what is held apart.

    Raises:
        DecisionError: with the lines of the batch that contradict.
    """
    faults, verdicts = [], {}
    for line, row in stored:
        pair = row["record_key_l"], row["record_key_r"]
        earlier = verdicts.setdefault(pair, (line, row["verdict"]))
        if earlier[1] != row["verdict"]:
            faults.append(f"lines {earlier[0]} and {line}: two different verdicts on one pair")
    begins = [_moment(row["decided_at"]).date() for _, row in stored]
    batch = [{**row, "batch": "~", "line": str(line)} for line, row in stored]
    earlier_rows = _rows(folder)
    # What holds together on any day must not contradict itself. It gets more only on a day when something was
    # decided, so these days are all there is to look at, from the first that the batch speaks of.
    days = {_moment(row["decided_at"]).date() for row in earlier_rows if begins}
    for day in sorted({*begins, *(day for day in days if day > min(begins, default=day))}):
        in_force = [row for row in _newest(earlier_rows, day) if _expiry(row) >= day]
        together = [row for row in _newest([*earlier_rows, *batch], day) if _expiry(row) >= day]
        faults += _contradictions(in_force, together)
    if faults:
        raise DecisionError(_message(list(dict.fromkeys(faults))))


def _contradictions(in_force: Sequence[dict[str, str]], together: Sequence[dict[str, str]]) -> list[str]:
    """What the rows of a batch (those with a line) do on one day to the rows that were in force on it."""
    sealed = {(row["record_key_l"], row["record_key_r"]) for row in in_force if row["verdict"] == "sealed"}
    new = [row for row in together if "line" in row]
    faults = [
        f"line {row['line']}: the two records are sealed from each other"
        for row in new
        if row["verdict"] != "sealed" and (row["record_key_l"], row["record_key_r"]) in sealed
    ]
    joined = nx.Graph((row["record_key_l"], row["record_key_r"]) for row in together if row["verdict"] == "same")
    part = {record: number for number, group in enumerate(nx.connected_components(joined)) for record in group}
    broken = {
        part[row["record_key_l"]]
        for row in together
        if row["verdict"] in APART and part.get(row["record_key_l"], -1) == part.get(row["record_key_r"], -2)
    }
    return faults + [
        f"line {row['line']}: with other decisions it joins two records that are held apart"
        for row in new
        if row["verdict"] != "unsure" and {part.get(row["record_key_l"]), part.get(row["record_key_r"])} & broken
    ]


def _message(faults: Sequence[str]) -> str:
    shown = "; ".join(faults[:20])
    more = f"; and {len(faults) - 20} more" if len(faults) > 20 else ""
    return f"no decision was taken in: {shown}{more}"


def _files(folder: Path | None) -> list[Path]:
    return sorted(folder.glob("*.csv")) if folder is not None and folder.is_dir() else []


def _read(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    if any(set(row) != set(COLUMNS) or None in row.values() or _fault(row, lambda key: [key]) for row in rows):
        message = f"{file.name} in the folder of decisions is not a file that Dolen wrote; import it instead"
        raise DecisionError(message)
    return [{**row, "batch": file.name} for row in rows]


def _write(opened: TextIO, rows: Sequence[Mapping[str, str]]) -> None:
    writer = csv.DictWriter(opened, list[str](COLUMNS), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
