"""Silver calibration: joint weights learnt from the pairs that an NHS number or a UPN already decides.

Put here: silver labels, the fit, and the share of true pairs by source pair. Keep out: Fellegi-Sunter training
(training.py) and the arithmetic of weights (weights.py).

Fellegi-Sunter takes fields for independent. Twins share surname, birth date, house, parents and telephone, so their
agreement is worth far less than the sum. The labelled pairs show by how much: the corrections are the coefficients of
a logistic regression whose offset is the Fellegi-Sunter weight and whose ridge pulls them to nought, so that few
labels leave Fellegi-Sunter as it is.
"""

from dataclasses import dataclass, replace
from typing import Final

import duckdb
import numpy as np
from scipy import optimize, special
from threadpoolctl import threadpool_limits

from linkage.scoring import DIGITS, read_patterns
from linkage.weights import EVIDENCE, IDENTIFIERS, MAX_OFFSET_BITS, Model, design, logit, probability, weigh

RIDGE: Final = 3.0
"""Strength of the pull towards Fellegi-Sunter, in nats squared."""
MAX_ROUNDS: Final = 200
PRIOR_ROUNDS: Final = 30
PRIOR_PAIRS: Final = 100
"""Pairs that the labelled share counts for, so that two sources with few candidates learn nothing wild."""

DEMOGRAPHIC: Final = int(np.prod([len(DIGITS[name]) for name in EVIDENCE], dtype=np.int64))
"""Patterns modulo this are patterns without identifiers, whose digits come last."""


@dataclass(frozen=True)
class Labels:
    """Labelled pairs by pattern without identifiers."""

    pattern: np.ndarray
    matches: np.ndarray
    others: np.ndarray

    @property
    def count(self) -> int:
        """Labelled pairs."""
        return int(self.matches.sum() + self.others.sum())


