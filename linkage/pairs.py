"""The store of scored pairs: weights and vetoes of the candidates of a run.

Put here: what a scored candidate becomes and which pairs are kept. Keep out: patterns (scoring.py), what they are
worth (weights.py) and what follows for children (children.py). No value of a person is stored with a pair.
"""

from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from linkage.blocking import RULE_NAMES
from linkage.model import DECIDED_RULE, MERGED_RULE, LinkageConfig
from linkage.rules import ALWAYS_REVIEW, find_vetoes
from linkage.scoring import read_patterns
from linkage.weights import Model, combine, logit, weigh

MAX_WEIGHT = 1e9
MERGE_BIT = 1 << RULE_NAMES.index(MERGED_RULE)
DECISION_BIT = 1 << RULE_NAMES.index(DECIDED_RULE)


@dataclass(frozen=True)
class Weighed:
    """Counts of one run."""

    compared: int
    withheld: int
    withheld_probable: int
    """... that would have been for review at least."""
    withheld_merges: int
    """... that their source declared to be one record."""


def weigh_patterns(model: Model, pattern: np.ndarray, source: np.ndarray, config: LinkageConfig) -> pd.DataFrame:
    """Weight and veto of patterns between given sources.

    Args:
        model: the numbers.
        pattern: int64.
        source: names of source pairs, as `scored.source_pair`.
        config: whether the twin rule holds.

    Returns:
        pattern (int64), source_pair (text), weight (float32, log2 odds), veto (uint8, VETO_CODE or 0).
    """
    distinct, back = np.unique(pattern, return_inverse=True)
    parts = weigh(model, distinct)
    names, place = np.unique(np.asarray(source, dtype=str), return_inverse=True)
    same_system = np.array(["=" in name for name in names], dtype=bool)
    shares = np.array([model.source_priors.get(str(name), model.labelled_share) for name in names], dtype=float)
    weight = combine(
        model,
        type(parts)(parts.fellegi_sunter[back], parts.silver[back], parts.identifiers[back]),
        shares[place] if len(names) else np.zeros(0),
        same_system[place] if len(names) else np.zeros(0, dtype=bool),
    )
    veto = find_vetoes(read_patterns(distinct), has_twin_rule=config.has_twin_rule)
    return pd.DataFrame(
        {"pattern": pattern, "source_pair": source, "weight": weight.astype(np.float32), "veto": veto[back]}
    )


def store_pairs(
    con: duckdb.DuckDBPyConnection, model: Model, config: LinkageConfig, *, rescore: bool = False
) -> Weighed:
    """Replace the stored pairs of the changed and gone records by what `scored` holds.

    Args:
        con: the store, with the temporary tables `scored`, `changed` and `gone`.
        model: the numbers.
        config: which pairs are kept.
        rescore: replace all pairs, as after a model was promoted.
    """
    found = con.execute("SELECT DISTINCT pattern, source_pair FROM scored").fetchnumpy()
    patterns = np.asarray(found["pattern"], dtype=np.int64)
    weights = weigh_patterns(model, patterns, np.asarray(found["source_pair"], dtype=object), config)
    con.register("weights", weights)
    con.execute("CREATE OR REPLACE TEMP TABLE pattern_weight AS FROM weights")
    con.unregister("weights")
    if rescore:
        con.execute("DELETE FROM pair")
    else:
        con.execute(
            "DELETE FROM pair WHERE l IN (FROM changed UNION ALL FROM gone) OR r IN (FROM changed UNION ALL FROM gone)"
        )
    keep, review = float(logit(config.keep)) if config.keep else -MAX_WEIGHT, float(logit(config.review))
    shown = ", ".join(str(code) for code in np.flatnonzero(ALWAYS_REVIEW))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE weighed AS
        SELECT s.l, s.r, s.rules, s.pattern, w.weight, w.veto
        FROM scored s JOIN pattern_weight w USING (pattern, source_pair);
        CREATE OR REPLACE TEMP TABLE with_sealed AS
        SELECT l, r FROM weighed
        WHERE l IN (SELECT record FROM sealed_now) OR r IN (SELECT record FROM sealed_now);
        CREATE OR REPLACE TEMP TABLE sealed_pair AS
        SELECT l, r, rules, weight FROM weighed WHERE (l, r) IN (
            SELECT (l, r) FROM with_sealed WHERE (l, r) NOT IN (
                SELECT (s.l, s.r) FROM with_sealed s
                JOIN sealed_now a ON a.record = s.l JOIN sealed_now b ON b.record = s.r AND b.seal = a.seal
            )
            UNION ALL SELECT (l, r) FROM applied_decision WHERE verdict = 'sealed'
        );
        INSERT INTO pair
        SELECT l, r, rules, pattern, weight, veto FROM weighed ANTI JOIN sealed_pair USING (l, r)
        WHERE weight >= {keep} OR veto IN ({shown}) OR rules & {MERGE_BIT | DECISION_BIT} > 0
        """
    )
    return Weighed(
        *con.execute(
            f"""
            SELECT (SELECT count(*) FROM scored), count(*), count(*) FILTER (weight >= {review}),
                   count(*) FILTER (rules & {MERGE_BIT} > 0)
            FROM sealed_pair
            """
        ).fetchall()[0]
    )


def find_sealed(con: duckdb.DuckDBPyConnection) -> None:
    """Find the sealed records, as temporary table `sealed_now(record, seal)`.

    They are those that their source calls sealed, those of the same system with the same identifier, and those whose
    child was sealed before: what was sealed once stays apart, even if its source no longer says so. A seal is a system
    and an identifier; a record without identifier has one of its own.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE sealed_now AS
        WITH sealable AS (
            SELECT r.record, r.is_sealed OR coalesce(c.is_sealed, false) AS is_sealed,
                   CASE WHEN r.nhs_current IS NOT NULL THEN hash(r.system, 'nhs', r.nhs_current)
                        WHEN r.upn IS NOT NULL THEN hash(r.system, 'upn', r.upn) ELSE hash(r.record) END AS seal
            FROM record r LEFT JOIN membership m ON m.record = r.record AND m.valid_to_run IS NULL
            LEFT JOIN child c ON c.child_id = m.child_id
            WHERE r.is_present
        )
        SELECT record, seal FROM sealable WHERE seal IN (SELECT seal FROM sealable WHERE is_sealed)
        """
    )
