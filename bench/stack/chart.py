"""Charts of time series as one SVG picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 1200, 190
"""Of a row of charts with all that is around them."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 28, 44
"""Around the lines of a chart."""
_HEADING, _MARGIN = 34, 16
_SHOWN = 4
"""Names below a chart; the lines that are highest have theirs there."""
_CHARACTER = 6.4
"""Width of one, in a name."""

_COLOURS = ("#0969da", "#1a7f37", "#bc4c00", "#8250df", "#cf222e", "#9a6700", "#1b7c83", "#bf3989")
_UNITS = {
    "reqps": (1, "/s"),
    "ops": (1, "/s"),
    "percentunit": (100, " %"),
    "ms": (1, " ms"),
    "short": (1, ""),
}
"""By what values of a unit are multiplied, and what stands behind them."""

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Line:
    """A series: seconds from the start, and values; without those that are no numbers."""

    name: str
    points: Points


@dataclass(frozen=True)
class Chart:
    row: str
    """The heading that it stands below, with others."""
    title: str
    unit: str
    lines: tuple[Line, ...]


def page(charts: Sequence[Chart], caption: str) -> str:
    """The charts, row by row."""
    parts: list[str] = []
    top = float(_MARGIN)
    for row, group in groupby(charts, lambda chart: chart.row):
        parts.append(f'<text class="row" x="{_MARGIN}" y="{top + 22:.0f}">{escape(row)}</text>')
        top += _HEADING
        members = [*group]
        share = _WIDTH // len(members)
        for index, chart in enumerate(members):
            place = f"translate({_MARGIN + index * share} {top:.0f})"
            parts += [f'<g transform="{place}">', *_chart(chart, share - 8), "</g>"]
        top += _HEIGHT
    width, height = _WIDTH + 2 * _MARGIN, top + 2 * _MARGIN
    parts.append(f'<text class="note" x="{_MARGIN}" y="{height - _MARGIN:.0f}">{escape(caption)}</text>')
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" role="img">',
            "<style>",
            "text { font: 11px system-ui, sans-serif; fill: #59636e; }",
            ".row { font-size: 15px; font-weight: 600; fill: #1f2328; }",
            ".title { font-size: 12px; font-weight: 600; fill: #1f2328; }",
            ".note { font-size: 12px; }",
            ".box { fill: #fff; stroke: #d1d9e0; }",
            ".grid { stroke: #d1d9e0; stroke-width: 0.5; }",
            ".line { fill: none; stroke-width: 1.3; }",
            "</style>",
            f'<rect width="{width}" height="{height:.0f}" fill="#f6f8fa"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _chart(chart: Chart, outer: int) -> Iterator[str]:
    yield f'<rect class="box" x="0" y="0" width="{outer}" height="{_HEIGHT - 8}" rx="4"/>'
    yield f'<text class="title" x="10" y="17">{escape(chart.title)}</text>'
    lines = sorted(chart.lines, key=_height, reverse=True)
    factor, suffix = _UNITS[chart.unit]
    highest = max(map(_height, lines), default=0.0) * factor
    step = _step(highest)
    most = max(math.ceil(highest / step), 1) * step
    end = max((at for line in lines for at, _ in line.points), default=1.0)
    width, height = outer - _LEFT - _RIGHT, _HEIGHT - 8 - _TOP - _BOTTOM
    for mark in range(round(most / step) + 1):
        y = _TOP + height * (1 - mark * step / most)
        yield f'<path class="grid" d="M{_LEFT} {y:.1f}h{width}"/>'
        yield f'<text x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{mark * step:g}{suffix}</text>'
    for number, line in reversed([*enumerate(lines)]):
        places = (
            f"{_LEFT + width * at / end:.0f} {_TOP + height * (1 - value * factor / most):.0f}"
            for at, value in line.points
        )
        path = "L".join(places)
        yield f'<path class="line" stroke="{_COLOURS[number % len(_COLOURS)]}" d="M{path}"/>'
    room = int((outer / 2 - 24) / _CHARACTER)
    for number, line in enumerate(lines[:_SHOWN]):
        x = 10 + number % 2 * (outer / 2 - 5)
        y = _HEIGHT - 8 - _BOTTOM + 20 + number // 2 * 14
        name = line.name if len(line.name) <= room else f"…{line.name[1 - room:]}"
        yield f'<rect x="{x:.0f}" y="{y - 6:.0f}" width="10" height="3" fill="{_COLOURS[number]}"/>'
        yield f'<text x="{x + 14:.0f}" y="{y:.0f}">{escape(name)}</text>'
    if len(lines) > _SHOWN:
        yield f'<text x="{outer - 10}" y="17" text-anchor="end">{len(lines)} series</text>'


def _height(line: Line) -> float:
    return max((value for _, value in line.points), default=0.0)


def _step(highest: float) -> float:
    """A round number of which some four make the height."""
    if highest <= 0:
        return 1.0
    magnitude: float = 10 ** math.floor(math.log10(highest / 4))
    return next(step * magnitude for step in (1, 2, 5, 10) if step * magnitude * 4 >= highest)
