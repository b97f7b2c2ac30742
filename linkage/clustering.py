"""Groups records into children: connected components, and average linkage where a component is in doubt.

Put here: the partition of records for given pairs, and the check of its result. Keep out: what a pair is worth
(weights.py), which records to look at again (linker.py), ids (ledger.py), and files.

Plain connected components join two children through one wrong pair. So a component is taken apart again when
anything in it speaks against one child: two NHS numbers, two UPNs, a pair that is kept apart, or two records whose
pair is no link. Inside, groups grow by greatest average linkage; low pairs count as evidence against. The result
depends on the pairs alone, never on the order of the input.
"""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from linkage.errors import ClusterInvariantError
from linkage.rules import ALWAYS_REVIEW, KEEPS_APART

MAX_BITS: Final = 6.0
"""No pair may outvote all others."""
UPN_BITS: Final = -4.0
"""Added where both UPNs are known and differ: strong, but one number in a hundred is issued again."""
UNSCORED_BITS: Final = -2.0
"""For two records that were never compared, or whose pair was too weak to keep."""
APART_BITS: Final = -6.0
"""For a pair that a veto keeps apart."""
STAY_BITS: Final = 2.0
"""Added inside a child that has an id: its best split must fall under p = 0.2."""
MERGE_BITS: Final = 4.0
"""Average that makes one child of two that have ids already."""


@dataclass(frozen=True)
class Records:
    """The records to group. Arrays of one entry a record, in the order of the record keys; codes are -1 for none."""

    nhs_number: np.ndarray
    upn: np.ndarray
    is_sealed: np.ndarray
    seal_group: np.ndarray
    """A child with a sealed record holds one seal group only: one system and one identifier."""
    child: np.ndarray
    """Code of the child that the record belongs to now."""
    is_incomplete: np.ndarray
    """Records that name nobody yet: no forename, or no birth date."""

    def __len__(self) -> int:
        """The number of records."""
        return len(self.nhs_number)


@dataclass(frozen=True)
class Pairs:
    """The stored pairs between the records. Arrays of one entry a pair."""

    left: np.ndarray
    right: np.ndarray
    weight: np.ndarray
    veto: np.ndarray
    """Codes of model.VETO_CODE."""
    is_identified: np.ndarray
    is_merge: np.ndarray
    """Declared to be one record by their source."""
    is_same: np.ndarray
    """Decided by a person to be the same child."""
    is_not_same: np.ndarray
    """Decided by a person not to be, or sealed from each other."""


@dataclass(frozen=True)
class Settings:
    """In log2 odds."""

    link: float
    unlink: float
    merge: float
    max_cluster_size: int
    has_hysteresis: bool
    review: float = 0.0
    accepts_review: bool = False
    """Pairs for review join as if a person had said yes; those that a veto keeps apart from the higher threshold on."""


