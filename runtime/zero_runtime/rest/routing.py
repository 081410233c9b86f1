"""Which route answers a request, and what the routes of a group have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from zero_runtime.rest.message import Endpoint, Middleware, Request

T = TypeVar("T")

Verifier = Callable[[Request], Mapping[str, Any]]
"""Gives the claims of a request's token; raises `errors.Unauthenticated` when it has none that is good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What an ``@server`` of the contract says of its routes; None stands for what the server has."""

    jwt: Verifier | None = None
    signature: Middleware | None = None
    timeout: float | None = None
    """How long a request may take in seconds; 0 is no limit."""

    max_bytes: int | None = None
    """How large the body of a request may be; 0 is no limit."""

    middlewares: tuple[Middleware, ...] = ()
    """What is around the endpoints, the outermost first."""

    sse: bool = False
    """Whether the answers are server-sent events, without an end."""


class Route(NamedTuple):
    """An endpoint and the requests it answers."""

    method: str
    path: str
    """``/user/:id/orders``: ``:id`` stands for one segment, whose value the request carries under ``id``.
    ``/static/*path``: ``*path`` stands for all the segments that follow, even none."""

    endpoint: Endpoint
    group: Group = Group()


class Match(NamedTuple, Generic[T]):
    """What answers a request, and what stands for the names in its path."""

    target: T
    path_values: Mapping[str, str]


@dataclass(slots=True)
class _Leaf(Generic[T]):
    """The end of a route."""

    path: str
    target: T
    names: tuple[tuple[int, str], ...]
    """The position and name of each parameter."""

    def values(self, segments: list[str]) -> dict[str, str]:
        return {name: segments[at] for at, name in self.names}


@dataclass(slots=True)
class _RestLeaf(_Leaf[T]):
    """The end of a route whose last parameter takes the rest of a path."""

    def values(self, segments: list[str]) -> dict[str, str]:
        at, name = self.names[-1]
        found = {name: segments[at] for at, name in self.names[:-1]}
        found[name] = "/".join(segments[at:])
        return found


@dataclass(slots=True)
class _Node(Generic[T]):
    """What the routes of one method do after the segments that led here."""

    static: dict[str, _Node[T]] = field(default_factory=dict)
    parameter: _Node[T] | None = None
    leaf: _Leaf[T] | None = None
    rest: _RestLeaf[T] | None = None


class Router(Generic[T]):
    """A table from requests to whatever answers them.

    As in go-zero, a fixed segment is tried before a parameter, with backtracking, and a path counts as
    what Go's ``path.Clean`` makes of it, so that a trailing slash does not matter. What takes the rest of a
    path comes last. A ``GET`` route answers ``HEAD`` too.
    """

    def __init__(self, targets: Iterable[tuple[str, str, T]]) -> None:
        """``targets`` are methods, paths as in `Route` and what is found there.

        Raises ValueError when two routes answer the same requests.
        """
        self.exact: dict[tuple[str, str], Match[T]] = {}
        """The routes without parameters, by method and path."""
        self._trees: dict[str, _Node[T]] = {}
        for method, path, target in targets:
            self._add(method, path, target)

    def _add(self, method: str, path: str, target: T) -> None:
        node = self._trees.setdefault(method, _Node())
        segments = _segments(path)
        names = tuple((at, name[1:]) for at, name in enumerate(segments) if name[0] in ":*")
        takes_rest = bool(segments) and segments[-1].startswith("*")
        for segment in segments[:-1] if takes_rest else segments:
            if segment.startswith(":"):
                node.parameter = node = node.parameter or _Node()
            elif segment.startswith("*"):
                raise ValueError(f"{method} {path}: `{segment}` takes the rest of a path and must come last")
            else:
                node = node.static.setdefault(segment, _Node())
        taken = node.rest if takes_rest else node.leaf
        if taken is not None:
            raise ValueError(f"{method} {path} and {taken.path} answer the same requests")
        if takes_rest:
            node.rest = _RestLeaf(path, target, names)
            return
        node.leaf = _Leaf(path, target, names)
        if not names:
            self.exact[method, path] = Match(target, {})

    def match(self, method: str, path: str) -> Match[T] | None:
        """What answers a request, if anything does. ``path`` is percent-decoded."""
        exact = self.exact.get((method, path))
        if exact is not None:
            return exact
        if tree := self._trees.get(method):
            segments = _segments(path)
            leaf = _find(tree, segments, 0)
            if leaf is not None:
                return Match(leaf.target, leaf.values(segments))
        return self.match("GET", path) if method == "HEAD" else None

    def allowed(self, path: str) -> list[str]:
        """The methods that a request for ``path`` may have, sorted; none when there is no such path."""
        methods = [method for method in (*self._trees, "HEAD") if self.match(method, path)]
        return sorted({*methods, "OPTIONS"}) if methods else []


def _find(node: _Node[T], segments: list[str], depth: int) -> _Leaf[T] | None:
    if depth == len(segments):
        return node.leaf or node.rest
    for child in (node.static.get(segments[depth]), node.parameter):
        found = None if child is None else _find(child, segments, depth + 1)
        if found is not None:
            return found
    return node.rest


def _segments(path: str) -> list[str]:
    """The segments of ``path.Clean(path)``."""
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    return segments
