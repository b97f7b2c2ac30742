"""The identity store: one DuckDB file that holds what linkage knows from one night to the next.

Put here: opening and closing it, its tables, and the models it keeps. Keep out: what any table means to linking; the
modules that own a table say so.

A run is kept whole or not at all, so a killed run leaves the store as it was. The file holds names and numbers of
children:
its mode is 0600, and nothing outside linkage opens it.
"""

import fcntl
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb

from linkage import ledger
from linkage.blocking import KEY_TABLE
from linkage.errors import LinkageError
from linkage.model import MODEL_FORMAT
from linkage.records import RECORD_TABLE
from linkage.training import FREQUENCY_TABLE
from linkage.weights import Model

PAIR_TABLE: Final = """
CREATE TABLE IF NOT EXISTS pair (
    l INTEGER, r INTEGER, rules UINTEGER, pattern BIGINT, weight FLOAT, veto UTINYINT
)
"""
MODEL_TABLE: Final = """
CREATE TABLE IF NOT EXISTS model (
    version VARCHAR PRIMARY KEY, trained_run INTEGER, promoted_run INTEGER, is_live BOOLEAN, parameters VARCHAR
)
"""
DECISION_TABLE: Final = "CREATE TABLE IF NOT EXISTS applied_decision (l INTEGER, r INTEGER, verdict VARCHAR)"


class StoreError(LinkageError):
    """The identity store cannot be opened or was written by another version."""


@contextmanager
def open_store(
    identity: Path | None, memory_limit: str, spill: Path, *, keeps: bool = True
) -> Generator[duckdb.DuckDBPyConnection]:
    """Open the store for one run, which is kept whole or not at all.

    A run that keeps works on a copy, which takes the place of the file by one rename at the end: a killed run leaves
    the file as it was. (One long transaction would do too, and DuckDB reads what a transaction has just written at
    half the speed.)

    Args:
        identity: the file; made if it is not there. None keeps nothing: a store in memory for one run.
        memory_limit: of DuckDB.
        spill: folder for what does not fit; removed by the caller.
        keeps: False changes nothing: what is written is rolled back at the end.

    Raises:
        StoreError: another process has the store open, or it is no identity store of this version.
    """
    spill.mkdir(parents=True, exist_ok=True)
    settings: Any = {"memory_limit": memory_limit, "temp_directory": str(spill), "threads": 2}
    with _locked(identity):
        if identity is None:
            with duckdb.connect(":memory:", config=settings) as con:
                _prepare(con)
                yield con
        elif keeps:
            part = identity.with_name(f".{identity.name}.part")
            _copy(identity, part)
            try:
                with duckdb.connect(str(part), config=settings) as con:
                    con.execute("SET checkpoint_threshold = '16GB'")
                    _prepare(con)
                    yield con
                    con.execute("CHECKPOINT")
                with part.open("rb") as written:
                    os.fsync(written.fileno())
                part.replace(identity)
            finally:
                for left in (part, part.with_name(f"{part.name}.wal")):
                    left.unlink(missing_ok=True)
        else:
            with duckdb.connect(str(identity), config=settings) as con:
                con.begin()
                _prepare(con)
                yield con
                con.rollback()


def _prepare(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("SET preserve_insertion_order = false")
    for table in (RECORD_TABLE, KEY_TABLE, PAIR_TABLE, MODEL_TABLE, FREQUENCY_TABLE, DECISION_TABLE):
        con.execute(table)
    ledger.create_tables(con)


@contextmanager
def _locked(identity: Path | None) -> Generator[None]:
    """Let one process at a time use the store."""
    if identity is None:
        yield
        return
    identity.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(identity.with_name(f".{identity.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"the identity store {identity.name} is open in another process; wait for it to end"
            raise StoreError(message) from None
        yield
    finally:
        os.close(descriptor)


def _copy(identity: Path, part: Path) -> None:
    """Copy the file, for its owner only; a store that is not there yet starts empty."""
    part.unlink(missing_ok=True)
    old = os.umask(0o077)
    try:
        if identity.exists():
            shutil.copyfile(identity, part)
        else:
            duckdb.connect(str(part)).close()
    finally:
        os.umask(old)


def live_model(con: duckdb.DuckDBPyConnection) -> Model | None:
    """The model that scores, if one was promoted."""
    found = con.execute("SELECT parameters FROM model WHERE is_live").fetchone()
    if found is None:
        return None
    model = Model.from_json(found[0])
    if model.format != MODEL_FORMAT:
        message = (
            f"the live model {model.version} has format {model.format} and this version of Dolen reads {MODEL_FORMAT}: "
            "train and promote a new one with `dolen linkage train` and `dolen linkage promote`"
        )
        raise StoreError(message)
    return model


def find_model(con: duckdb.DuckDBPyConnection, version: str) -> Model:
    """A model by its version.

    Raises:
        StoreError: there is none of that name.
    """
    found = con.execute("SELECT parameters FROM model WHERE version = ?", [version]).fetchone()
    if found is None:
        known = ", ".join(row[0] for row in con.execute("SELECT version FROM model ORDER BY 1").fetchall()) or "none"
        message = f"there is no model {version}; known are: {known}"
        raise StoreError(message)
    return Model.from_json(found[0])


def save_model(con: duckdb.DuckDBPyConnection, model: Model, run: int) -> None:
    """Keep a model; it does not score before it is promoted."""
    con.execute(
        "INSERT INTO model VALUES (?, ?, NULL, false, ?) ON CONFLICT DO NOTHING", [model.version, run, model.to_json()]
    )


def promote_model(con: duckdb.DuckDBPyConnection, version: str, run: int) -> None:
    """Make a model the one that scores."""
    con.execute("UPDATE model SET is_live = false WHERE is_live")
    con.execute("UPDATE model SET is_live = true, promoted_run = ? WHERE version = ?", [run, version])