@dataclass(frozen=True)
class Clusters:
    """Every record's group, named by its lowest position, and what a person should know."""

    root: np.ndarray
    suspect: int = 0
    """Components that were taken apart and solved again."""
    oversized: int = 0
    """Components over the size limit, solved with a higher threshold."""
    refused: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Positions of pairs that a source or a person wanted joined and a constraint refused."""


def solve(records: Records, pairs: Pairs, settings: Settings) -> Clusters:
    """Group the records.

    Raises:
        ClusterInvariantError: the result breaks a veto, which is a fault of the program.
    """
    count = len(records)
    records = replace(records, nhs_number=_agreed_numbers(records, pairs))
    hard = _hard(records, pairs)
    joined, refused = _contract(records, pairs, settings, hard)
    edge = _edges(records, pairs, settings, hard)
    if not settings.accepts_review:
        edge &= ~_ambiguous(records, pairs, edge)
    edge |= joined
    component = _components(count, pairs, edge)
    suspect = _suspect(records, pairs, edge, component)
    root = _lowest(component)
    oversized = 0
    members = _members(component, suspect)
    inside = _pairs_inside(component, pairs, suspect)
    for number in members:
        own = inside.get(number, np.zeros(0, dtype=np.int64))
        parts = [(members[number], own)]
        if len(members[number]) > settings.max_cluster_size:
            oversized += 1
            parts = _thin(members[number], own, pairs, edge, joined, settings)
        for nodes, numbers in parts:
            root[nodes] = _average_linkage(records, pairs, nodes, numbers, joined, settings)
    _check(records, pairs, root)
    return Clusters(root, len(members), oversized, refused)


def _agreed_numbers(records: Records, pairs: Pairs) -> np.ndarray:
    """Codes of the NHS numbers, one code for the numbers of records that a person decided to be the same child."""
    numbers = records.nhs_number
    left, right = numbers[pairs.left], numbers[pairs.right]
    same = pairs.is_same & ~pairs.is_not_same & (left >= 0) & (right >= 0) & (left != right)
    if not same.any():
        return numbers
    size = int(numbers.max()) + 1
    graph = sparse.coo_matrix((np.ones(same.sum()), (left[same], right[same])), shape=(size, size))
    return np.where(numbers >= 0, connected_components(graph, directed=False)[1][numbers], -1)


def _hard(records: Records, pairs: Pairs) -> np.ndarray:
    """Pairs that may never share a child."""
    nhs_l, nhs_r = records.nhs_number[pairs.left], records.nhs_number[pairs.right]
    sealed = records.is_sealed[pairs.left] | records.is_sealed[pairs.right]
    strangers = records.seal_group[pairs.left] != records.seal_group[pairs.right]
    return ((nhs_l >= 0) & (nhs_r >= 0) & (nhs_l != nhs_r)) | pairs.is_not_same | (sealed & strangers)


def _edges(records: Records, pairs: Pairs, settings: Settings, hard: np.ndarray) -> np.ndarray:
    edge = (pairs.weight >= settings.link) & (pairs.veto == 0)
    if settings.accepts_review:
        edge = pairs.weight >= np.where(KEEPS_APART[pairs.veto], settings.link, settings.review)
        edge &= ~ALWAYS_REVIEW[pairs.veto]
    if settings.has_hysteresis:
        child_l, child_r = records.child[pairs.left], records.child[pairs.right]
        known = (child_l >= 0) & (child_r >= 0)
        edge &= ~(known & (child_l != child_r) & (pairs.weight < settings.merge))
        edge |= known & (child_l == child_r) & (pairs.weight >= settings.unlink) & ~KEEPS_APART[pairs.veto]
    return edge & ~hard


def _ambiguous(records: Records, pairs: Pairs, edge: np.ndarray) -> np.ndarray:
    """Edges of an incomplete record that fits two records which are kept apart; an identifier settles the matter."""
    unsure = records.is_incomplete[pairs.left] | records.is_incomplete[pairs.right]
    asked = np.flatnonzero(edge & unsure & ~pairs.is_identified & ~pairs.is_merge & ~pairs.is_same)
    partners: dict[int, list[tuple[int, int]]] = {}
    for pair in asked.tolist():
        left, right = int(pairs.left[pair]), int(pairs.right[pair])
        for record, partner in ((left, right), (right, left)):
            if records.is_incomplete[record]:
                partners.setdefault(record, []).append((partner, pair))
    several = {record: found for record, found in partners.items() if len(found) > 1}
    ambiguous = np.zeros(len(edge), dtype=bool)
    if not several:
        return ambiguous
    near = np.zeros(len(records), dtype=bool)
    near[[partner for found in several.values() for partner, _ in found]] = True
    apart_pairs = np.flatnonzero(KEEPS_APART[pairs.veto] & near[pairs.left] & near[pairs.right])
    apart = set(zip(pairs.left[apart_pairs].tolist(), pairs.right[apart_pairs].tolist(), strict=True))
    numbers = records.nhs_number
    for found in several.values():
        if any(
            (min(a, b), max(a, b)) in apart or (numbers[a] >= 0 and numbers[b] >= 0 and numbers[a] != numbers[b])
            for i, (a, _) in enumerate(found)
            for b, _ in found[i + 1 :]
        ):
            ambiguous[[pair for _, pair in found]] = True
    return ambiguous


def _contract(records: Records, pairs: Pairs, settings: Settings, hard: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs that are joined before anything is weighed: a person's word first, then a source's own merges and seals.

    What a sealed record may join goes before what others may, or its partner would be taken by records that it must
    not meet.

    A person may join two NHS numbers, knowing that one was superseded (`_agreed_numbers`); a source may not. Neither
    may break a seal or another decision, even through a third record.
    """
    sealed = records.is_sealed[pairs.left] | records.is_sealed[pairs.right]
    same_seal = sealed & ~hard & (pairs.weight >= settings.link) & (pairs.veto == 0)
    wanted = np.flatnonzero(pairs.is_same | pairs.is_merge | same_seal)
    joined = np.zeros(len(pairs.left), dtype=bool)
    if not len(wanted):
        return joined, wanted
    groups = _Groups(records, pairs, wanted, hard)
    order = sorted(wanted.tolist(), key=lambda n: (not pairs.is_same[n], int(pairs.left[n]), int(pairs.right[n])))
    for number in order:
        joined[number] = groups.join(int(pairs.left[number]), int(pairs.right[number]))
    return joined, wanted[~joined[wanted]]


