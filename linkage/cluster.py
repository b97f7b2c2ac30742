"""Groups records into children: connected components that grow strongest link first and break no veto.

Put here: the constrained union-find and the check of its result. Keep out: what a link or a veto is
(classify.py, vetoes.py), and files.

A plain connected component may join two records that must stay apart through a third. So links are taken in
order of strength, and a link is refused when the two groups it would join hold two different NHS numbers, a
pair kept apart, or a sealed record and a stranger to it. The result depends on the links alone, never on
the order of the input.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linkage.errors import ClusterInvariantError


@dataclass(frozen=True)
class Link:
    """One pair to join, by position. Merged records (`is_merge`) go before every scored link."""

    left: int
    right: int
    strength: float
    is_merge: bool = False


@dataclass(frozen=True)
class Constraints:
    """What no group may hold."""

    exclusive: Sequence[int]
    """A code a record (its NHS number); -1 for none. A group holds one code at most."""
    sealed: Sequence[bool]
    seal_group: Sequence[int]
    """A group with a sealed record holds one seal group only."""
    apart: frozenset[tuple[int, int]]
    """Pairs of positions (lower, higher) that never meet."""


@dataclass(frozen=True)
class Clusters:
    """Every record's group, named by its lowest position, and what became of the links."""

    root: np.ndarray
    used: tuple[int, ...]
    """Numbers of the links that joined two groups: a forest, strongest first."""
    refused: tuple[int, ...]
    """Numbers of the links that a constraint refused."""


def solve(records: int, links: Sequence[Link], constraints: Constraints) -> Clusters:
    """Join the links strongest first, refusing those that would break a constraint."""
    groups = _Groups(records, constraints)
    order = sorted(
        range(len(links)),
        key=lambda n: (not links[n].is_merge, -links[n].strength, *sorted((links[n].left, links[n].right))),
    )
    used, refused = [], []
    for number in order:
        one, other = groups.find(links[number].left), groups.find(links[number].right)
        if one == other:
            continue
        if groups.may_join(one, other):
            groups.join(one, other)
            used.append(number)
        else:
            refused.append(number)
    root = np.fromiter((groups.lowest[groups.find(record)] for record in range(records)), np.int64, records)
    _check(root, constraints)
    return Clusters(root, tuple(used), tuple(refused))


class _Groups:
    """Union-find whose groups know their NHS number, seal and enemies."""

    def __init__(self, records: int, constraints: Constraints) -> None:
        self.parent = list(range(records))
        self.size = [1] * records
        self.lowest = list(range(records))
        self.exclusive = list(constraints.exclusive)
        self.sealed = list(constraints.sealed)
        self.seal_group: list[int | None] = list(constraints.seal_group)
        self.enemies: dict[int, set[int]] = {}
        for one, other in constraints.apart:
            self.enemies.setdefault(one, set()).add(other)
            self.enemies.setdefault(other, set()).add(one)

    def find(self, record: int) -> int:
        """The group of a record."""
        while self.parent[record] != record:
            self.parent[record] = self.parent[self.parent[record]]
            record = self.parent[record]
        return record

    def may_join(self, one: int, other: int) -> bool:
        """Whether two groups may become one child."""
        if self.exclusive[one] >= 0 and self.exclusive[other] >= 0 and self.exclusive[one] != self.exclusive[other]:
            return False
        is_one_seal = self.seal_group[one] is not None and self.seal_group[one] == self.seal_group[other]
        if (self.sealed[one] or self.sealed[other]) and not is_one_seal:
            return False
        if len(self.enemies.get(other, ())) < len(self.enemies.get(one, ())):
            one, other = other, one
        return all(self.find(enemy) != other for enemy in self.enemies.get(one, ()))

    def join(self, one: int, other: int) -> None:
        """Make two groups one."""
        if self.size[one] < self.size[other]:
            one, other = other, one
        self.parent[other] = one
        self.size[one] += self.size[other]
        self.lowest[one] = min(self.lowest[one], self.lowest[other])
        self.exclusive[one] = max(self.exclusive[one], self.exclusive[other])
        self.sealed[one] = self.sealed[one] or self.sealed[other]
        if self.seal_group[one] != self.seal_group[other]:
            self.seal_group[one] = None
        theirs = self.enemies.pop(other, set())
        if len(theirs) > len(self.enemies.get(one, ())):
            theirs |= self.enemies.get(one, set())
            self.enemies[one] = theirs
        elif theirs:
            self.enemies[one] |= theirs


def _check(root: np.ndarray, constraints: Constraints) -> None:
    """Look at the finished groups once more, without the union-find; a breach stops the run."""
    codes = np.asarray(constraints.exclusive, dtype=np.int64)
    known = codes >= 0
    numbers = len(np.unique(np.stack([root[known], codes[known]]), axis=1).T)
    met = sum(1 for one, other in constraints.apart if root[one] == root[other])
    sealed_roots = np.unique(root[np.asarray(constraints.sealed, dtype=bool)])
    inside = np.isin(root, sealed_roots)
    seals = np.asarray(constraints.seal_group, dtype=np.int64)[inside]
    strangers = len(np.unique(np.stack([root[inside], seals]), axis=1).T) - len(sealed_roots)
    if numbers != len(np.unique(root[known])) or met or strangers:
        message = (
            f"children with two NHS numbers: {numbers - len(np.unique(root[known]))}, "
            f"pairs kept apart that met: {met}, strangers to a sealed record: {strangers}"
        )
        raise ClusterInvariantError(message)
