"""The constrained clusters, for any graph."""

import random

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.cluster import Constraints, Link, solve
from linkage.errors import ClusterInvariantError

RECORDS = 9
positions = st.integers(0, RECORDS - 1)
pairs = st.tuples(positions, positions).filter(lambda pair: pair[0] < pair[1])


@st.composite
def graphs(draw):
    links = [
        Link(left, right, draw(st.sampled_from([5.0, 6.0, 7.5, 9.0])), draw(st.booleans()) and draw(st.booleans()))
        for left, right in draw(st.lists(pairs, max_size=25, unique=True))
    ]
    constraints = Constraints(
        exclusive=draw(st.lists(st.sampled_from([-1, -1, 0, 1, 2]), min_size=RECORDS, max_size=RECORDS)),
        sealed=draw(st.lists(st.sampled_from([False, False, False, True]), min_size=RECORDS, max_size=RECORDS)),
        seal_group=draw(st.lists(st.integers(0, 3), min_size=RECORDS, max_size=RECORDS)),
        apart=draw(st.frozensets(pairs, max_size=6)),
    )
    return links, constraints


FREE = Constraints([-1] * RECORDS, [False] * RECORDS, list(range(RECORDS)), frozenset())


@given(graphs())
@settings(max_examples=300, deadline=None)
def test_no_group_breaks_a_veto_whatever_the_links(graph):
    links, constraints = graph
    root = solve(RECORDS, links, constraints).root
    for group in set(root.tolist()):
        members = [record for record in range(RECORDS) if root[record] == group]
        assert len({constraints.exclusive[one] for one in members} - {-1}) <= 1
        assert not any(one in members and other in members for one, other in constraints.apart)
        if any(constraints.sealed[one] for one in members):
            assert len({constraints.seal_group[one] for one in members}) == 1


@given(graphs(), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_the_order_of_the_links_never_matters(graph, shuffler: random.Random):
    links, constraints = graph
    shuffled = links.copy()
    shuffler.shuffle(shuffled)
    assert solve(RECORDS, links, constraints).root.tolist() == solve(RECORDS, shuffled, constraints).root.tolist()


@given(graphs())
@settings(max_examples=100, deadline=None)
def test_only_linked_records_share_a_group_and_every_link_is_inside_one_or_refused(graph):
    links, constraints = graph
    solved = solve(RECORDS, links, constraints)
    free = solve(RECORDS, links, FREE).root
    for one in range(RECORDS):
        for other in range(one):
            if solved.root[one] == solved.root[other]:
                assert free[one] == free[other]
    across = {number for number, link in enumerate(links) if solved.root[link.left] != solved.root[link.right]}
    assert across == set(solved.refused)


@given(st.lists(pairs, max_size=25, unique=True))
@settings(max_examples=100, deadline=None)
def test_without_constraints_the_groups_are_the_connected_components(edges):
    graph = nx.Graph()
    graph.add_nodes_from(range(RECORDS))
    graph.add_edges_from(edges)
    root = solve(RECORDS, [Link(*edge, 5.0) for edge in edges], FREE).root
    assert {frozenset(part) for part in nx.connected_components(graph)} == {
        frozenset(record for record in range(RECORDS) if root[record] == group) for group in set(root.tolist())
    }


def test_the_stronger_of_two_links_that_exclude_each_other_wins():
    constraints = Constraints([0, -1, 1], [False] * 3, [0, 1, 2], frozenset())
    solved = solve(3, [Link(0, 1, 6.0), Link(1, 2, 8.0)], constraints)
    assert solved.root.tolist() == [0, 1, 1]
    assert solved.refused == (0,)


def test_a_declared_merge_goes_before_a_stronger_likeness():
    constraints = Constraints([0, -1, 1], [False] * 3, [0, 1, 2], frozenset())
    assert solve(3, [Link(0, 1, -9.0, is_merge=True), Link(1, 2, 30.0)], constraints).root.tolist() == [0, 0, 2]


def test_the_last_check_stops_a_result_that_breaks_a_veto(monkeypatch):
    monkeypatch.setattr("linkage.cluster._Groups.may_join", lambda *_: True)
    constraints = Constraints([0, 1], [False, False], [0, 1], frozenset({(0, 1)}))
    with pytest.raises(ClusterInvariantError, match="two NHS numbers: 1, pairs kept apart that met: 1"):
        solve(2, [Link(0, 1, 9.0)], constraints)
