"""Which route answers a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from zero_runtime.rest.message import Endpoint


class Route(NamedTuple):
    """An endpoint and the requests it answers."""

    method: str
    path: str
    """``/user/:id/orders``: ``:id`` stands for one segment, whose value the request carries under ``id``."""
    endpoint: Endpoint


class Match(NamedTuple):
    """The endpoint for a request, and what stands for the names in its path."""

    endpoint: Endpoint
    path_values: Mapping[str, str]


@dataclass(slots=True)
class _Node:
    """What the routes of one method do after the segments that led here."""

    static: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    route: Route | None = None
    names: tuple[tuple[int, str], ...] = ()
    """The position and name of each parameter of ``route``."""


class Router:
    """The routes of an application.

    As in go-zero, a fixed segment is tried before a parameter, with backtracking, and a path counts as
    what Go's ``path.Clean`` makes of it, so that a trailing slash does not matter. A ``GET`` route answers
    ``HEAD`` too.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        """Raises ValueError when two routes answer the same requests."""
        self._exact: dict[tuple[str, str], Match] = {}
        self._trees: dict[str, _Node] = {}
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._trees.setdefault(route.method, _Node())
        segments = _segments(route.path)
        for segment in segments:
            if segment.startswith(":"):
                node.parameter = node = node.parameter or _Node()
            else:
                node = node.static.setdefault(segment, _Node())
        if node.route is not None:
            raise ValueError(f"{route.method} {route.path} and {node.route.path} answer the same requests")
        node.route = route
        node.names = tuple((at, name[1:]) for at, name in enumerate(segments) if name.startswith(":"))
        if not node.names:
            self._exact[route.method, route.path] = Match(route.endpoint, {})

    def match(self, method: str, path: str) -> Match | None:
        """The endpoint for a request, if there is one. ``path`` is percent-decoded."""
        exact = self._exact.get((method, path))
        if exact is not None:
            return exact
        if tree := self._trees.get(method):
            segments = _segments(path)
            node = _find(tree, segments, 0)
            if node is not None and node.route is not None:
                return Match(node.route.endpoint, {name: segments[at] for at, name in node.names})
        return self.match("GET", path) if method == "HEAD" else None

    def allowed(self, path: str) -> list[str]:
        """The methods that a request for ``path`` may have, sorted; none when there is no such path."""
        methods = [method for method in (*self._trees, "HEAD") if self.match(method, path)]
        return sorted({*methods, "OPTIONS"}) if methods else []


def _find(node: _Node, segments: list[str], depth: int) -> _Node | None:
    if depth == len(segments):
        return node if node.route is not None else None
    for child in (node.static.get(segments[depth]), node.parameter):
        found = None if child is None else _find(child, segments, depth + 1)
        if found is not None:
            return found
    return None


def _segments(path: str) -> list[str]:
    """The segments of ``path.Clean(path)``."""
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    return segments
