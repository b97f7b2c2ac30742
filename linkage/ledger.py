"""The identity ledger: which record belongs to which child, since when and why.

Put here: child ids, their events, and the rule for which id survives. Keep out: which records belong together
(clustering.py) and anything about a person.

A child_id is random and never derived from a record. Events are only ever appended, and the memberships follow from
them. When children merge or split, the *heir rule* says who keeps the id: the most members first, then the oldest id
(of one night, the one with the oldest record); each old id is claimed once and each group takes one. An id that nobody
claims is retired for ever, with a redirect.

A sealed record (adoption, protected persons) leaves its child so that nothing leads from the earlier id to the new one
or back: its earlier memberships stay under a record number of nobody, and the new side tells no time: no run, no event
number in the order of events, no clock of its own in the id, no place in the order of rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

import duckdb
import pandas as pd

from linkage.errors import ClusterInvariantError

TABLES: Final = """
CREATE TABLE IF NOT EXISTS linkage_run (
    run INTEGER, as_of DATE, started_at TIMESTAMPTZ, model_version VARCHAR, persons_digest VARCHAR
);
CREATE TABLE IF NOT EXISTS child (
    child_id UUID, created_run INTEGER, retired_run INTEGER, heir UUID, is_sealed BOOLEAN
);
CREATE TABLE IF NOT EXISTS membership (record INTEGER, child_id UUID, valid_from_run INTEGER, valid_to_run INTEGER);
CREATE TABLE IF NOT EXISTS event (
    event BIGINT, run INTEGER, kind VARCHAR, child_id UUID, other_child_id UUID, record INTEGER, reason VARCHAR
);
CREATE SEQUENCE IF NOT EXISTS event_number
"""
KINDS: Final = ("create", "attach", "detach", "merge", "split", "seal", "redirect")
NO_RUN: Final = 0
"""Stands where a sealed id must not say when it began."""


@dataclass(frozen=True)
class Changes:
    """What one run did to the ids."""

    created: int = 0
    merged: int = 0
    """Ids that ended in another one."""
    split: int = 0
    """Ids that were made from a part of another one."""
    ids_changed: int = 0
    """Records that had an id before and have another one now."""


def create_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Make the ledger's tables where they are not there yet."""
    con.execute(TABLES)


def newest_as_of(con: duckdb.DuckDBPyConnection) -> date | None:
    """The latest day that any run spoke for."""
    return con.execute("SELECT max(as_of) FROM linkage_run").fetchall()[0][0]


def newest_run(con: duckdb.DuckDBPyConnection) -> int:
    """Number of the last run; 0 before the first."""
    return con.execute("SELECT coalesce(max(run), 0) FROM linkage_run").fetchall()[0][0]


def start_run(con: duckdb.DuckDBPyConnection, as_of: date, model_version: str, persons_digest: str) -> int:
    """Note a run and give its number."""
    run = newest_run(con) + 1
    con.execute("INSERT INTO linkage_run VALUES (?, ?, now(), ?, ?)", [run, as_of, model_version, persons_digest])
    return run


