"""Places of nodes in layers."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from zero_codegen.stack.layers import places

NODES = "abcdefgh"
Edges = list[tuple[str, str]]

_edges = st.lists(
    st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)).filter(lambda edge: edge[0] != edge[1]),
    unique=True,
)


def test_a_chain_is_a_line() -> None:
    found = places("abc", [("a", "b"), ("b", "c")])
    assert [(found[node].layer, found[node].row) for node in "abc"] == [(0, 0), (1, 0), (2, 0)]


def test_edges_do_not_cross_where_they_need_not() -> None:
    found = places("abxy", [("a", "y"), ("b", "x")])
    assert (found["a"].row < found["b"].row) == (found["y"].row < found["x"].row)


def test_a_node_lies_behind_the_last_of_its_callers() -> None:
    found = places("abc", [("a", "c"), ("a", "b"), ("b", "c")])
    assert [found[node].layer for node in "abc"] == [0, 1, 2]


@given(_edges)
def test_every_node_has_a_place_of_its_own(edges: Edges) -> None:
    """Whatever cycles there are."""
    found = places(NODES, edges)
    assert set(found) == set(NODES)
    layers: dict[int, list[float]] = {}
    for place in found.values():
        layers.setdefault(place.layer, []).append(place.row)
    assert sorted(layers) == list(range(len(layers)))
    for rows in layers.values():
        assert all(below - above > 0.999 for above, below in pairwise(sorted(rows)))
    assert found == places(NODES, edges)


@given(_edges)
def test_without_cycles_all_edges_lead_to_the_right(edges: Edges) -> None:
    forward = [(source, target) for source, target in edges if source < target]
    found = places(NODES, forward)
    assert all(found[source].layer < found[target].layer for source, target in forward)