class _Groups:
    """Union-find over the few records that a person or a source joins."""

    def __init__(self, records: Records, pairs: Pairs, wanted: np.ndarray, hard: np.ndarray) -> None:
        self.parent = {one: one for one in {*pairs.left[wanted].tolist(), *pairs.right[wanted].tolist()}}
        self.members = {one: {one} for one in self.parent}
        self.numbers = {one: {int(records.nhs_number[one])} - {-1} for one in self.parent}
        self.sealed = {one: bool(records.is_sealed[one]) for one in self.parent}
        self.seals = {one: {int(records.seal_group[one])} for one in self.parent}
        enemies = np.flatnonzero(pairs.is_not_same & hard)
        self.enemies = set(zip(pairs.left[enemies].tolist(), pairs.right[enemies].tolist(), strict=True))

    def find(self, one: int) -> int:
        while self.parent[one] != one:
            one = self.parent[one]
        return one

    def join(self, one: int, other: int) -> bool:
        one, other = sorted((self.find(one), self.find(other)))
        if one == other:
            return True
        numbers, seals = self.numbers[one] | self.numbers[other], self.seals[one] | self.seals[other]
        sealed = self.sealed[one] or self.sealed[other]
        if len(numbers) > 1 or (sealed and len(seals) > 1):
            return False
        if any((min(a, b), max(a, b)) in self.enemies for a in self.members[one] for b in self.members[other]):
            return False
        self.parent[other] = one
        self.members[one] |= self.members.pop(other)
        self.numbers[one], self.seals[one], self.sealed[one] = numbers, seals, sealed
        return True


def _components(count: int, pairs: Pairs, edge: np.ndarray) -> np.ndarray:
    left, right = pairs.left[edge], pairs.right[edge]
    graph = sparse.coo_matrix((np.ones(len(left), dtype=np.int8), (left, right)), shape=(count, count))
    return connected_components(graph, directed=False)[1]


def _lowest(component: np.ndarray) -> np.ndarray:
    """Each record's group as the lowest position in it."""
    if not len(component):
        return np.zeros(0, dtype=np.int64)
    first = np.full(component.max() + 1, len(component), dtype=np.int64)
    np.minimum.at(first, component, np.arange(len(component)))
    return first[component]


def _suspect(records: Records, pairs: Pairs, edge: np.ndarray, component: np.ndarray) -> np.ndarray:
    """By component: whether anything in it speaks against one child."""
    if not len(component):
        return np.zeros(0, dtype=bool)
    size = np.bincount(component)
    inside = component[pairs.left] == component[pairs.right]
    good = np.bincount(component[pairs.left[edge & inside]], minlength=len(size))
    suspect = good < size * (size - 1) // 2
    for codes in (records.nhs_number, records.upn):
        suspect |= _distinct(component, codes) > 1
    apart = inside & KEEPS_APART[pairs.veto]
    suspect[component[pairs.left[apart]]] = True
    sealed = np.unique(component[records.is_sealed])
    suspect[sealed] |= (_distinct(component, records.seal_group, without_missing=False) > 1)[sealed]
    return suspect & (size > 1)


def _distinct(component: np.ndarray, codes: np.ndarray, *, without_missing: bool = True) -> np.ndarray:
    known = codes >= 0 if without_missing else np.ones(len(codes), dtype=bool)
    held = np.unique(np.stack([component[known], codes[known]], axis=1), axis=0) if known.any() else None
    found = np.zeros(0, dtype=np.int64) if held is None else held[:, 0]
    return np.bincount(found, minlength=component.max() + 1)


def _members(component: np.ndarray, suspect: np.ndarray) -> dict[int, np.ndarray]:
    nodes = np.flatnonzero(suspect[component]) if len(component) else np.zeros(0, dtype=np.int64)
    return _split(component[nodes], nodes)


def _pairs_inside(component: np.ndarray, pairs: Pairs, suspect: np.ndarray) -> dict[int, np.ndarray]:
    if not len(component):
        return {}
    own = component[pairs.left]
    numbers = np.flatnonzero((own == component[pairs.right]) & suspect[own])
    return _split(own[numbers], numbers)


def _split(by: np.ndarray, values: np.ndarray) -> dict[int, np.ndarray]:
    """The values of each group, in their order."""
    if not len(values):
        return {}
    order = np.argsort(by, kind="stable")
    groups, starts = np.unique(by[order], return_index=True)
    return dict(zip(groups.tolist(), np.split(values[order], starts[1:]), strict=True))


