"""The way from persons to children: read, block, compare, learn, score, veto, cluster, write.

Put here: the order of the steps and what passes between them. Keep out: how any step works.
"""

import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from linkage import outputs
from linkage.blocking import Candidates, find_candidates
from linkage.classify import Weights, learn_weights, probability, score
from linkage.cluster import Clusters, Constraints, Link, solve
from linkage.comparison import compare
from linkage.model import (
    BLOCKING_RULES,
    CLUSTER_VETO,
    COMPARISONS,
    FIELDS,
    LEARNING,
    LIMITS,
    MODEL_NAME,
    MODEL_VERSION,
    VETOES,
    LinkageConfig,
)
from linkage.persons import Persons, load_persons, open_persons
from linkage.summary import Counts, LinkageSummary
from linkage.vetoes import NO_VETO, find_ambiguous, find_vetoes, seal_groups, veto_code

_FIELD_COLUMN = {comparison.field: column for column, comparison in enumerate(COMPARISONS)}
_VETO_NAMES = np.array([*(veto.name for veto in VETOES), CLUSTER_VETO, None], dtype=object)
_CLUSTER_VETO_CODE = len(VETOES)


@dataclass
class _Scored:
    """Candidate pairs with what is known about each. Arrays of one entry a pair."""

    left: np.ndarray
    right: np.ndarray
    levels: np.ndarray
    veto: np.ndarray
    bits: np.ndarray
    probability: np.ndarray
    is_merge: np.ndarray
    is_link: np.ndarray

    def is_identified(self) -> np.ndarray:
        """Pairs with an identifier in common."""
        nhs, upn = (
            self.levels[:, _FIELD_COLUMN[field]] == FIELDS[field].names.index("same") for field in ("nhs_number", "upn")
        )
        return nhs | upn


@dataclass(frozen=True)
class _Solution:
    """The links that were offered to the clusters, and the clusters."""

    chosen: np.ndarray
    """Number of the pair of each link."""
    links: list[Link]
    clusters: Clusters


def link(persons: Path, out: Path, *, as_of: date, config: LinkageConfig) -> LinkageSummary:
    """Link standardised persons into children.

    Args:
        persons: Parquet with the columns of model.REQUIRED_COLUMNS, one row a source record.
        out: folder that receives pairs.parquet, clusters.parquet and summary.json.
        as_of: the date the result speaks for; written as linked_on.
        config: thresholds and limits.

    Returns:
        The counts that summary.json holds.
    """
    spill = out / "spill"
    con = open_persons(persons, config.memory_limit, spill)
    try:
        people = load_persons(con, LIMITS)
        candidates = find_candidates(con, BLOCKING_RULES, config.max_block_size)
        levels, veto = _compare_in_chunks(people, candidates, config.chunk_pairs)
        weights = learn_weights(levels[veto == NO_VETO], LEARNING)
        scored = _score(people, candidates, levels, veto, weights, config)
        solution = _cluster(people, scored)
        rows = _cluster_rows(people, scored, solution)
        decided = _decide(scored, solution.clusters.root, config)
        methods = rows["link_method"].value_counts().sort_index()
        summary = LinkageSummary(
            **vars(_count(people, candidates, scored, decided, solution)),
            as_of=as_of,
            link_threshold=config.link,
            review_threshold=config.review,
            model_name=MODEL_NAME,
            model_version=MODEL_VERSION,
            weights_source=weights.source,
            pairs_learnt_from=weights.pairs_learnt_from,
            prior=round(weights.prior, 6),
            bits=_bits(weights),
            records_by_method={str(name): int(count) for name, count in methods.items()},
            vetoes=_count_vetoes(decided, config),
            blocking=candidates.counts,
        )
        stored = decided["is_stored"].to_numpy()
        pairs = decided.loc[stored].drop(columns="is_stored").assign(found_by=candidates.found_by[stored])
        outputs.write(con, out, pairs, levels[stored], rows, candidates.rule_names, summary)
    finally:
        con.close()
        shutil.rmtree(spill, ignore_errors=True)
    return summary


def _compare_in_chunks(people: Persons, candidates: Candidates, chunk: int) -> tuple[np.ndarray, np.ndarray]:
    """Levels and vetoes of all pairs, a chunk at a time; what is kept of a pair is a dozen bytes."""
    levels = np.empty((len(candidates), len(COMPARISONS)), dtype=np.int8)
    veto = np.empty(len(candidates), dtype=np.int8)
    for start in range(0, len(candidates), chunk):
        part = slice(start, start + chunk)
        lefts, rights = candidates.left[part], candidates.right[part]
        found = compare(people, lefts, rights, LIMITS)
        levels[part] = found.matrix
        veto[part] = find_vetoes(people, lefts, rights, found, LIMITS)
    return levels, veto


def _score(
    people: Persons,
    candidates: Candidates,
    levels: np.ndarray,
    veto: np.ndarray,
    weights: Weights,
    config: LinkageConfig,
) -> _Scored:
    lefts, rights = candidates.left, candidates.right
    is_merge = candidates.found_by >> np.uint64(len(candidates.rule_names) - 1) > 0
    extra = np.where((people.system[lefts] == people.system[rights]) & ~is_merge, LIMITS.same_system_bits, 0.0)
    bits = score(levels, weights, extra)
    scored = _Scored(lefts, rights, levels, veto, bits, probability(bits), is_merge, np.zeros(len(lefts), dtype=bool))
    scored.is_link = (scored.probability >= config.link) & (veto == NO_VETO)
    apart = _apart(scored)
    ambiguous = find_ambiguous(people, lefts, rights, scored.is_link, scored.is_identified() | is_merge, apart)
    scored.veto[ambiguous] = veto_code("ambiguous")
    scored.is_link &= ~ambiguous
    return scored


