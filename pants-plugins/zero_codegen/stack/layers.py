"""Places for the nodes of a graph: in layers from left to right, callers before what they call.

Sugiyama's method in small: cycles are cut where a walk comes back, a node lies one layer behind the last of
its callers, layers are put in the order in which edges cross least, and then nodes as near to their
neighbours as that order lets them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean

_SWEEPS = 9
"""Passes over the layers, to the right and back; graphs of services settle in fewer. The last goes to the
right."""


@dataclass(frozen=True)
class Place:
    """The layer of a node, from the left, and its row in it, from the top; two of one layer are a row apart
    or more."""

    layer: int
    row: float


def places(nodes: Sequence[str], edges: Iterable[tuple[str, str]]) -> Mapping[str, Place]:
    """The same graph has the same places, always."""
    forward = _acyclic(nodes, edges)
    layers = _layers(nodes, forward)
    neighbours: defaultdict[str, list[str]] = defaultdict(list)
    for source, target in forward:
        neighbours[source].append(target)
        neighbours[target].append(source)
    _uncross(layers, forward, neighbours)
    rows = _straightened(layers, neighbours)
    return {node: Place(number, rows[node]) for number, layer in enumerate(layers) for node in layer}


def _acyclic(nodes: Sequence[str], edges: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The edges without those that close a cycle."""
    followers: defaultdict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        followers[source].append(target)
    done: set[str] = set()
    above: set[str] = set()
    kept: list[tuple[str, str]] = []

    def walk(node: str) -> None:
        above.add(node)
        for follower in followers[node]:
            if follower in above:
                continue
            kept.append((node, follower))
            if follower not in done:
                walk(follower)
        above.remove(node)
        done.add(node)

    for node in nodes:
        if node not in done:
            walk(node)
    return kept


def _layers(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[list[str]]:
    """A node is as far to the right as the longest way to it asks for."""
    depth = dict.fromkeys(nodes, 0)
    for _ in nodes:
        moved = False
        for source, target in edges:
            if depth[target] <= depth[source]:
                depth[target] = depth[source] + 1
                moved = True
        if not moved:
            break
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in nodes:
        layers[depth[node]].append(node)
    return layers


def _uncross(
    layers: list[list[str]], edges: Sequence[tuple[str, str]], neighbours: Mapping[str, Sequence[str]]
) -> None:
    best, fewest = [list(layer) for layer in layers], _crossings(layers, edges)
    for sweep in range(_SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            means = _means(layer, _rows(layers), neighbours)
            layer.sort(key=means.__getitem__)
        if (crossings := _crossings(layers, edges)) < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    layers[:] = best


def _straightened(
    layers: Sequence[Sequence[str]], neighbours: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    """Rows that keep the order of each layer."""
    rows = {node: float(row) for layer in layers for row, node in enumerate(layer)}
    for sweep in range(_SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wished = [*_means(layer, rows, neighbours).values()]
            # Pushed apart downwards and upwards; the mean of the two is as far apart, and lies in between.
            down = [*accumulate(wished, lambda above, row: max(row, above + 1))]
            up = [*accumulate(reversed(wished), lambda below, row: min(row, below - 1))]
            for node, one, other in zip(layer, down, reversed(up), strict=True):
                rows[node] = (one + other) / 2
    return rows


def _means(
    layer: Sequence[str], rows: Mapping[str, float], neighbours: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    """Where the nodes of a layer would like to be: amid their neighbours, or where they are."""
    return {node: fmean(rows[each] for each in neighbours.get(node, ()) or (node,)) for node in layer}


def _rows(layers: Sequence[Sequence[str]]) -> dict[str, float]:
    """Where nodes are, on a scale that all layers share."""
    return {node: (row + 1) / (len(layer) + 1) for layer in layers for row, node in enumerate(layer)}


def _crossings(layers: Sequence[Sequence[str]], edges: Sequence[tuple[str, str]]) -> int:
    """How many pairs of edges between the same layers cross."""
    depth = {node: number for number, layer in enumerate(layers) for node in layer}
    rows = _rows(layers)
    between: defaultdict[tuple[int, int], list[tuple[float, float]]] = defaultdict(list)
    for source, target in edges:
        between[depth[source], depth[target]].append((rows[source], rows[target]))
    return sum(
        (one[0] - other[0]) * (one[1] - other[1]) < 0
        for group in between.values()
        for index, one in enumerate(group)
        for other in group[:index]
    )