def _thin(
    nodes: np.ndarray, numbers: np.ndarray, pairs: Pairs, edge: np.ndarray, joined: np.ndarray, settings: Settings
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Take a component that is too large apart by asking more of its links, bit by bit."""
    place = {int(node): position for position, node in enumerate(nodes)}
    left = np.array([place[int(one)] for one in pairs.left[numbers]])
    right = np.array([place[int(one)] for one in pairs.right[numbers]])
    threshold = settings.link
    while True:
        threshold += 1.0
        kept = joined[numbers] | (edge[numbers] & (pairs.weight[numbers] >= threshold))
        graph = sparse.coo_matrix((np.ones(kept.sum()), (left[kept], right[kept])), shape=(len(nodes), len(nodes)))
        part = connected_components(graph, directed=False)[1]
        if np.bincount(part).max() <= settings.max_cluster_size or not (kept & ~joined[numbers]).any():
            same = part[left] == part[right]
            by_part = _split(part[left[same]], numbers[same])
            none = np.zeros(0, dtype=np.int64)
            return [(own, by_part.get(one, none)) for one, own in _split(part, nodes).items()]


def _average_linkage(
    records: Records, pairs: Pairs, nodes: np.ndarray, numbers: np.ndarray, joined: np.ndarray, settings: Settings
) -> np.ndarray:
    """Group the nodes of one component; gives each node's group as its lowest node."""
    size = len(nodes)
    score, never = _matrices(records, pairs, nodes, numbers, settings)
    child = [{int(one)} - {-1} for one in records.child[nodes]] if settings.has_hysteresis else [set()] * size
    weight = np.ones(size)
    group = np.arange(size)
    must = numbers[joined[numbers]]
    position = np.searchsorted(nodes, [pairs.left[must], pairs.right[must]])

    def merge(one: int, other: int) -> None:
        mixed = (weight[one] * score[one] + weight[other] * score[other]) / (weight[one] + weight[other])
        score[one], score[:, one] = mixed, mixed
        never[one] |= never[other]
        never[:, one] = never[one]
        score[other], score[:, other] = -np.inf, -np.inf
        score[one, one] = -np.inf
        weight[one] += weight[other]
        child[one] = child[one] | child[other]
        group[group == other] = one

    for left, right in zip(position[0].tolist(), position[1].tolist(), strict=True):
        one, other = sorted((int(group[left]), int(group[right])))
        if one != other:
            merge(one, other)
    while True:
        open_to = np.where(never, -np.inf, score)
        best = int(np.argmax(open_to))
        one, other = divmod(best, size)
        found = open_to[one, other]
        if not found > 0:
            return nodes[_lowest(group)]
        one, other = min(one, other), max(one, other)
        if found < MERGE_BITS and child[one] and child[other] and not child[one] & child[other]:
            never[one, other] = never[other, one] = True
            continue
        merge(one, other)


def _matrices(
    records: Records, pairs: Pairs, nodes: np.ndarray, numbers: np.ndarray, settings: Settings
) -> tuple[np.ndarray, np.ndarray]:
    """Evidence between all nodes, and which of them may never meet."""
    size = len(nodes)
    score = np.full((size, size), UNSCORED_BITS)
    left, right = np.searchsorted(nodes, pairs.left[numbers]), np.searchsorted(nodes, pairs.right[numbers])
    veto = pairs.veto[numbers]
    bits = np.clip(np.round(pairs.weight[numbers].astype(float), 3), -MAX_BITS, MAX_BITS)
    if not settings.accepts_review:
        bits = np.where(veto > 0, np.minimum(bits, 0.0), bits)
        bits = np.where(KEEPS_APART[veto], APART_BITS, bits)
    score[left, right] = score[right, left] = bits
    upn, child, nhs = records.upn[nodes], records.child[nodes], records.nhs_number[nodes]
    known = (upn >= 0)[:, None] & (upn >= 0)[None, :]
    score += UPN_BITS * (known & (upn[:, None] != upn[None, :]))
    if settings.has_hysteresis:
        score += STAY_BITS * ((child[:, None] == child[None, :]) & (child >= 0)[:, None])
    known = (nhs >= 0)[:, None] & (nhs >= 0)[None, :]
    never = known & (nhs[:, None] != nhs[None, :])
    sealed, seal = records.is_sealed[nodes], records.seal_group[nodes]
    never |= (sealed[:, None] | sealed[None, :]) & (seal[:, None] != seal[None, :])
    apart = pairs.is_not_same[numbers]
    never[left[apart], right[apart]] = never[right[apart], left[apart]] = True
    np.fill_diagonal(score, -np.inf)
    return score, never


def _check(records: Records, pairs: Pairs, root: np.ndarray) -> None:
    """Look at the finished groups once more, by other means; a breach stops the run."""
    if not len(root):
        return
    two_numbers = int((_distinct(root, records.nhs_number) > 1).sum())
    met = int((pairs.is_not_same & (root[pairs.left] == root[pairs.right])).sum())
    sealed = np.unique(root[records.is_sealed])
    strangers = int((_distinct(root, records.seal_group, without_missing=False)[sealed] > 1).sum())
    if two_numbers or met or strangers:
        message = (
            f"children with two NHS numbers: {two_numbers}, pairs kept apart that met: {met}, "
            f"strangers to a sealed record: {strangers}"
        )
        raise ClusterInvariantError(message)
