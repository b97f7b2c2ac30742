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
    rows = [row for file in _files(folder) for row in _read(file)]
    newest: dict[tuple[str, str], dict[str, str]] = {}
    for row in sorted(rows, key=lambda one: (_moment(one["decided_at"]), one["batch"])):
        if _moment(row["decided_at"]).date() <= as_of:
            newest[row["record_key_l"], row["record_key_r"]] = row
    held = [row for row in newest.values() if not row["expires_on"] or date.fromisoformat(row["expires_on"]) >= as_of]
    held.sort(key=lambda one: (one["record_key_l"], one["record_key_r"]))
    return Decisions(pd.DataFrame(held, columns=pd.Index(COLUMNS), dtype="string"))


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
    return Imported(file, len(given), len(stored))


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
    """One row a pair of records, the smaller key first."""
    one, other = [row["record_key_l"]], [row["record_key_r"]]
    if row["scope"] == "children" and members is not None:
        one, other = sorted({*one, *members(one[0])}), sorted({*other, *members(other[0])})
    pairs = {(min(a, b), max(a, b)) for a in one for b in other if a != b}
    return [{**row, "record_key_l": a, "record_key_r": b} for a, b in sorted(pairs)]


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
    in_force = {
        (row["record_key_l"], row["record_key_r"]): row["verdict"]
        for row in load(folder, date.max).frame.to_dict("records")
    }
    for line, row in stored:
        if row["verdict"] == "same" and in_force.get((row["record_key_l"], row["record_key_r"])) == "sealed":
            faults.append(f"line {line}: the two records are sealed from each other")
    told = {**in_force, **{pair: verdict for pair, (_, verdict) in verdicts.items()}}
    joined = nx.Graph([pair for pair, verdict in told.items() if verdict == "same"])
    part = {record: number for number, group in enumerate(nx.connected_components(joined)) for record in group}
    broken = {
        part[a] for (a, b), verdict in told.items() if verdict in APART and a in part and part[a] == part.get(b, -1)
    }
    for line, row in stored:
        if part.get(row["record_key_l"]) in broken or part.get(row["record_key_r"]) in broken:
            faults.append(f"line {line}: with other decisions it joins two records that are held apart")
    if faults:
        raise DecisionError(_message(list(dict.fromkeys(faults))))


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