def label(con: duckdb.DuckDBPyConnection, pairs: str = "scored") -> None:
    """Label pairs by identifiers, as temporary table `silver`: the columns of `pairs` and `is_match`.

    Records that hold both numbers make a crosswalk from one to the other; a number with two partners is left out of
    it, because one of the two is an error. A pair is a match if its NHS numbers or its UPNs agree, another child if
    one of them differs, and unlabelled if one agrees and the other differs (reference: design of the crosswalk in
    docs/linkage.md).
    """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE crosswalk AS
        SELECT nhs_number, upn FROM (
            SELECT nhs_number, upn, count(*) OVER (PARTITION BY nhs_number) AS upns,
                   count(*) OVER (PARTITION BY upn) AS nhs_numbers
            FROM (
                SELECT DISTINCT nhs_current AS nhs_number, upn FROM record
                WHERE nhs_current IS NOT NULL AND upn IS NOT NULL
            )
        ) WHERE upns = 1 AND nhs_numbers = 1;
        CREATE OR REPLACE TEMP TABLE identified AS
        SELECT r.record, hash(coalesce(r.nhs_current, a.nhs_number)) AS nhs, hash(coalesce(r.upn, b.upn)) AS upn,
               coalesce(r.nhs_current, a.nhs_number) IS NOT NULL AS has_nhs,
               coalesce(r.upn, b.upn) IS NOT NULL AS has_upn
        FROM record r
        LEFT JOIN crosswalk a ON a.upn = r.upn
        LEFT JOIN crosswalk b ON b.nhs_number = r.nhs_current
        WHERE NOT r.is_sealed AND (r.nhs_current IS NOT NULL OR r.upn IS NOT NULL);
        CREATE OR REPLACE TEMP TABLE silver AS
        SELECT * EXCLUDE (nhs_known, nhs_same, upn_known, upn_same),
               (nhs_known AND nhs_same) OR (upn_known AND upn_same) AS is_match FROM (
            SELECT s.*, a.has_nhs AND b.has_nhs AS nhs_known, a.nhs = b.nhs AS nhs_same,
                   a.has_upn AND b.has_upn AS upn_known, a.upn = b.upn AS upn_same
            FROM {pairs} s JOIN identified a ON a.record = s.l JOIN identified b ON b.record = s.r
        )
        WHERE (nhs_known OR upn_known) AND NOT (nhs_known AND upn_known AND nhs_same <> upn_same)
        """
    )


def count_labels(con: duckdb.DuckDBPyConnection) -> Labels:
    """The temporary table `silver` by pattern without identifiers, in the order of the patterns."""
    found = con.execute(
        f"""
        SELECT pattern % {DEMOGRAPHIC} AS pattern, count(*) FILTER (is_match) AS matches,
               count(*) FILTER (NOT is_match) AS others
        FROM silver GROUP BY 1 ORDER BY 1
        """
    ).fetchnumpy()
    return Labels(
        np.asarray(found["pattern"], dtype=np.int64), np.asarray(found["matches"]), np.asarray(found["others"])
    )


def calibrate(model: Model, labels: Labels) -> Model:
    """Learn the corrections of a model from labels; without matches and others the model stays as it is."""
    if not labels.matches.sum() or not labels.others.sum():
        return model
    share = float(labels.matches.sum() / labels.count)
    offset = np.clip(
        weigh(replace(model, coefficients={}), labels.pattern).fellegi_sunter, -MAX_OFFSET_BITS, MAX_OFFSET_BITS
    )
    matrix, names = design(read_patterns(labels.pattern))
    used = np.flatnonzero(np.asarray(matrix.sum(axis=0)).ravel() > 0)
    matrix = matrix[:, used]
    offset_nats, weights = offset * np.log(2), labels.matches + labels.others

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        z = offset_nats + values[0] + matrix @ values[1:]
        error = weights * special.expit(z) - labels.matches
        total = weights @ np.logaddexp(0, z) - labels.matches @ z + RIDGE / 2 * values[1:] @ values[1:]
        return total, np.concatenate([[error.sum()], matrix.T @ error + RIDGE * values[1:]])

    with threadpool_limits(1):  # the vectors are short; waiting for threads costs more than they gain
        found = optimize.minimize(
            loss, np.zeros(len(used) + 1), jac=True, method="L-BFGS-B", options={"maxiter": MAX_ROUNDS, "ftol": 1e-8}
        )
    fitted = found.x / np.log(2)
    return replace(
        model,
        labels=labels.count,
        labelled_share=share,
        intercept=round(float(fitted[0]), 6),
        coefficients={names[column]: round(float(value), 6) for column, value in zip(used, fitted[1:], strict=True)},
    )


def learn_source_priors(model: Model, pattern: np.ndarray, source: np.ndarray, count: np.ndarray) -> dict[str, float]:
    """Share of true pairs among the candidates of every two sources.

    Labelled pairs come from sources that hold identifiers; the share among, say, police and education is another one.
    It is found by expectation maximisation with the evidence held fixed (Saerens, Latinne and Decaestecker 2002).

    Args:
        model: with silver weights.
        pattern: of candidate pairs, one entry a pattern and source pair.
        source: names of the source pairs.
        count: candidates.
    """
    distinct, back = np.unique(pattern, return_inverse=True)
    parts = weigh(model, distinct)
    evidence = (parts.silver + parts.identifiers)[back]
    names, place = np.unique(source.astype(str), return_inverse=True)
    totals = np.bincount(place, weights=count)
    share = np.full(len(names), model.labelled_share)
    for _ in range(PRIOR_ROUNDS):
        expected = np.bincount(place, weights=count * probability(evidence + logit(share)[place]))
        share = (expected + PRIOR_PAIRS * model.labelled_share) / (totals + PRIOR_PAIRS)
    return {str(name): round(float(value), 6) for name, value in zip(names, share, strict=True)}


__all__ = ["IDENTIFIERS", "Labels", "calibrate", "count_labels", "label", "learn_source_priors"]