def apply(con: duckdb.DuckDBPyConnection, run: int) -> Changes:
    """Bring the ids in line with a partition.

    Args:
        con: the store, with the temporary table `solved(record, cluster, reason)`. It holds all members of every child
            that it touches.
        run: number of this run.

    Returns:
        Counts. A partition that says what the memberships say already changes nothing and writes no event.

    Raises:
        ClusterInvariantError: the partition puts a sealed child together with others.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE moving AS
        SELECT s.record, s.cluster, s.reason, m.child_id AS old_id FROM solved s
        LEFT JOIN membership m ON m.record = s.record AND m.valid_to_run IS NULL;
        CREATE OR REPLACE TEMP TABLE claim AS
        SELECT cluster, old_id, count(*) AS members, min(record) AS first_record FROM moving
        WHERE old_id IS NOT NULL GROUP BY ALL;
        """
    )
    _refuse_mixed_seals(con)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE heir AS
        SELECT cluster, old_id AS child_id FROM claim
        QUALIFY count(*) OVER (PARTITION BY cluster) = 1 AND count(*) OVER (PARTITION BY old_id) = 1;
        CREATE OR REPLACE TEMP TABLE contested AS
        SELECT c.*, (SELECT created_run FROM child WHERE child_id = c.old_id) AS created_run FROM claim c
        WHERE cluster NOT IN (SELECT cluster FROM heir)
        """
    )
    rows = con.execute(
        "SELECT cluster, old_id FROM contested ORDER BY members DESC, created_run, first_record"
    ).fetchall()
    heirs = pd.DataFrame(_claim(rows), columns=pd.Index(["cluster", "child_id"]))
    con.register("claimed", heirs.astype({"child_id": str}))
    con.execute(
        """
        INSERT INTO heir SELECT cluster, CAST(child_id AS UUID) FROM claimed;
        CREATE OR REPLACE TEMP TABLE born AS
        SELECT cluster, uuidv7() AS child_id FROM (SELECT DISTINCT cluster FROM moving)
        WHERE cluster NOT IN (SELECT cluster FROM heir);
        CREATE OR REPLACE TEMP TABLE placed AS
        SELECT m.record, m.cluster, m.reason, m.old_id, coalesce(h.child_id, b.child_id) AS new_id
        FROM moving m LEFT JOIN heir h USING (cluster) LEFT JOIN born b USING (cluster);
        CREATE OR REPLACE TEMP TABLE moved AS SELECT * FROM placed WHERE old_id IS DISTINCT FROM new_id
        """
    )
    con.unregister("claimed")
    return _write(con, run)


def _claim(rows: Iterable[tuple[int, UUID]]) -> list[tuple[int, str]]:
    """The heir rule over contested claims, given in its order: most members first, then the oldest id."""
    clusters: set[int] = set()
    ids: set[UUID] = set()
    heirs = []
    for cluster, old_id in rows:
        if cluster not in clusters and old_id not in ids:
            clusters.add(cluster)
            ids.add(old_id)
            heirs.append((cluster, str(old_id)))
    return heirs


def _refuse_mixed_seals(con: duckdb.DuckDBPyConnection) -> None:
    mixed = con.execute(
        """
        SELECT count(*) FROM (
            SELECT m.cluster FROM moving m LEFT JOIN child c ON c.child_id = m.old_id
            WHERE m.cluster IN (SELECT x.cluster FROM moving x JOIN child s ON s.child_id = x.old_id WHERE s.is_sealed)
            GROUP BY m.cluster HAVING bool_or(NOT coalesce(c.is_sealed, false))
        )
        """
    ).fetchall()[0][0]
    if mixed:
        message = f"{mixed} group(s) put a sealed child together with records that are not sealed"
        raise ClusterInvariantError(message)


def _write(con: duckdb.DuckDBPyConnection, run: int) -> Changes:
    """Events and memberships of a run, from the temporary tables `placed`, `moved` and `born`."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE ended AS
        SELECT old_id, arg_max(new_id, (members, -first_record)) AS heir FROM (
            SELECT old_id, new_id, count(*) AS members, min(record) AS first_record FROM moved
            WHERE old_id IS NOT NULL GROUP BY ALL
        )
        WHERE old_id NOT IN (SELECT new_id FROM placed) GROUP BY old_id;
        CREATE OR REPLACE TEMP TABLE parted AS
        SELECT DISTINCT m.old_id, m.new_id FROM moved m JOIN born b ON b.child_id = m.new_id WHERE m.old_id IS NOT NULL;
        """
    )
    con.execute(
        f"""
        INSERT INTO event
        SELECT nextval('event_number'), {run}, kind, child_id, other, record, reason FROM (
            SELECT 1 AS step, 'create' AS kind, child_id, NULL::UUID AS other, NULL::INTEGER AS record,
                   'matched' AS reason FROM born
            UNION ALL SELECT 2, 'split', old_id, new_id, NULL, 'matched' FROM parted
            UNION ALL SELECT 3, 'detach', old_id, NULL, record, reason FROM moved WHERE old_id IS NOT NULL
            UNION ALL SELECT 4, 'attach', new_id, NULL, record, CASE WHEN old_id IS NULL AND reason = 'matched'
                             THEN 'first_seen' ELSE reason END FROM moved
            UNION ALL SELECT 5, 'merge', old_id, heir, NULL, 'matched' FROM ended
            UNION ALL SELECT 6, 'redirect', old_id, heir, NULL, 'merged' FROM ended
            ORDER BY ALL
        );
        INSERT INTO child
        SELECT child_id, {run}, NULL, NULL, child_id IN (
            SELECT m.new_id FROM moved m JOIN child c ON c.child_id = m.old_id WHERE c.is_sealed
        ) FROM born;
        UPDATE child SET retired_run = {run}, heir = e.heir FROM ended e WHERE e.old_id = child.child_id;
        UPDATE membership SET valid_to_run = {run}
        WHERE valid_to_run IS NULL AND record IN (SELECT record FROM moved WHERE old_id IS NOT NULL);
        INSERT INTO membership SELECT record, new_id, {run}, NULL FROM moved
        """
    )
    return Changes(
        *con.execute(
            """
            SELECT (SELECT count(*) FROM born), (SELECT count(*) FROM ended), (SELECT count(*) FROM parted),
                   (SELECT count(*) FROM moved WHERE old_id IS NOT NULL)
            """
        ).fetchall()[0]
    )


def seal(con: duckdb.DuckDBPyConnection, run: int) -> int:
    """Give the records of the temporary table `sealed_now` that sit in an ordinary child, or in none, sealed ids.

    Those that the temporary table `solved` puts into one cluster get one id: that of the sealed child already among
    them, or a new one. So `apply` has nothing to merge afterwards, in a run that would date the seal.

    Returns:
        How many records were sealed.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE sealing AS
        SELECT r.record, s.cluster, m.child_id AS old_id, coalesce(c.is_sealed, false) AS is_sealed,
               CASE WHEN m.child_id IS NOT NULL AND NOT c.is_sealed THEN 'sealed:' || gen_random_uuid() END AS nobody
        FROM (SELECT DISTINCT record FROM sealed_now) r LEFT JOIN solved s USING (record)
        LEFT JOIN membership m ON m.record = r.record AND m.valid_to_run IS NULL
        LEFT JOIN child c ON c.child_id = m.child_id;
        CREATE OR REPLACE TEMP TABLE party AS
        SELECT cluster, CASE WHEN cluster IS NULL THEN record END AS alone, min(old_id) FILTER (is_sealed) AS new_id,
               min(old_id) FILTER (is_sealed) IS NULL AS is_new, row_number() OVER (ORDER BY random()) AS place
        FROM sealing GROUP BY ALL HAVING bool_or(NOT is_sealed);
        DELETE FROM sealing WHERE is_sealed
        """
    )
    sealed = con.execute("SELECT count(*) FROM sealing").fetchall()[0][0]
    if sealed:
        _hide(con, run)
    return sealed


def _hide(con: duckdb.DuckDBPyConnection, run: int) -> None:
    """Write both sides of a seal, from the temporary tables `sealing` and `party`, with no path between them.

    The new side says no time: its run is NO_RUN, its events have random numbers below all others, a new id has the
    clock of some other child, and the rows are laid in the order of their content, not of their writing.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE tombstone AS
        SELECT record, old_id, nobody, (SELECT max(record) FROM record)
               + CAST(row_number() OVER (ORDER BY random()) AS INTEGER) AS tombstone
        FROM sealing WHERE nobody IS NOT NULL;
        UPDATE party SET new_id = CAST(
            coalesce((SELECT left(CAST(l.child_id AS VARCHAR), 13) FROM (
                SELECT child_id, row_number() OVER (ORDER BY random()) AS place, count(*) OVER () AS many FROM child
                WHERE child_id NOT IN (SELECT old_id FROM tombstone)
            ) l WHERE l.place = 1 + party.place % l.many), left(CAST(uuidv7() AS VARCHAR), 13))
            || '-7' || substr(CAST(gen_random_uuid() AS VARCHAR), 16) AS UUID)
        WHERE is_new;
        CREATE OR REPLACE TEMP TABLE entering AS
        SELECT s.record, p.new_id FROM sealing s JOIN party p
        ON s.cluster IS NOT DISTINCT FROM p.cluster AND (s.cluster IS NOT NULL OR s.record = p.alone);
        INSERT INTO record (record, record_key, is_present, is_sealed, content_hash)
        SELECT tombstone, nobody, false, true, 0 FROM tombstone;
        UPDATE membership SET record = t.tombstone, valid_to_run = coalesce(valid_to_run, {run})
        FROM tombstone t WHERE t.record = membership.record;
        UPDATE event SET record = t.tombstone FROM tombstone t WHERE t.record = event.record;
        INSERT INTO event SELECT nextval('event_number'), {run}, kind, old_id, NULL, record, 'sealed' FROM (
            SELECT 'detach' AS kind, old_id, tombstone AS record FROM tombstone
            UNION ALL SELECT DISTINCT 'seal', old_id, NULL::INTEGER FROM tombstone ORDER BY ALL
        );
        UPDATE child SET retired_run = {run} WHERE child_id IN (SELECT old_id FROM tombstone)
        AND child_id NOT IN (SELECT child_id FROM membership WHERE valid_to_run IS NULL);
        INSERT INTO event
        SELECT -1 - CAST(hash(gen_random_uuid()) >> 2 AS BIGINT), {NO_RUN}, kind, new_id, NULL, record, 'sealed' FROM (
            SELECT new_id, 'create' AS kind, NULL::INTEGER AS record FROM party WHERE is_new
            UNION ALL SELECT new_id, 'attach', record FROM entering
        );
        INSERT INTO child SELECT new_id, {NO_RUN}, NULL, NULL, true FROM party WHERE is_new;
        INSERT INTO membership SELECT record, new_id, {NO_RUN}, NULL FROM entering;
        CREATE OR REPLACE TABLE child AS FROM child ORDER BY child_id;
        CREATE OR REPLACE TABLE membership AS FROM membership ORDER BY record, valid_from_run, child_id;
        CREATE OR REPLACE TABLE event AS FROM event ORDER BY event
        """
    )


def as_of_sql(as_of: date) -> str:
    """A query for `record, child_id` as it stood after the newest run that spoke for this day or an earlier one."""
    newest = f"(SELECT max(run) FROM linkage_run WHERE as_of <= DATE '{as_of.isoformat()}')"
    return (
        f"SELECT record, child_id FROM membership WHERE valid_from_run <= {newest} "
        f"AND coalesce(valid_to_run > {newest}, true)"
    )


def resolve(con: duckdb.DuckDBPyConnection, child_id: UUID | str) -> UUID | None:
    """The living id that an id leads to; None for an unknown, an ended and a sealed one."""
    seen = UUID(str(child_id))
    while True:
        found = con.execute("SELECT heir, retired_run, is_sealed FROM child WHERE child_id = ?", [seen]).fetchone()
        if found is None or found[2]:
            return None
        if found[1] is None:
            return seen
        if found[0] is None:
            return None
        seen = found[0]


def history_of_record(con: duckdb.DuckDBPyConnection, record_key: str) -> list[dict[str, object]]:
    """Events of one record in their order; of a sealed one only what its present id shows."""
    return _history(con, "e.record IN (SELECT record FROM record WHERE record_key = ?)", record_key)


def history_of_child(con: duckdb.DuckDBPyConnection, child_id: UUID | str) -> list[dict[str, object]]:
    """Events of one id in their order."""
    return _history(con, "(e.child_id = ? OR e.other_child_id = $1)", str(child_id))


def _history(con: duckdb.DuckDBPyConnection, condition: str, value: str) -> list[dict[str, object]]:
    found = con.execute(
        f"""
        SELECT e.run, l.as_of, e.kind, CAST(e.child_id AS VARCHAR) AS child_id,
               CAST(e.other_child_id AS VARCHAR) AS other_child_id, r.record_key, e.reason
        FROM event e LEFT JOIN linkage_run l USING (run) LEFT JOIN record r ON r.record = e.record
        WHERE {condition.replace("?", "$1")} ORDER BY e.event
        """,
        [value],
    )
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def members(con: duckdb.DuckDBPyConnection, record_key: str) -> list[str]:
    """Record keys of the child that a record belongs to; of a sealed one only itself."""
    rows = con.execute(
        """
        SELECT r.record_key FROM membership m JOIN record r USING (record) JOIN child c USING (child_id)
        WHERE m.valid_to_run IS NULL AND r.is_present AND NOT c.is_sealed AND m.child_id IN (
            SELECT child_id FROM membership JOIN record USING (record) WHERE valid_to_run IS NULL AND record_key = ?
        ) ORDER BY 1
        """,
        [record_key],
    ).fetchall()
    return [row[0] for row in rows] or [record_key]


def replay(con: duckdb.DuckDBPyConnection) -> None:
    """Work the memberships out from the events alone, as temporary table `replayed(record, child_id)`."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE replayed AS
        SELECT record, arg_max(child_id, event) AS child_id FROM event
        WHERE kind IN ('attach', 'detach') GROUP BY record HAVING arg_max(kind, event) = 'attach'
        """
    )


def verify(con: duckdb.DuckDBPyConnection) -> None:
    """Check the ledger against itself.

    Raises:
        ClusterInvariantError: the events do not give the memberships, a retired id has members, or a record has two.
    """
    replay(con)
    differs, retired, twice = con.execute(
        """
        SELECT (SELECT count(*) FROM (SELECT record, child_id FROM membership WHERE valid_to_run IS NULL) m
                FULL JOIN replayed p USING (record) WHERE m.child_id IS DISTINCT FROM p.child_id),
               (SELECT count(*) FROM membership m JOIN child c USING (child_id)
                WHERE m.valid_to_run IS NULL AND c.retired_run IS NOT NULL),
               (SELECT count(*) FROM (SELECT record FROM membership WHERE valid_to_run IS NULL
                                      GROUP BY record HAVING count(*) > 1))
        """
    ).fetchall()[0]
    if differs or retired or twice:
        message = (
            f"the ledger contradicts itself: {differs} memberships that the events do not give, "
            f"{retired} in retired ids, {twice} records with two"
        )
        raise ClusterInvariantError(message)
