"""Compares candidate pairs: which level each field reached, as one number a pair.

Put here: the pattern of a pair and how to read one. Keep out: what a pattern is worth (weights.py) and what follows
from it (rules.py).

A pattern is a mixed-radix integer with one digit a comparison: 0 for missing, then the levels, best first. The first
level of a name is told apart by the rarity of the name, in octaves. Patterns are few and pairs are many, so weights
and rules are worked out once a pattern and joined.
"""

import re
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np

from linkage.model import COMPARISONS, MAX_OCTAVE, Comparison

OCTAVES: Final = MAX_OCTAVE + 1
DECLARED_OCTAVE: Final = {"forename": 5, "surname": 3}
"""Rarity of a name as long as the region's own frequencies are not known."""


def _is_frequency_level(comparison: Comparison, name: str) -> bool:
    return comparison.frequency_of is not None and name == "exact"


def _digits(comparison: Comparison) -> tuple[str, ...]:
    """The outcomes of a comparison in the order of their digit."""
    names = ["missing"]
    for name in comparison.names:
        names += [f"{name}_{octave}" for octave in range(OCTAVES)] if _is_frequency_level(comparison, name) else [name]
    return tuple(names)


DIGITS: Final = {comparison.field: _digits(comparison) for comparison in COMPARISONS}
PLACES: Final = dict(
    zip(DIGITS, np.cumprod([1, *(len(names) for names in DIGITS.values())])[:-1].tolist(), strict=True)
)


def pattern_sql() -> str:
    """SQL for the pattern of a pair whose columns are named `<column>_l` and `<column>_r`."""
    return "\n + ".join(f"{PLACES[c.field]} * {_digit_sql(c)}" for c in COMPARISONS)


def _digit_sql(comparison: Comparison) -> str:
    whens, digit = [], 1
    for level in comparison.levels:
        if _is_frequency_level(comparison, level.name):
            rarity = f"coalesce({comparison.frequency_of}_octave_l, {DECLARED_OCTAVE[comparison.field]})"
            whens.append(f"WHEN {level.condition} THEN {digit} + {rarity}")
            digit += OCTAVES
        elif level.condition:
            whens.append(f"WHEN {level.condition} THEN {digit}")
            digit += 1
    return f"CASE WHEN {comparison.missing} THEN 0 {' '.join(whens)} ELSE {digit} END::BIGINT"


def columns_of_pairs() -> list[str]:
    """The features that any comparison speaks of."""
    text = " ".join([c.missing + " " + " ".join(level.condition for level in c.levels) for c in COMPARISONS])
    names = {name[:-2] for name in re.findall(r"[a-z_]+_[lr]\b", text)}
    return sorted(names | {f"{c.frequency_of}_octave" for c in COMPARISONS if c.frequency_of})


@dataclass(frozen=True)
class Levels:
    """The digits of many patterns; one row a pattern, one column a comparison."""

    digits: np.ndarray

    def of(self, field: str) -> np.ndarray:
        """Digits of one comparison; 0 is missing."""
        return self.digits[:, list(DIGITS).index(field)]

    def known(self, field: str) -> np.ndarray:
        """Where the field could be compared."""
        return self.of(field) > 0

    def reached(self, field: str, *names: str) -> np.ndarray:
        """Where one of the named levels was reached, whatever the rarity."""
        wanted = [
            digit
            for digit, name in enumerate(DIGITS[field])
            if name in names or (name.rpartition("_")[2].isdigit() and name.rpartition("_")[0] in names)
        ]
        return np.isin(self.of(field), wanted)


def read_patterns(patterns: np.ndarray) -> Levels:
    """Take patterns apart into levels."""
    digits = np.empty((len(patterns), len(DIGITS)), dtype=np.int16)
    for column, (field, names) in enumerate(DIGITS.items()):
        digits[:, column] = patterns // PLACES[field] % len(names)
    return Levels(digits)


def score_candidates(con: duckdb.DuckDBPyConnection) -> None:
    """Work out the pattern of every candidate, as temporary table `scored(l, r, rules, source_pair, pattern)`.

    `source_pair` is the two systems' agencies, in alphabetical order, or one agency and `same system`.
    """
    columns = columns_of_pairs()
    gathered = ", ".join(f"a.{name} AS {name}_l, b.{name} AS {name}_r" for name in columns)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE scored AS
        SELECT l, r, rules, source_pair, {pattern_sql()} AS pattern FROM (
            SELECT c.l, c.r, c.rules,
                   CASE WHEN a.system = b.system THEN a.agency || '=' || b.agency
                        WHEN a.agency < b.agency THEN a.agency || '-' || b.agency
                        ELSE b.agency || '-' || a.agency END AS source_pair,
                   {gathered}
            FROM candidate c JOIN record a ON a.record = c.l JOIN record b ON b.record = c.r
        )
        """
    )
