"""How alike two people's names are: best over every name each record holds.

Put here: name variants and similarity of names. Keep out: levels, weights and everything that is not a
name.

Names are compared once per distinct pair of values, not once per candidate pair: a region has few names and
many pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import pandas as pd
from recordlinkage.algorithms.string import jarowinkler_similarity
from recordlinkage.preprocessing import phonetic

from linkage.model import Limits

VARIANT_SIMILARITY = 0.97
"""What a known variant or a short form counts as on the Jaro-Winkler scale: a slip at least, never equal."""


@cache
def variant_groups() -> dict[str, frozenset[str]]:
    """Groups of every forename in variants.csv; two forenames that share a group are variants of each other."""
    groups: dict[str, set[str]] = {}
    lines = resources.files("linkage").joinpath("variants.csv").read_text(encoding="utf-8").splitlines()[1:]
    for line in lines:
        group, names, _note = line.split(",")
        for name in names.split():
            groups.setdefault(name, set()).add(group)
    return {name: frozenset(found) for name, found in groups.items()}


def sounds(values: Sequence[str]) -> list[str | None]:
    """Soundex of each name; None where there is none, as for a name without letters."""
    coded = phonetic(pd.Series(list(values), dtype=object), "soundex")
    return [code if isinstance(code, str) and code and code[0].isalpha() else None for code in coded]


@dataclass(frozen=True)
class NameIndex:
    """The names of every record as codes: the first one by itself, and all of them as one ragged array."""

    values: np.ndarray
    """Distinct names (text) by code."""
    primary: np.ndarray
    """Code of each record's current name, -1 where it has none."""
    starts: np.ndarray
    """Where each record's names begin in `all_codes`; one entry more than records."""
    all_codes: np.ndarray
    is_rare: np.ndarray
    """By code: borne by few records."""

    @classmethod
    def build(
        cls, records: int, owner: np.ndarray, names: np.ndarray, is_primary: np.ndarray, rare_share: float
    ) -> "NameIndex":
        """Index names given in long form (record position, name, whether it is the current one)."""
        codes, values = pd.factorize(pd.Series(names, dtype=object), sort=True)
        primary = np.full(records, -1, dtype=np.int64)
        primary[owner[is_primary]] = codes[is_primary]
        long = pd.DataFrame({"owner": owner, "code": codes}).drop_duplicates().sort_values(["owner", "code"])
        starts = np.concatenate([[0], np.cumsum(np.bincount(long["owner"].to_numpy(), minlength=records))])
        borne = np.bincount(primary[primary >= 0], minlength=len(values))
        return cls(
            values=np.asarray(values, dtype=object),
            primary=primary,
            starts=starts.astype(np.int64),
            all_codes=long["code"].to_numpy(dtype=np.int64),
            is_rare=borne <= rare_share * max(records, 1),
        )

    def has_name(self) -> np.ndarray:
        """Which records hold any name."""
        return np.diff(self.starts) > 0


@dataclass(frozen=True)
class NameAgreement:
    """What comparing the names of pairs found, one entry a pair."""

    is_known: np.ndarray
    """Both records hold a name."""
    is_equal: np.ndarray
    """The current names are equal."""
    is_rare: np.ndarray
    """... and few people bear it."""
    is_alias: np.ndarray
    """Any name of one equals any name of the other."""
    similarity: np.ndarray
    """The best Jaro-Winkler similarity, with known variants and short forms lifted to VARIANT_SIMILARITY."""


def compare_names(
    left: NameIndex, right: NameIndex, lefts: np.ndarray, rights: np.ndarray, limits: Limits, *, with_variants: bool
) -> NameAgreement:
    """Compare the names of pairs of records. Both indexes may be the same; they differ for swapped names."""
    known = left.has_name()[lefts] & right.has_name()[rights]
    if left is right:
        equal = known & (left.primary[lefts] == right.primary[rights]) & (left.primary[lefts] >= 0)
        rare = equal & left.is_rare[np.maximum(left.primary[lefts], 0)] if len(left.values) else equal
    else:
        equal = np.zeros(len(lefts), dtype=bool)
        rare = equal
    similarity = np.where(equal, 1.0, 0.0)
    alias = equal.copy()
    todo = np.flatnonzero(known & ~equal)
    if len(todo):
        owner, code_l, code_r = _cross(left, right, lefts[todo], rights[todo])
        scores = _similarity_of_codes(left, right, code_l, code_r, limits, with_variants=with_variants)
        best = np.zeros(len(todo))
        np.maximum.at(best, owner, scores)
        similarity[todo] = best
        alias[todo] = best >= 1.0
    return NameAgreement(known, equal, rare, alias, similarity)


def _cross(
    left: NameIndex, right: NameIndex, lefts: np.ndarray, rights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every name of one record against every name of the other, for pairs of records."""
    count_l = left.starts[lefts + 1] - left.starts[lefts]
    count_r = right.starts[rights + 1] - right.starts[rights]
    sizes = count_l * count_r
    owner = np.repeat(np.arange(len(lefts)), sizes)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    width = count_r[owner]
    code_l = left.all_codes[left.starts[lefts][owner] + within // width]
    code_r = right.all_codes[right.starts[rights][owner] + within % width]
    return owner, code_l, code_r


def _similarity_of_codes(
    left: NameIndex, right: NameIndex, code_l: np.ndarray, code_r: np.ndarray, limits: Limits, *, with_variants: bool
) -> np.ndarray:
    packed = code_l * max(len(right.values), 1) + code_r
    distinct, back = np.unique(packed, return_inverse=True)
    names_l = left.values[distinct // max(len(right.values), 1)]
    names_r = right.values[distinct % max(len(right.values), 1)]
    scores = jarowinkler_similarity(names_l, names_r).to_numpy(dtype=float)
    if with_variants:
        variant = np.fromiter(
            (_is_variant(a, b, limits.prefix_letters) for a, b in zip(names_l, names_r, strict=True)),
            bool,
            len(distinct),
        )
        scores = np.where(variant & (scores < 1.0), np.maximum(scores, VARIANT_SIMILARITY), scores)
    return scores[back]


def _is_variant(one: str, other: str, prefix_letters: int) -> bool:
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    if len(short) >= prefix_letters and long.startswith(short):
        return True
    groups = variant_groups()
    return not groups.get(one, frozenset()).isdisjoint(groups.get(other, frozenset()))


def shares_value(index: NameIndex, lefts: np.ndarray, rights: np.ndarray) -> np.ndarray:
    """Which pairs have any value in common, current or former."""
    owner, code_l, code_r = _cross(index, index, lefts, rights)
    shared = np.zeros(len(lefts), dtype=bool)
    shared[owner[code_l == code_r]] = True
    return shared
