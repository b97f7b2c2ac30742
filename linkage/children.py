"""Which children a run touches, and how their records fall together now.

Put here: the closure of what a changed record can influence, and the arrays that clustering needs. Keep out: the
clustering itself, and what becomes of ids (ledger.py).
"""

from typing import Any, Final

import duckdb
import numpy as np
import pandas as pd

from linkage.clustering import Clusters, Pairs, Records, Settings, solve
from linkage.model import VETO_CODE, LinkageConfig
from linkage.pairs import MERGE_BIT
from linkage.scoring import read_patterns
from linkage.weights import logit

VETO_OF_UNSURE: Final = VETO_CODE["decision"]
MAX_ROUNDS: Final = 50
"""Rounds of the closure; conflicts between children are few, so it ends after two or three."""


def find_touched(con: duckdb.DuckDBPyConnection, config: LinkageConfig, *, everything: bool) -> None:
    """Find the records to solve again, as temporary table `touched(record)`.

    They are the changed and gone records, the records of changed decisions, all records of their children, all records
    that a link leads to from there, and so on until nothing is added.
    """
    if everything:
        con.execute(
            """
            CREATE OR REPLACE TEMP TABLE touched AS SELECT record FROM record
            WHERE is_present OR record IN (SELECT record FROM membership WHERE valid_to_run IS NULL)
            """
        )
        return
    con.execute(
        "CREATE OR REPLACE TEMP TABLE touched AS FROM changed UNION FROM gone UNION SELECT record FROM redecided"
    )
    link = float(logit(config.link))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE strong AS
        SELECT l, r FROM pair WHERE (weight >= {link} AND veto = 0) OR rules & {MERGE_BIT} > 0
        UNION SELECT l, r FROM applied_decision WHERE verdict = 'same'
        """
    )
    for _ in range(MAX_ROUNDS):
        added = con.execute(
            """
            INSERT INTO touched SELECT DISTINCT record FROM (
                SELECT m.record FROM membership m WHERE m.valid_to_run IS NULL AND m.child_id IN (
                    SELECT child_id FROM membership WHERE valid_to_run IS NULL AND record IN (FROM touched)
                )
                UNION ALL SELECT r FROM strong WHERE l IN (FROM touched)
                UNION ALL SELECT l FROM strong WHERE r IN (FROM touched)
            ) WHERE record NOT IN (FROM touched)
            """
        ).fetchall()[0][0]
        if not added:
            return


def solve_touched(con: duckdb.DuckDBPyConnection, config: LinkageConfig) -> Clusters:
    """Group the touched records, as temporary table `solved(record, cluster, reason)`.

    A record that has disappeared from its source has no features left to speak for it: it stays with most of the
    records that were its child's.
    """
    rows = con.execute(
        """
        SELECT r.record, r.is_present, z.record IS NOT NULL AS is_sealed,
               CASE WHEN r.nhs_current IS NULL THEN 0 ELSE hash(r.nhs_current) END AS nhs_number,
               CASE WHEN r.upn IS NULL THEN 0 ELSE hash(r.upn) END AS upn,
               coalesce(z.seal, 0) AS seal_group,
               CASE WHEN m.child_id IS NULL THEN 0 ELSE hash(m.child_id) END AS child,
               (r.forename IS NULL AND r.other_forenames IS NULL) OR r.birth_date IS NULL AS is_incomplete
        FROM record r JOIN touched USING (record)
        LEFT JOIN membership m ON m.record = r.record AND m.valid_to_run IS NULL
        LEFT JOIN sealed_now z ON z.record = r.record
        ORDER BY r.record_key
        """
    ).fetchnumpy()
    present = np.asarray(rows["is_present"], dtype=bool)
    number = np.asarray(rows["record"], dtype=np.int64)
    child = _codes(rows["child"])
    records = Records(
        nhs_number=_codes(rows["nhs_number"])[present],
        upn=_codes(rows["upn"])[present],
        is_sealed=np.asarray(rows["is_sealed"], dtype=bool)[present],
        seal_group=_codes(rows["seal_group"])[present],
        child=child[present],
        is_incomplete=np.asarray(rows["is_incomplete"], dtype=bool)[present],
    )
    pairs = _pairs(con, number[present])
    clusters = solve(
        records,
        pairs,
        Settings(
            link=float(logit(config.link)),
            review=float(logit(config.review)),
            unlink=float(logit(min(config.unlink, config.review))),
            merge=float(logit(max(config.merge, config.link))),
            max_cluster_size=config.max_cluster_size,
            has_hysteresis=config.has_hysteresis,
            accepts_review=config.accepts_review,
        ),
    )
    cluster = np.empty(len(number), dtype=np.int64)
    cluster[present] = np.flatnonzero(present)[clusters.root]
    _place_absent(cluster, child, present)
    merged = np.zeros(len(number), dtype=bool)
    for joined in (pairs.left[pairs.is_merge], pairs.right[pairs.is_merge]):
        merged[np.flatnonzero(present)[joined]] = True
    decided = np.zeros(len(number), dtype=bool)
    told = pairs.is_same | pairs.is_not_same
    for joined in (pairs.left[told], pairs.right[told]):
        decided[np.flatnonzero(present)[joined]] = True
    reason = np.where(decided, "decision", np.where(merged, "source_merge", "matched")).astype(object)
    con.register("solved_rows", pd.DataFrame({"record": number, "cluster": cluster, "reason": reason}))
    con.execute("CREATE OR REPLACE TEMP TABLE solved AS FROM solved_rows")
    con.unregister("solved_rows")
    return clusters


def _codes(hashes: Any) -> np.ndarray:
    """Small codes for hashes; -1 for none."""
    hashes = np.asarray(hashes, dtype=np.uint64)
    codes = pd.factorize(hashes)[0].astype(np.int64)
    return np.where(hashes == 0, -1, codes)


def _pairs(con: duckdb.DuckDBPyConnection, records: np.ndarray) -> Pairs:
    """The stored pairs between records, by position."""
    con.register("order_rows", pd.DataFrame({"record": records, "place": np.arange(len(records), dtype=np.int64)}))
    rows = con.execute(
        f"""
        WITH decided AS (SELECT l, r, verdict FROM applied_decision), known AS (
            SELECT coalesce(p.l, d.l) AS l, coalesce(p.r, d.r) AS r, coalesce(p.weight, 0) AS weight,
                   coalesce(p.veto, 0) AS veto, coalesce(p.pattern, 0) AS pattern,
                   coalesce(p.rules & {MERGE_BIT} > 0, false) AS is_merge, coalesce(d.verdict, '') AS verdict
            FROM pair p FULL JOIN decided d ON d.l = p.l AND d.r = p.r
        )
        SELECT a.place AS l, b.place AS r, weight, veto, pattern, is_merge, verdict
        FROM known k JOIN order_rows a ON a.record = k.l JOIN order_rows b ON b.record = k.r
        ORDER BY least(a.place, b.place), greatest(a.place, b.place)
        """
    ).fetchnumpy()
    con.unregister("order_rows")
    one, other = np.asarray(rows["l"], dtype=np.int64), np.asarray(rows["r"], dtype=np.int64)
    verdict = np.asarray(rows["verdict"], dtype=object)
    levels = read_patterns(np.asarray(rows["pattern"], dtype=np.int64))
    same, unsure = verdict == "same", verdict == "unsure"
    veto = np.asarray(rows["veto"], dtype=np.uint8)
    return Pairs(
        left=np.minimum(one, other),
        right=np.maximum(one, other),
        weight=np.asarray(rows["weight"], dtype=np.float32),
        veto=np.where(same, 0, np.where(unsure & (veto == 0), VETO_OF_UNSURE, veto)).astype(np.uint8),
        is_identified=levels.reached("nhs_number", "same", "superseded")
        | levels.reached("upn", "same")
        | levels.reached("other_identifier", "same"),
        is_merge=np.asarray(rows["is_merge"], dtype=bool),
        is_same=same,
        is_not_same=(verdict == "not_same") | (verdict == "sealed"),
    )


def _place_absent(cluster: np.ndarray, child: np.ndarray, present: np.ndarray) -> None:
    """Put absent records with most of their child's present ones, or together where there is none."""
    absent = np.flatnonzero(~present)
    if not len(absent):
        return
    mates = pd.DataFrame({"child": child, "cluster": cluster})[present & (child >= 0) & np.isin(child, child[absent])]
    sizes = mates.value_counts().rename("size").reset_index()
    home = sizes.sort_values(["size", "cluster"], ascending=[False, True]).drop_duplicates("child")
    alone = pd.Series(absent, index=child[absent]).groupby(level=0).min()
    known = pd.concat([home.set_index("child")["cluster"], alone])
    known = known[~known.index.duplicated()]
    cluster[absent] = np.where(child[absent] >= 0, known.reindex(child[absent]).to_numpy(), absent)


__all__ = ["find_touched", "solve_touched"]
