"""The constrained clusters, for any graph."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import clustering
from linkage.clustering import Pairs, Records, Settings, solve
from linkage.errors import ClusterInvariantError
from linkage.model import VETO_CODE

COUNT = 9
TWIN = VETO_CODE["twin"]
LIMITS = Settings(link=4.25, unlink=-2.0, merge=6.6, max_cluster_size=60, has_hysteresis=True)
positions = st.integers(0, COUNT - 1)


def make_records(**values: list[int]) -> Records:
    columns = {"nhs_number": -1, "upn": -1, "is_sealed": False, "child": -1, "is_incomplete": False}
    given_values = {name: np.array(values.get(name, [default] * COUNT)) for name, default in columns.items()}
    sealed = given_values["is_sealed"].astype(bool)
    groups = np.array(values.get("seal_group", list(range(COUNT))))
    return Records(
        **(given_values | {"is_sealed": sealed, "is_incomplete": given_values["is_incomplete"].astype(bool)}),
        seal_group=np.where(sealed, groups, -1),
    )


def make_pairs(*rows: tuple, **flags: set[tuple[int, int]]) -> Pairs:
    """Rows of (left, right, weight) or (left, right, weight, veto)."""
    rows = sorted({(min(row[:2]), max(row[:2])): row for row in rows}.items())
    left = np.array([key[0] for key, _ in rows], dtype=np.int64)
    right = np.array([key[1] for key, _ in rows], dtype=np.int64)
    flag = {
        name: np.array([key in flags.get(name, ()) for key, _ in rows], dtype=bool)
        for name in ("is_identified", "is_merge", "is_same", "is_not_same")
    }
    return Pairs(
        left=left,
        right=right,
        weight=np.array([row[2] for _, row in rows], dtype=np.float32),
        veto=np.array([row[3] if len(row) > 3 else 0 for _, row in rows], dtype=np.uint8),
        **flag,
    )


def groups(root: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(root == one).tolist()) for one in np.unique(root)}


@st.composite
def graphs(draw):
    keys = draw(st.lists(st.tuples(positions, positions).filter(lambda p: p[0] < p[1]), max_size=25, unique=True))
    weights = st.sampled_from([-8.0, -3.0, -1.0, 0.5, 3.0, 4.5, 6.0, 9.0, 20.0])
    rows = [(*key, draw(weights), draw(st.sampled_from([0, 0, 0, TWIN]))) for key in keys]
    some = st.sets(st.sampled_from(keys), max_size=3) if keys else st.just(set())
    flags = {name: draw(some) for name in ("is_merge", "is_same", "is_not_same", "is_identified")}
    flags["is_same"] -= flags["is_not_same"]
    each = lambda values: st.lists(st.sampled_from(values), min_size=COUNT, max_size=COUNT)  # noqa: E731
    records = make_records(
        nhs_number=draw(each([-1, -1, 0, 1, 2])),
        upn=draw(each([-1, -1, 0, 1])),
        is_sealed=draw(each([False, False, False, True])),
        seal_group=draw(each([0, 1, 2, 3])),
        child=draw(each([-1, -1, 0, 1, 2])),
        is_incomplete=draw(each([False, False, True])),
    )
    return records, make_pairs(*rows, **flags)


@given(graphs(), st.booleans())
@settings(max_examples=400, deadline=None)
def test_no_child_breaks_a_veto_whatever_the_graph(graph, accepts_review):
    records, pairs = graph
    root = solve(records, pairs, Settings(**{**vars(LIMITS), "accepts_review": accepts_review})).root
    told = pairs.is_same & ~pairs.is_not_same
    agreed = nx.Graph([
        (int(records.nhs_number[a]), int(records.nhs_number[b]))
        for a, b in zip(pairs.left[told], pairs.right[told], strict=True)
        if records.nhs_number[a] >= 0 and records.nhs_number[b] >= 0
    ])  # fmt: skip
    for members in groups(root):
        numbers = {int(records.nhs_number[one]) for one in members} - {-1}
        by_person = [part for part in nx.connected_components(agreed) if part & numbers] if agreed else []
        assert len(numbers) <= 1 or any(numbers <= part for part in by_person)
        if any(records.is_sealed[one] for one in members):
            assert len({int(records.seal_group[one]) for one in members}) == 1
    assert not (pairs.is_not_same & (root[pairs.left] == root[pairs.right])).any()


@given(graphs(), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_the_order_of_the_pairs_never_matters(graph, shuffler):
    records, pairs = graph
    order = list(range(len(pairs.left)))
    shuffler.shuffle(order)
    shuffled = Pairs(**{name: value[order] for name, value in vars(pairs).items()})
    assert solve(records, pairs, LIMITS).root.tolist() == solve(records, shuffled, LIMITS).root.tolist()


@given(graphs())
@settings(max_examples=200, deadline=None)
def test_only_records_that_something_joins_share_a_child(graph):
    records, pairs = graph
    root = solve(records, pairs, LIMITS).root
    child = records.child
    same_child = (child[pairs.left] == child[pairs.right]) & (child[pairs.left] >= 0)
    joins = (pairs.weight >= LIMITS.link) | pairs.is_same | pairs.is_merge
    joins |= same_child & (pairs.weight >= LIMITS.unlink)
    free = nx.Graph()
    free.add_nodes_from(range(COUNT))
    free.add_edges_from(zip(pairs.left[joins].tolist(), pairs.right[joins].tolist(), strict=True))
    parts = [set(part) for part in nx.connected_components(free)]
    assert all(any(members <= part for part in parts) for members in groups(root))


def test_without_anything_against_it_a_complete_component_is_one_child():
    root = solve(make_records(), make_pairs((0, 1, 9), (0, 2, 9), (1, 2, 9), (4, 5, 9)), LIMITS).root
    assert {0, 1, 2} in groups(root)
    assert {4, 5} in groups(root)


def test_a_record_that_bridges_two_children_joins_the_one_it_fits_better():
    records = make_records(nhs_number=[0, -1, 1, *[-1] * 6])
    root = solve(records, make_pairs((0, 1, 5), (1, 2, 9)), LIMITS).root
    assert {1, 2} in groups(root)


def test_a_weak_pair_holds_an_old_child_together_and_makes_no_new_one():
    known, new = make_records(child=[0, 0, *[-1] * 7]), make_records()
    pairs = make_pairs((0, 1, -1.5))
    assert {0, 1} in groups(solve(known, pairs, LIMITS).root)
    assert {0, 1} not in groups(solve(new, pairs, LIMITS).root)
    below = make_pairs((0, 1, -2.5))
    assert {0, 1} not in groups(solve(known, below, LIMITS).root)


@pytest.mark.parametrize(("weight", "is_merged"), [(5.0, False), (6.5, False), (7.0, True)])
def test_two_children_with_ids_become_one_on_strong_evidence_only(weight, is_merged):
    records = make_records(child=[0, 1, *[-1] * 7])
    assert ({0, 1} in groups(solve(records, make_pairs((0, 1, weight)), LIMITS).root)) is is_merged


def test_a_person_may_join_two_nhs_numbers_and_a_source_may_not():
    records, pair = make_records(nhs_number=[0, 1, *[-1] * 7]), (0, 1, -9.0)
    assert {0, 1} in groups(solve(records, make_pairs(pair, is_same={(0, 1)}), LIMITS).root)
    merged = solve(records, make_pairs(pair, is_merge={(0, 1)}), LIMITS)
    assert {0, 1} not in groups(merged.root)
    assert merged.refused.tolist() == [0]


def test_not_the_same_holds_through_a_third_record():
    pairs = make_pairs((0, 1, 9), (1, 2, 9), (0, 2, 9), is_not_same={(0, 2)})
    root = solve(make_records(), pairs, LIMITS).root
    assert root[0] != root[2]


def test_a_component_larger_than_a_child_can_be_is_taken_apart_and_counted():
    rows = [(a, b, 5.0) for a in range(9) for b in range(a)]
    strong = [(a, b, 12.0) for part in ([0, 1, 2, 3], [4, 5, 6, 7, 8]) for a in part for b in part if b < a]
    weak = [row for row in rows if {row[0] < 4, row[1] < 4} == {True, False}]
    limits = Settings(**{**vars(LIMITS), "max_cluster_size": 5})
    solved = solve(make_records(), make_pairs(*strong, *weak, (0, 8, 5.0, TWIN)), limits)
    assert groups(solved.root) == {frozenset({0, 1, 2, 3}), frozenset({4, 5, 6, 7, 8})}
    assert solved.oversized == 1


def test_the_last_check_stops_a_result_that_breaks_a_veto(monkeypatch):
    monkeypatch.setattr(clustering, "_hard", lambda records, pairs: np.zeros(len(pairs.left), dtype=bool))
    monkeypatch.setattr(clustering, "_suspect", lambda *_: np.zeros(COUNT, dtype=bool))
    records = make_records(nhs_number=[0, 1, *[-1] * 7])
    with pytest.raises(ClusterInvariantError, match="children with two NHS numbers: 1"):
        solve(records, make_pairs((0, 1, 9)), LIMITS)
