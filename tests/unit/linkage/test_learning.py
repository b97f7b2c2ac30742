"""What the classifier learns, and when the declared weights stand instead."""

import numpy as np
import pytest

from linkage.classify import declared_weights, learn_weights, probability, score
from linkage.comparison import MISSING
from linkage.model import COMPARISONS, FIELDS, LEARNING


def made_levels(pairs: int, share: float, seed: int = 1, *, flip: bool = False) -> np.ndarray:
    """Levels of pairs of which a share is true, drawn from the declared m and u."""
    rng = np.random.default_rng(seed)
    is_true = rng.random(pairs) < share
    levels = np.full((pairs, len(COMPARISONS)), MISSING, dtype=np.int8)
    for column, comparison in enumerate(COMPARISONS):
        if comparison.is_learnt:
            m, u = ([getattr(level, name) for level in comparison.levels] for name in "mu")
            m, u = (u, m) if flip else (m, u)
            places = range(len(comparison.levels))
            levels[:, column] = np.where(is_true, rng.choice(places, pairs, p=m), rng.choice(places, pairs, p=u))
    return levels


def test_with_enough_pairs_the_share_of_true_pairs_is_learnt():
    weights = learn_weights(made_levels(20_000, 0.6), LEARNING)
    assert weights.source == "learnt"
    assert weights.prior == pytest.approx(0.6, abs=0.1)
    assert weights.bits("forename")[0] > 0 > weights.bits("forename")[-2]


def test_with_few_pairs_the_declared_weights_stand_with_the_reason():
    weights = learn_weights(made_levels(50, 0.5), LEARNING)
    assert weights.source == "declared: fewer than 1000 complete pairs"
    assert weights.m == declared_weights(LEARNING, "").m


def test_without_pairs_nothing_is_learnt():
    assert learn_weights(made_levels(0, 0.5), LEARNING).source.startswith("declared")


def test_pairs_that_all_agree_give_declared_weights():
    levels = made_levels(5_000, 0.5)
    levels[levels != MISSING] = 0
    assert learn_weights(levels, LEARNING).source.startswith("declared")


def test_a_result_that_says_all_pairs_are_false_is_refused():
    assert learn_weights(made_levels(20_000, 0.0), LEARNING).source.startswith("declared")


def test_missing_fields_are_not_learnt_from_and_are_worth_nothing():
    levels = made_levels(5_000, 0.5)
    levels[:, 3:] = MISSING
    weights = learn_weights(levels, LEARNING)
    assert weights.source == "learnt"
    assert weights.m["place"] == declared_weights(LEARNING, "").m["place"]
    weights = declared_weights(LEARNING, "")
    nothing = np.full((1, len(COMPARISONS)), MISSING, dtype=np.int8)
    bits = score(nothing, weights, np.zeros(1))
    assert probability(bits)[0] == pytest.approx(LEARNING.prior, abs=1e-6)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_no_learnt_weight_leaves_the_neighbourhood_of_the_declared_one(share):
    weights, declared = learn_weights(made_levels(8_000, share, seed=3), LEARNING), declared_weights(LEARNING, "")
    for field in FIELDS:
        moved = np.abs(weights.bits(field) - declared.bits(field))
        assert moved.max() <= LEARNING.max_shift_bits + 1e-9


def test_learning_twice_gives_the_same_weights():
    levels = made_levels(5_000, 0.4)
    assert learn_weights(levels, LEARNING) == learn_weights(levels.copy(), LEARNING)


def test_a_probability_never_reaches_certainty():
    assert probability(np.array([-500.0, 500.0])).tolist() == [1e-9, 1 - 1e-9]
