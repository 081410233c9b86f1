"""The topology of a fleet as an SVG picture, readable on a light and on a dark page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from xml.sax.saxutils import escape

from zero_codegen import templates
from zero_codegen.stack.layers import places
from zero_codegen.stack.topology import Node, Topology

_CHARACTER = 7.8
"""Width of one, in pixels: of the title, in the fonts that browsers have; some are narrower, few wider."""
_HEIGHT, _LEAST_WIDTH, _PADDING = 52, 120, 30
_ROW, _GAP, _MARGIN = 84, 110, 24
"""Between the middles of rows, between the boxes of two layers, and around all of it."""
_xml = partial(escape, entities={'"': "&quot;"})

LEGEND = {
    "api": "serves HTTP",
    "rpc": "serves gRPC",
    "job": "runs on a schedule",
    "store": "keeps data",
    "registry": "knows who is where",
    "foreign": "of another repository",
}
"""What the kinds of boxes are."""


@dataclass(frozen=True)
class _Box:
    node: Node
    x: float
    """Of its left side."""
    y: float
    """Of its middle."""
    width: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def top(self) -> float:
        return self.y - _HEIGHT / 2

    @property
    def bottom(self) -> float:
        return self.y + _HEIGHT / 2

    @property
    def title(self) -> str:
        return _xml(self.node.title)

    @property
    def subtitle(self) -> str:
        return _xml(self.node.subtitle)


def svg(graph: Topology, title: str) -> str:
    """The graph as a picture that stands by itself: no script, no font, no address to fetch."""
    boxes = _boxes(graph)
    kinds = [kind for kind in LEGEND if any(node.kind == kind for node in graph.nodes)]
    width = max((box.right for box in boxes.values()), default=0.0) + _MARGIN
    bottom = max((box.y for box in boxes.values()), default=0.0) + _HEIGHT / 2 + _MARGIN
    return templates.render(
        __file__,
        "topology.svg.jinja",
        title=_xml(title),
        width=max(width, _MARGIN * 2 + 160 * len(kinds)),
        height=bottom + 2 * _MARGIN,
        boxes=list(boxes.values()),
        box_height=_HEIGHT,
        # That all of them ask the registry should not hide what they ask each other.
        arrows=[
            (
                "edge faint" if boxes[target].node.kind == "registry" else "edge",
                _arrow(boxes[source], boxes[target]),
            )
            for source, target in graph.edges
        ],
        legend=[(_MARGIN + 160 * number, kind, LEGEND[kind]) for number, kind in enumerate(kinds)],
        legend_y=bottom + _MARGIN / 2,
    )


def _boxes(graph: Topology) -> dict[str, _Box]:
    place = places([node.name for node in graph.nodes], graph.edges)
    widths: dict[int, float] = {}
    for node in graph.nodes:
        text = max(len(node.title), len(node.subtitle) * 0.85) * _CHARACTER + _PADDING
        layer = place[node.name].layer
        widths[layer] = max(widths.get(layer, _LEAST_WIDTH), text)
    lefts = {layer: _MARGIN + sum(widths[each] + _GAP for each in range(layer)) for layer in widths}
    top = min((spot.row for spot in place.values()), default=0.0)
    return {
        node.name: _Box(
            node,
            lefts[place[node.name].layer],
            _MARGIN + _HEIGHT / 2 + (place[node.name].row - top) * _ROW,
            widths[place[node.name].layer],
        )
        for node in graph.nodes
    }


def _arrow(source: _Box, target: _Box) -> str:
    """From the right side of one box to the left side of the other; one that goes back passes below both."""
    if target.x > source.x:
        start, end = source.right, target.x
        bend = min((end - start) / 2, _GAP)
        return (
            f"M{start:.0f} {source.y:.0f}C{start + bend:.0f} {source.y:.0f} "
            f"{end - bend:.0f} {target.y:.0f} {end:.0f} {target.y:.0f}"
        )
    start, end = source.x + source.width / 2, target.x + target.width / 2
    below = max(source.y, target.y) + _ROW
    return (
        f"M{start:.0f} {source.bottom:.0f}C{start:.0f} {below:.0f} "
        f"{end:.0f} {below:.0f} {end:.0f} {target.bottom:.0f}"
    )
