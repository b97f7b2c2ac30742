"""Writes the files of a linkage run, each under a temporary name and then renamed.

Put here: the shape of pairs, clusters, quality and summary, read from the store. Keep out: deciding
anything.
"""

import os
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb

from linkage import ledger
from linkage.blocking import RULE_NAMES
from linkage.model import COMPARISONS, VETO_CODE, VETOES, Comparison, LinkageConfig
from linkage.pairs import MERGE_BIT
from linkage.rules import ALWAYS_REVIEW
from linkage.scoring import DIGITS, PLACES
from linkage.summary import LinkageSummary
from linkage.weights import logit

PAIRS: Final = "pairs.parquet"
CLUSTERS: Final = "clusters.parquet"
SUMMARY: Final = "summary.json"
QUALITY: Final = "quality.parquet"
_PART: Final = ".part"


def digit_sql(field: str) -> str:
    """SQL for the digit of a field in a column `pattern`."""
    return f"CAST(pattern // {PLACES[field]} % {len(DIGITS[field])} AS INTEGER)"


def _agreement_sql(comparison: Comparison) -> str:
    """SQL for the agreement, 0 to 1, that a pattern shows in a field; NULL where it could not be compared."""
    agreement = {level.name: level.agreement for level in comparison.levels}
    values = [
        "NULL" if digit == "missing" else str(agreement[digit if digit in agreement else digit.rpartition("_")[0]])
        for digit in DIGITS[comparison.field]
    ]
    return f"CAST(list_extract([{', '.join(values)}], {digit_sql(comparison.field)} + 1) AS DOUBLE)"


def identified_sql() -> str:
    """SQL: an identifier agrees."""
    parts = []
    for field, names in (("nhs_number", ("same", "superseded")), ("upn", ("same",)), ("other_identifier", ("same",))):
        digits = ", ".join(str(DIGITS[field].index(name)) for name in names)
        parts.append(f"{digit_sql(field)} IN ({digits})")
    return f"({' OR '.join(parts)})"


def decide(con: duckdb.DuckDBPyConnection, config: LinkageConfig) -> None:
    """The decision of every stored pair, in agreement with the children, as temporary table `pair_decision`."""
    link, review = float(logit(config.link)), float(logit(config.review))
    shown = ", ".join(str(code) for code, flag in enumerate(ALWAYS_REVIEW) if flag)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE incomplete AS
        SELECT record FROM record WHERE is_present
        AND ((forename IS NULL AND other_forenames IS NULL) OR birth_date IS NULL);
        CREATE OR REPLACE TEMP TABLE pair_state AS
        SELECT p.*, a.child_id AS child_l, b.child_id AS child_r, d.verdict,
               (p.weight >= {link} AND p.veto = 0) OR p.rules & {MERGE_BIT} > 0 AS is_wanted,
               {identified_sql()} AS is_identified
        FROM pair p
        JOIN current_child a ON a.record = p.l JOIN current_child b ON b.record = p.r
        LEFT JOIN applied_decision d ON d.l = p.l AND d.r = p.r;
        CREATE OR REPLACE TEMP TABLE pair_decision AS
        SELECT l, r, rules, pattern, weight, child_l, child_r, verdict, is_identified,
               CASE WHEN child_l = child_r AND (is_wanted OR verdict = 'same') THEN 'link'
                    WHEN verdict = 'not_same' THEN 'no_link'
                    WHEN is_wanted OR verdict IN ('same', 'unsure') OR weight >= {review} OR veto IN ({shown})
                    THEN 'review'
                    ELSE 'no_link' END AS decision,
               CASE WHEN child_l = child_r AND (is_wanted OR verdict = 'same') THEN 0
                    WHEN verdict IN ('not_same', 'unsure') THEN {VETO_CODE["decision"]}
                    WHEN veto > 0 THEN veto
                    WHEN is_wanted AND child_l <> child_r AND NOT is_identified
                         AND (l IN (FROM incomplete) OR r IN (FROM incomplete)) THEN {VETO_CODE["ambiguous"]}
                    WHEN (is_wanted OR verdict = 'same') AND child_l <> child_r THEN {VETO_CODE["cluster_conflict"]}
                    ELSE 0 END AS veto
        FROM pair_state
        """
    )


def stage(con: duckdb.DuckDBPyConnection, out: Path, summary: LinkageSummary) -> None:
    """Write everything under temporary names; `publish` renames, once the store has kept the run."""
    out.mkdir(parents=True, exist_ok=True)
    names = ", ".join(
        f"CASE WHEN rules & {1 << number} > 0 THEN '{name}' END" for number, name in enumerate(RULE_NAMES)
    )
    vetoes = " ".join(f"WHEN {code} THEN '{name}'" for name, code in VETO_CODE.items())
    agreements = ", ".join(f"{_agreement_sql(one)} AS cmp_{one.field}" for one in COMPARISONS)
    con.execute(
        f"""
        COPY (
            SELECT least(a.record_key, b.record_key) AS record_key_l,
                   greatest(a.record_key, b.record_key) AS record_key_r,
                   round(1 / (1 + pow(2, -CAST(weight AS DOUBLE))), 9) AS probability, decision,
                   concat_ws(',', {names}) AS blocking_rules, CASE veto {vetoes} END AS veto, {agreements},
                   CAST(weight AS DOUBLE) AS weight
            FROM pair_decision p JOIN record a ON a.record = p.l JOIN record b ON b.record = p.r
            ORDER BY ALL
        ) TO '{_quoted(out / (PAIRS + _PART))}' (FORMAT parquet)
        """
    )
    con.execute(
        f"""
        COPY (
            SELECT r.record_key, CAST(c.child_id AS VARCHAR) AS child_id,
                   CAST(c.cluster_size AS INTEGER) AS cluster_size,
                   h.link_confidence, h.link_method, DATE '{summary.as_of.isoformat()}' AS linked_on
            FROM current_child c JOIN record r USING (record) JOIN held h USING (record)
            ORDER BY r.record_key
        ) TO '{_quoted(out / (CLUSTERS + _PART))}' (FORMAT parquet)
        """
    )
    con.execute(f"COPY (FROM quality ORDER BY measure_key) TO '{_quoted(out / (QUALITY + _PART))}' (FORMAT parquet)")
    (out / (SUMMARY + _PART)).write_text(summary.to_json(), encoding="utf-8")


def publish(out: Path) -> None:
    """Rename what `stage` wrote; a reader never sees half a file."""
    for name in (PAIRS, CLUSTERS, QUALITY, SUMMARY):
        with (out / (name + _PART)).open("rb") as written:
            os.fsync(written.fileno())
        (out / (name + _PART)).replace(out / name)


def find_children(con: duckdb.DuckDBPyConnection, as_of: date | None) -> None:
    """Who is whose child, as temporary table `current_child(record, child_id, cluster_size)`.

    Args:
        con: the store, with the temporary table `listed` of the records in the persons table.
        as_of: for a look back, the day as it stood; a record that was not known then has the id it was first given.
    """
    then = "" if as_of is None else f"UNION ALL SELECT record, child_id, 1 FROM ({ledger.as_of_sql(as_of)})"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE current_child AS
        SELECT record, child_id, count(*) OVER (PARTITION BY child_id) AS cluster_size FROM (
            SELECT record, arg_max(child_id, rank) AS child_id FROM (
                SELECT record, child_id, 0 AS rank FROM membership WHERE valid_to_run IS NULL {then}
            ) JOIN listed USING (record) GROUP BY record
        )
        """
    )