def _apart(scored: _Scored) -> frozenset[tuple[int, int]]:
    """Pairs that may not meet through others. A source's own merge outweighs likeness, but no seal or NHS number."""
    keeps = np.array([*(veto.keeps_apart for veto in VETOES), False])[scored.veto]
    by_group = np.isin(scored.veto, [veto_code("sealed"), veto_code("nhs_number_differs")])
    pairs = np.flatnonzero(keeps & ~by_group & ~scored.is_merge)
    return frozenset(zip(scored.left[pairs].tolist(), scored.right[pairs].tolist(), strict=True))


def _cluster(people: Persons, scored: _Scored) -> _Solution:
    chosen = np.flatnonzero(scored.is_link | scored.is_merge)
    columns = (scored.left, scored.right, scored.bits, scored.is_merge)
    links = [Link(*values) for values in zip(*(column[chosen].tolist() for column in columns), strict=True)]
    constraints = Constraints(
        people.nhs_number.tolist(), people.is_sealed.tolist(), seal_groups(people).tolist(), _apart(scored)
    )
    return _Solution(chosen, links, solve(len(people), links, constraints))


def _cluster_rows(people: Persons, scored: _Scored, solution: _Solution) -> pd.DataFrame:
    """One row a record: its child, and the weakest of the links that hold it there."""
    root = solution.clusters.root
    identified = scored.is_identified()[solution.chosen]
    confidence = np.ones(len(people))
    method = np.full(len(people), "singleton", dtype=object)
    for number in solution.clusters.used:
        one = solution.links[number]
        kind = "merge" if one.is_merge else "identifier" if identified[number] else "probabilistic"
        held = 1.0 if one.is_merge else float(scored.probability[solution.chosen[number]])
        for record in (one.left, one.right):
            if method[record] == "singleton" or held < confidence[record]:
                confidence[record], method[record] = held, kind
    _, group, sizes = np.unique(root, return_inverse=True, return_counts=True)
    ids = {first: outputs.child_id(people.keys[first]) for first in np.unique(root)}
    return pd.DataFrame(
        {
            "record": np.arange(len(people)),
            "child_id": pd.Series([ids[first] for first in root], dtype="string"),
            "cluster_size": sizes[group] if len(people) else np.array([], dtype=np.int64),
            "link_confidence": confidence,
            "link_method": pd.Series(method, dtype="string"),
        }
    )


def _decide(scored: _Scored, root: np.ndarray, config: LinkageConfig) -> pd.DataFrame:
    """The decision of every pair, in agreement with the clusters."""
    same_child = root[scored.left] == root[scored.right]
    veto = scored.veto.copy()
    wanted = scored.is_link | scored.is_merge
    veto[wanted & ~same_child & (veto == NO_VETO)] = _CLUSTER_VETO_CODE
    linked = wanted & same_child
    veto[linked] = NO_VETO
    shown = np.array([*(one.always_review for one in VETOES), False, False])[veto]
    review = ~linked & ((scored.probability >= config.review) | scored.is_merge | shown)
    decision = np.where(linked, "link", np.where(review, "review", "no_link"))
    is_withheld = veto == veto_code("sealed")
    is_stored = ~is_withheld & ((scored.probability >= config.keep) | linked | review)
    return pd.DataFrame(
        {
            "l": scored.left,
            "r": scored.right,
            "probability": scored.probability,
            "decision": decision.astype(object),
            "veto": _VETO_NAMES[veto],
            "is_stored": is_stored,
        }
    )


def _bits(weights: Weights) -> dict[str, dict[str, float]]:
    return {
        c.field: {name: round(float(value), 3) for name, value in zip(c.names, weights.bits(c.field), strict=False)}
        for c in COMPARISONS
    }


def _count(
    people: Persons, candidates: Candidates, scored: _Scored, decided: pd.DataFrame, solution: _Solution
) -> Counts:
    root = solution.clusters.root
    withheld = decided["veto"] == "sealed"
    review = (decided["decision"] == "review") & ~withheld
    sizes = np.unique(root, return_counts=True)[1]
    return Counts(
        records=len(people),
        pairs_compared=len(candidates),
        pairs_kept=int(decided["is_stored"].sum()),
        pairs_withheld=int(withheld.sum()),
        links=int((decided["decision"] == "link").sum()),
        review=int(review.sum()),
        review_open=int((review & (root[scored.left] != root[scored.right])).sum()),
        merges=int(scored.is_merge.sum()),
        merges_refused=sum(solution.links[number].is_merge for number in solution.clusters.refused),
        merges_unresolved=people.merges_unresolved,
        children=len(sizes),
        singletons=int((sizes == 1).sum()),
        largest_cluster=int(sizes.max(initial=0)),
    )


def _count_vetoes(decided: pd.DataFrame, config: LinkageConfig) -> dict[str, int]:
    """Pairs for review, and the probable ones that are withheld, by the veto that keeps them from being linked."""
    counts = (decided["decision"] == "review") & decided["veto"].notna()
    counts |= (decided["veto"] == "sealed") & (decided["probability"] >= config.review)
    counted = Counter(decided.loc[counts, "veto"])
    return {name: counted[name] for name in _VETO_NAMES[:-1]}
