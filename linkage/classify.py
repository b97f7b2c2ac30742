"""Learns what each level is worth and gives every pair a weight and a probability.

Put here: fitting `recordlinkage`'s ECM classifier, judging its result, and scoring. Keep out: levels,
vetoes and clusters.

ECM knows yes/no features only and reads a missing value as no. So (1) it is fitted on pairs where every
learnt field is known on both sides; (2) a comparison with k levels is given to it as k-1 nested features,
"at least this good", whose learnt shares give back the share of each level; (3) scoring is ours: the weight
of a pair is the sum over its *known* comparisons of log2(m/u).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import recordlinkage
from recordlinkage.algorithms.nb_sklearn import ECM

from linkage.comparison import MISSING
from linkage.model import COMPARISONS, Comparison, Learning

_LEAST_LOG_SHARE: Final = float(np.log(1e-9))


@dataclass(frozen=True)
class Weights:
    """What the levels are worth, and where that was learnt."""

    prior: float
    m: dict[str, tuple[float, ...]]
    u: dict[str, tuple[float, ...]]
    source: str
    """`learnt`, or `declared: <reason>`."""
    pairs_learnt_from: int

    def bits(self, field: str) -> np.ndarray:
        """Weight of each level of a comparison; one more entry, nought, for MISSING (-1)."""
        weights = np.log2(np.asarray(self.m[field]) / np.asarray(self.u[field]))
        return np.append(weights, 0.0)


class _SeededECM(ECM):
    """ECM that starts from the declared shares instead of 0.9 and 0.1, so that its classes come out the right way."""

    def __init__(self, prior: float, m: np.ndarray, u: np.ndarray, learning: Learning) -> None:
        super().__init__(init="jaro", max_iter=learning.max_iterations, binarize=None, atol=learning.tolerance)
        self._start = prior, m, u

    def _joint_log_likelihood(self, X: np.ndarray) -> np.ndarray:  # noqa: N803 - the name of the overridden method's argument
        """Keep shares off nought: its logarithm times an absent feature is not a number, and one such ends the fit."""
        self.feature_log_prob_ = np.maximum(self.feature_log_prob_, _LEAST_LOG_SHARE)
        return super()._joint_log_likelihood(X)

    def _init_parameters_jaro(self, X_bin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # noqa: ARG002, N803 - as above
        prior, m, u = self._start
        shares = np.stack([np.stack([1 - u, 1 - m], axis=1), np.stack([u, m], axis=1)], axis=1).reshape(-1, 2).T
        return np.log([1 - prior, prior]), np.log(shares)


def declared_weights(learning: Learning, reason: str, pairs: int = 0) -> Weights:
    """The weights as model.py declares them."""
    return Weights(
        learning.prior,
        {comparison.field: tuple(level.m for level in comparison.levels) for comparison in COMPARISONS},
        {comparison.field: tuple(level.u for level in comparison.levels) for comparison in COMPARISONS},
        f"declared: {reason}",
        pairs,
    )


def learn_weights(levels: np.ndarray, learning: Learning) -> Weights:
    """Learn weights from the levels of candidate pairs (a column a comparison), or say why the declared ones stand."""
    known = np.mean(levels != MISSING, axis=0) if len(levels) else np.zeros(len(COMPARISONS))
    learnt = [
        (column, comparison)
        for column, comparison in enumerate(COMPARISONS)
        if comparison.is_learnt and known[column] >= learning.min_known
    ]
    if len(learnt) < learning.min_fields:
        return declared_weights(learning, f"fewer than {learning.min_fields} fields to learn from")
    complete = np.all(levels[:, [column for column, _ in learnt]] != MISSING, axis=1)
    usable = np.flatnonzero(complete)
    if len(usable) < learning.min_pairs:
        return declared_weights(learning, f"fewer than {learning.min_pairs} complete pairs", len(usable))
    step = -(-len(usable) // learning.max_pairs)
    sample = levels[usable[::step]]
    features, starts = _nested_features(sample, learnt)
    varying = np.flatnonzero((features.min(axis=0) == 0) & (features.max(axis=0) == 1))
    if len(varying) < learning.min_fields:
        return declared_weights(learning, "the pairs are all alike", len(sample))
    classifier = recordlinkage.ECMClassifier(binarize=None)
    classifier.kernel = _SeededECM(learning.prior, starts[0][varying], starts[1][varying], learning)
    with np.errstate(all="ignore"):
        classifier.fit(pd.DataFrame(features[:, varying].astype(np.float64)))
        prior = float(np.exp(classifier.kernel.class_log_prior_[1]))
        shares = np.exp(classifier.kernel.feature_log_prob_[:, 1::2])
    return _judge(prior, shares, starts, varying, learnt, len(sample), learning)


def _nested_features(levels: np.ndarray, learnt: list[tuple[int, Comparison]]) -> tuple[np.ndarray, np.ndarray]:
    """Yes/no features "at least this level" of every learnt comparison, and their declared m and u."""
    columns, m, u = [], [], []
    for column, comparison in learnt:
        for cut in range(len(comparison.levels) - 1):
            columns.append(levels[:, column] <= cut)
            m.append(sum(level.m for level in comparison.levels[: cut + 1]))
            u.append(sum(level.u for level in comparison.levels[: cut + 1]))
    return np.stack(columns, axis=1).astype(np.int8), np.array([m, u])


def _judge(
    prior: float,
    shares: np.ndarray,
    starts: np.ndarray,
    varying: np.ndarray,
    learnt: list[tuple[int, Comparison]],
    pairs: int,
    learning: Learning,
) -> Weights:
    """Turn the learnt shares into levels, held near the declared ones, or refuse the whole result."""
    if not (np.isfinite(prior) and np.all(np.isfinite(shares))):
        return declared_weights(learning, "the classifier did not converge", pairs)
    low, high = learning.prior_bounds
    if not low <= prior <= high:
        return declared_weights(learning, "the learnt share of true pairs is out of bounds", pairs)
    at_least = starts.copy()
    at_least[0, varying], at_least[1, varying] = shares[1], shares[0]
    declared = declared_weights(learning, "")
    m, u = dict(declared.m), dict(declared.u)
    first, flipped = 0, 0
    for _, comparison in learnt:
        cuts = slice(first, first + len(comparison.levels) - 1)
        first = cuts.stop
        flipped += int(at_least[0, cuts][-1] <= at_least[1, cuts][-1])
        m[comparison.field], u[comparison.field] = _near_declared(
            _levels_of(at_least[0, cuts]),
            _levels_of(at_least[1, cuts]),
            comparison,
            pairs * prior,
            pairs * (1 - prior),
            learning,
        )
    if flipped > learning.max_flipped:
        return declared_weights(learning, "agreement came out as evidence against a match", pairs)
    return Weights(prior, m, u, "learnt", pairs)


def _levels_of(at_least: np.ndarray) -> np.ndarray:
    return np.diff(np.concatenate([[0.0], np.maximum.accumulate(at_least), [1.0]]))


def _near_declared(
    m: np.ndarray, u: np.ndarray, comparison: Comparison, matches: float, others: float, learning: Learning
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Shrink learnt shares to the declared ones, which count as some pairs, and hold each weight near its own."""
    declared_m = np.array([level.m for level in comparison.levels])
    declared_u = np.array([level.u for level in comparison.levels])
    extra = learning.declared_weight
    m = (m * matches + declared_m * extra) / (matches + extra)
    u = (u * others + declared_u * extra) / (others + extra)
    bits, declared = np.log2(m / u), np.log2(declared_m / declared_u)
    held = np.clip(bits, declared - learning.max_shift_bits, declared + learning.max_shift_bits)
    return tuple((u * 2.0**held).tolist()), tuple(u.tolist())


def score(levels: np.ndarray, weights: Weights, extra_bits: np.ndarray) -> np.ndarray:
    """Weight of each pair in bits (log2 odds), rounded so that it sorts the same on every machine."""
    total = np.log2(weights.prior / (1 - weights.prior)) + extra_bits
    for column, comparison in enumerate(COMPARISONS):
        total = total + weights.bits(comparison.field)[levels[:, column]]
    return np.round(total, 6)


def probability(bits: np.ndarray) -> np.ndarray:
    """Probability of log2 odds, rounded to nine places and short of certainty."""
    return np.clip(np.round(1.0 / (1.0 + 2.0 ** -np.clip(bits, -60, 60)), 9), 1e-9, 1 - 1e-9)