def read_state(con: duckdb.DuckDBPyConnection, config: LinkageConfig) -> None:
    """Make what a run makes of the state, `current_child` and `pair_decision`, for a store that was just opened."""
    con.execute("CREATE OR REPLACE TEMP TABLE listed AS SELECT record FROM record WHERE is_present")
    find_children(con, None)
    decide(con, config)


def find_held(con: duckdb.DuckDBPyConnection) -> None:
    """How sure and by what means every record belongs to its child, as temporary table `held`.

    It is the surest of the record's pairs inside the child. Reads `current_child` and `pair_decision`.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE held AS
        WITH inside AS (
            SELECT l, r, CASE WHEN rules & {MERGE_BIT} > 0 OR verdict = 'same' THEN 1.0
                              ELSE round(1 / (1 + pow(2, -CAST(weight AS DOUBLE))), 9) END AS confidence,
                   CASE WHEN verdict = 'same' THEN 'decision' WHEN rules & {MERGE_BIT} > 0 THEN 'merge'
                        WHEN is_identified THEN 'identifier' ELSE 'probabilistic' END AS method
            FROM pair_decision WHERE child_l = child_r
        ), best AS (
            SELECT record, max({{'confidence': confidence, 'method': method}}) AS top FROM (
                SELECT l AS record, confidence, method FROM inside UNION ALL SELECT r, confidence, method FROM inside
            ) GROUP BY record
        )
        SELECT c.record,
               CASE WHEN c.cluster_size = 1 THEN 1.0 ELSE coalesce(top.confidence, 0.5) END AS link_confidence,
               CASE WHEN c.cluster_size = 1 THEN 'singleton' ELSE coalesce(top.method, 'probabilistic') END
                   AS link_method
        FROM current_child c LEFT JOIN best USING (record)
        """
    )


def count_outputs(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The part of the summary that describes the state after the run. Reads what `decide` and `find_held` made."""
    children, singletons, largest = con.execute(
        """
        SELECT count(DISTINCT child_id), count(*) FILTER (cluster_size = 1), coalesce(max(cluster_size), 0)
        FROM current_child
        """
    ).fetchall()[0]
    kept, links, review, still_open, merges, refused = con.execute(
        f"""
        SELECT count(*), count(*) FILTER (decision = 'link'), count(*) FILTER (decision = 'review'),
               count(*) FILTER (decision = 'review' AND child_l <> child_r), count(*) FILTER (rules & {MERGE_BIT} > 0),
               count(*) FILTER (rules & {MERGE_BIT} > 0 AND child_l <> child_r)
        FROM pair_decision
        """
    ).fetchall()[0]
    vetoes = dict(
        con.execute("SELECT veto, count(*) FROM pair_decision WHERE decision = 'review' GROUP BY veto").fetchall()
    )
    methods = con.execute("SELECT link_method, count(*) FROM held GROUP BY 1 ORDER BY 1").fetchall()
    return {
        "pairs_kept": kept,
        "links": links,
        "review": review,
        "review_open": still_open,
        "merges": merges,
        "merges_refused": refused,
        "children": children,
        "singletons": singletons,
        "largest_cluster": largest,
        "records_by_method": dict(methods),
        "vetoes": {veto.name: vetoes.get(VETO_CODE[veto.name], 0) for veto in VETOES},
    }


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
