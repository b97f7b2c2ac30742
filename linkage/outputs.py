"""Writes the three files of a linkage run, each under a temporary name and then renamed.

Put here: the shape of the files. Keep out: deciding anything.
"""

import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pandas as pd

from linkage.model import COMPARISONS
from linkage.summary import LinkageSummary

CHILD_ID_NAMESPACE: Final = uuid.UUID("6d1f0c5e-3b0a-5f5e-9d57-0a2b6d0c8e41")
"""Ours alone. A child_id is the uuid5 of the smallest record key of the child, so the same records give the same id."""

PAIRS: Final = "pairs.parquet"
CLUSTERS: Final = "clusters.parquet"
SUMMARY: Final = "summary.json"
_PART: Final = ".part"


def child_id(smallest_record_key: str) -> str:
    """The id of the child whose first record, in the order of the keys, is this one."""
    return str(uuid.uuid5(CHILD_ID_NAMESPACE, smallest_record_key))


def write(
    con: duckdb.DuckDBPyConnection,
    out: Path,
    pairs: pd.DataFrame,
    levels: np.ndarray,
    clusters: pd.DataFrame,
    rules: Sequence[str],
    summary: LinkageSummary,
) -> None:
    """Write everything under temporary names, then rename; a reader never sees half a file."""
    out.mkdir(parents=True, exist_ok=True)
    con.execute("SET threads = 1")
    _copy_pairs(con, pairs, levels, rules, out / (PAIRS + _PART))
    con.register("cluster_rows", clusters)
    con.execute(
        f"""
        COPY (SELECT p.record_key, c.child_id, CAST(c.cluster_size AS INTEGER) AS cluster_size,
                     c.link_confidence, c.link_method, DATE '{summary.as_of.isoformat()}' AS linked_on
              FROM cluster_rows c JOIN person p USING (record) ORDER BY record)
        TO '{_quoted(out / (CLUSTERS + _PART))}' (FORMAT parquet)
        """
    )
    con.unregister("cluster_rows")
    (out / (SUMMARY + _PART)).write_text(summary.to_json(), encoding="utf-8")
    for name in (PAIRS, CLUSTERS, SUMMARY):
        with (out / (name + _PART)).open("rb") as written:
            os.fsync(written.fileno())
        (out / (name + _PART)).replace(out / name)


def _copy_pairs(
    con: duckdb.DuckDBPyConnection, pairs: pd.DataFrame, levels: np.ndarray, rules: Sequence[str], path: Path
) -> None:
    """Levels travel as small integers and become agreements in the query, which keeps the memory small."""
    frame = pairs.copy(deep=False)
    agreements = []
    for column, comparison in enumerate(COMPARISONS):
        frame[comparison.field] = levels[:, column]
        values = ", ".join(f"{level.agreement}::DOUBLE" for level in comparison.levels)
        agreements.append(f"list_extract([{values}], {comparison.field} + 1) AS cmp_{comparison.field}")
    bits = np.unique(frame["found_by"].to_numpy(dtype=np.uint64))
    named = [",".join(rule for position, rule in enumerate(rules) if int(found) >> position & 1) for found in bits]
    con.register("found_by_names", pd.DataFrame({"found_by": bits, "blocking_rules": pd.Series(named, dtype="string")}))
    con.register("pair_rows", frame)
    con.execute("CREATE OR REPLACE TEMP VIEW keys AS SELECT record, record_key FROM person")
    con.execute(
        f"""
        COPY (SELECT a.record_key AS record_key_l, b.record_key AS record_key_r,
                     q.probability, q.decision, n.blocking_rules, q.veto,
                     {", ".join(agreements)}
              FROM pair_rows q
              JOIN keys a ON a.record = q.l
              JOIN keys b ON b.record = q.r
              JOIN found_by_names n USING (found_by)
              ORDER BY q.l, q.r)
        TO '{_quoted(path)}' (FORMAT parquet)
        """
    )
    con.unregister("pair_rows")
    con.unregister("found_by_names")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
