"""Metrics of requests: numbers in memory that all workers of a service share.

Each worker adds to numbers of its own, without locks; whoever is scraped sums them up. The memory is made before the
workers are forked, and it describes itself: so the parent reads what it never made, and a worker that takes the place
of a dead one counts on where that one stopped.

The region of a worker has two words of 8 bytes, how many of them are in use and the id of the process; then the cells
of nothing, which take what finds no room; then series. A series is the length of its name in a word, the name (JSON,
filled up with spaces to whole words) and its cells, float64 each.
"""

from __future__ import annotations

import mmap
import os
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
"""Of what `Metrics.exposition` gives."""

BUCKETS = (5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 750.0, 1000.0)
"""Upper bounds in milliseconds; go-zero's."""

_CELLS = len(BUCKETS) + 2
"""Of a series: the requests up to each bound, those beyond the last, and the milliseconds of all."""

_SUM = _CELLS - 1
_WORD = 8
_USED, _PROCESS, _NOTHING = 0, 1, 2
_FIRST = _NOTHING + _CELLS
_REGION = (1 << 20) // _WORD
"""Words of a worker: some 6,000 series. What is not used takes no memory."""


class Series(NamedTuple):
    """What is told apart: the requests of one route, method and status."""

    path: str
    method: str
    status: int


class Histogram(NamedTuple):
    """How long the requests of a series took."""

    counts: tuple[float, ...]
    """Requests per bucket: up to the bounds in `BUCKETS`, and beyond the last."""
    sum: float
    """Milliseconds of all."""


class Metrics:
    """The metrics of a service with ``workers`` processes; made before they are forked."""

    def __init__(self, workers: int = 1) -> None:
        memory = memoryview(mmap.mmap(-1, workers * _REGION * _WORD))
        self._bytes = memory
        self._words = memory.cast("Q")
        self.cells = memory.cast("d")
        self._workers = workers
        self._base = 0
        self._known: dict[Series, int] = {}

    def attach(self, worker: int) -> None:
        """Makes this process count as the worker of that number, from 0 on."""
        global _attached
        self._base = worker * _REGION
        self._words[self._base + _PROCESS] = os.getpid()
        self._known = dict(self._series(worker))
        _attached = self

    def cells_of(self, series: Series) -> int:
        """Where the cells of a series begin in ``cells``; those of nothing when there is no room left."""
        at = self._known.get(series)
        if at is None:
            at = self._known[series] = self._add(series)
        return at

    def histograms(self) -> dict[Series, Histogram]:
        """All series, summed over the workers."""
        sums: dict[Series, list[float]] = {}
        for worker in range(self._workers):
            for series, at in self._series(worker):
                sum_ = sums.setdefault(series, [0.0] * _CELLS)
                for index, value in enumerate(self.cells[at : at + _CELLS]):
                    sum_[index] += value
        return {series: Histogram(tuple(cells[:_SUM]), cells[_SUM]) for series, cells in sums.items()}

    def processes(self) -> dict[int, int]:
        """The ids of the processes that count, by the numbers of the workers."""
        ids = (self._words[worker * _REGION + _PROCESS] for worker in range(self._workers))
        return {worker: process for worker, process in enumerate(ids) if process}

    def exposition(self) -> bytes:
        """All of it in Prometheus' text format; see `CONTENT_TYPE`."""
        from zero_runtime.observability.exposition import expose  # a service that is not scraped has no need

        return expose(self)

    def _add(self, series: Series) -> int:
        name = msgspec.json.encode(series)
        words = -(-len(name) // _WORD)
        used = self._words[self._base + _USED] or _FIRST
        start = self._base + used
        if used + 1 + words + _CELLS > _REGION:
            return self._base + _NOTHING
        self._words[start] = words
        self._bytes[(start + 1) * _WORD : (start + 1 + words) * _WORD] = name.ljust(words * _WORD)
        self._words[self._base + _USED] = used + 1 + words + _CELLS  # last: now others see it
        return start + 1 + words

    def _series(self, worker: int) -> Iterator[tuple[Series, int]]:
        base = worker * _REGION
        at = base + _FIRST
        end = base + self._words[base + _USED]
        while at < end:
            name = at + 1
            cells = name + self._words[at]
            yield msgspec.json.decode(self._bytes[name * _WORD : cells * _WORD], type=Series), cells
            at = cells + _CELLS


class RouteMetrics:
    """Counts the requests of one route."""

    __slots__ = ("_cells", "_metrics", "_path", "_starts")

    def __init__(self, metrics: Metrics, path: str) -> None:
        self._metrics = metrics
        self._cells = metrics.cells
        self._path = path
        self._starts: dict[tuple[str, int], int] = {}

    def add(self, method: str, status: int, milliseconds: float) -> None:
        """Counts a request."""
        start = self._starts.get((method, status))
        if start is None:
            start = self._metrics.cells_of(Series(self._path, method, status))
            self._starts[method, status] = start
        self._cells[start + bisect_left(BUCKETS, milliseconds)] += 1
        self._cells[start + _SUM] += milliseconds


_attached: Metrics | None = None


def attached() -> Metrics | None:
    """The metrics that this process counts in; None when it does not."""
    return _attached
