"""The identity store: one DuckDB file that holds what linkage knows from one night to the next.

Put here: opening and closing it, its tables, and the models it keeps. Keep out: what any table means to linking; the
modules that own a table say so.

A run is one transaction, so a killed run leaves the store as it was. The file holds names and numbers of children:
its mode is 0600, and nothing outside linkage opens it.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

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
    """Open the store inside one transaction: committed at the end, rolled back on any error.

    Args:
        identity: the file; made if it is not there. None keeps nothing: a store in memory for one run.
        memory_limit: of DuckDB.
        spill: folder for what does not fit; removed by the caller.
        keeps: False rolls back at the end too, for a look that must change nothing.

    Raises:
        StoreError: another process has the file open, or it is no identity store of this version.
    """
    if identity is not None:
        identity.parent.mkdir(parents=True, exist_ok=True)
        if not identity.exists():
            old = os.umask(0o077)
            try:
                duckdb.connect(str(identity)).close()
            finally:
                os.umask(old)
    spill.mkdir(parents=True, exist_ok=True)
    try:
        con = duckdb.connect(
            str(identity) if identity is not None else ":memory:",
            config={"memory_limit": memory_limit, "temp_directory": str(spill), "threads": 2},
        )
    except duckdb.IOException:
        message = (
            f"the identity store {identity.name if identity else ''} is open in another process; wait for it to end"
        )
        raise StoreError(message) from None
    try:
        con.execute("SET preserve_insertion_order = false")
        con.begin()
        for table in (RECORD_TABLE, KEY_TABLE, PAIR_TABLE, MODEL_TABLE, FREQUENCY_TABLE, DECISION_TABLE):
            con.execute(table)
        ledger.create_tables(con)
        yield con
        if keeps:
            con.commit()
        else:
            con.rollback()
    finally:
        con.close()


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
