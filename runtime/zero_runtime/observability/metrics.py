"""Metrics: numbers in memory that all workers of a service share.

Each worker adds to numbers of its own, without locks; whoever is scraped sums them up. The memory is made
before the workers are forked, and it describes itself: so the parent reads what it never made, and a worker
that takes the place of a dead one counts on where that one stopped.

The region of a worker has two words of 8 bytes, how many of them are in use and the id of the process; then
the cells of nothing, which take what finds no room; then records. A record is the length of its text in a
word, the text (JSON, filled up with spaces to whole words) and cells, float64 each. It describes a family,
without cells, or it is a series of a family before it: the family's number and the values of its labels.
"""

from __future__ import annotations

import mmap
import os
import threading
from bisect import bisect_left
from collections.abc import Iterator

import msgspec

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
"""Of what `Metrics.exposition` gives."""

_WORD = 8
_USED, _PROCESS, _NOTHING = 0, 1, 2
_MOST_CELLS = 32
_FIRST = _NOTHING + _MOST_CELLS
_REGION = (1 << 20) // _WORD
"""Words of a worker: some 6,000 series of HTTP. What is not used takes no memory."""


class Family(msgspec.Struct, frozen=True):
    """What is counted under one name; declare it as a constant.

    Nothing that a caller may choose freely must become the value of a label.
    """

    name: str
    documentation: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds, ascending, 29 at most: the family is a histogram. Without any it is a counter."""

    total: tuple[str, str] | None = None
    """Name and documentation of a counter that tells how many values the histogram was given, for it has them
    anyway."""

    gauge: bool = False
    """Whether the numbers go up and down: they tell how much there is now, and end with their process."""

    @property
    def cells(self) -> int:
        """How many numbers a series has: of a histogram the counts up to each bound and beyond, and the
        sum."""
        return len(self.buckets) + 2 if self.buckets else 1


Labels = tuple[str, ...]
"""The values of the labels of one series."""


class Histogram:
    """How values are spread, for one series."""

    __slots__ = ("_bounds", "_cells", "_start", "_sum")

    def __init__(self, cells: memoryview[float], start: int, bounds: tuple[float, ...]) -> None:
        self._cells = cells
        self._start = start
        self._bounds = bounds
        self._sum = start + len(bounds) + 1

    def add(self, value: float) -> None:
        """Counts a value."""
        cells = self._cells
        cells[self._start + bisect_left(self._bounds, value)] += 1
        cells[self._sum] += value


class Counter:
    """A number that grows, for one series."""

    __slots__ = ("_at", "_cells")

    def __init__(self, cells: memoryview[float], at: int) -> None:
        self._cells = cells
        self._at = at

    def add(self, number: float = 1) -> None:
        """Counts."""
        self._cells[self._at] += number


class Gauge:
    """How much there is of something now, for one series, which several may tell of."""

    __slots__ = ("_at", "_cells")

    def __init__(self, cells: memoryview[float], at: int) -> None:
        self._cells = cells
        self._at = at

    def add(self, number: float) -> None:
        """There is so much more now, or less."""
        self._cells[self._at] += number


class Metrics:
    """The metrics of a service with ``workers`` processes; made before they are forked."""

    def __init__(self, workers: int = 1) -> None:
        memory = memoryview(mmap.mmap(-1, workers * _REGION * _WORD))
        self._bytes = memory
        self._words = memory.cast("Q")
        self._cells = memory.cast("d")
        self._workers = workers
        self._base = 0
        self._adding = threading.Lock()
        self._families: dict[Family, int] = {}
        self._known: dict[tuple[Family, Labels], int] = {}

    def attach(self, worker: int) -> None:
        """Makes this process count as the worker of that number, from 0 on."""
        global _attached
        self._base = worker * _REGION
        self._words[self._base + _PROCESS] = os.getpid()
        self._families = {}
        self._known = {}
        for family, labels, at in self._records(worker):
            if labels is None:
                self._families[family] = len(self._families)
            else:
                self._known[family, labels] = at
                if family.gauge:  # of the process that was here before
                    self._cells[at] = 0.0
        _attached = self

    def histogram(self, family: Family, *labels: str) -> Histogram:
        """The series of a family with these values of its labels. Keep it: to find it costs more than to
        count."""
        return Histogram(self._cells, self._cells_of(family, labels), family.buckets)

    def counter(self, family: Family, *labels: str) -> Counter:
        """The same of a family without buckets."""
        return Counter(self._cells, self._cells_of(family, labels))

    def gauge(self, family: Family, *labels: str) -> Gauge:
        """The same of a family of gauges."""
        assert family.gauge, family.name
        return Gauge(self._cells, self._cells_of(family, labels))

    def series(self) -> dict[Family, dict[Labels, list[float]]]:
        """The cells of all series, summed over the workers; families in the order in which they came."""
        found: dict[Family, dict[Labels, list[float]]] = {}
        for worker in range(self._workers):
            for family, labels, at in self._records(worker):
                sums = found.setdefault(family, {})
                if labels is not None:
                    cells = sums.setdefault(labels, [0.0] * family.cells)
                    for index, value in enumerate(self._cells[at : at + family.cells]):
                        cells[index] += value
        return found

    def processes(self) -> dict[int, int]:
        """The ids of the processes that count, by the numbers of the workers."""
        ids = (self._words[worker * _REGION + _PROCESS] for worker in range(self._workers))
        return {worker: process for worker, process in enumerate(ids) if process}

    def exposition(self) -> bytes:
        """All of it in Prometheus' text format; see `CONTENT_TYPE`."""
        from zero_runtime.observability.exposition import expose  # a service that is not scraped has no need

        return expose(self)

    def _cells_of(self, family: Family, labels: Labels) -> int:
        """Where the cells of a series begin; those of nothing when there is no room left."""
        assert len(labels) == len(family.labels) and family.cells <= _MOST_CELLS, family.name
        key = family, labels
        with self._adding:  # the loop counts, and the thread that writes the log
            at = self._known.get(key)
            if at is None:
                number = self._families.get(family)
                if number is None:
                    number = len(self._families)
                    if self._add(family, 0) is None:
                        return self._base + _NOTHING
                    self._families[family] = number
                added = self._add((number, *labels), family.cells)
                at = self._known[key] = self._base + _NOTHING if added is None else added
        return at

    def _add(self, record: Family | tuple[int | str, ...], cells: int) -> int | None:
        """Adds a record; returns where its cells are, None when there is no room left."""
        text = msgspec.json.encode(record)
        words = -(-len(text) // _WORD)
        used = self._words[self._base + _USED] or _FIRST
        start = self._base + used
        if used + 1 + words + cells > _REGION:
            return None
        self._words[start] = words
        self._bytes[(start + 1) * _WORD : (start + 1 + words) * _WORD] = text.ljust(words * _WORD)
        self._words[self._base + _USED] = used + 1 + words + cells  # last: now others see it
        return start + 1 + words

    def _records(self, worker: int) -> Iterator[tuple[Family, Labels | None, int]]:
        """The families, without values of labels, and the series of a worker, with where their cells are."""
        base = worker * _REGION
        at = base + _FIRST
        end = base + self._words[base + _USED]
        families: list[Family] = []
        while at < end:
            text = at + 1
            cells = text + self._words[at]
            record = _decode(self._bytes[text * _WORD : cells * _WORD])
            if isinstance(record, Family):
                families.append(record)
                yield record, None, cells
                at = cells
            else:
                family = families[int(record[0])]
                yield family, tuple(str(label) for label in record[1:]), cells
                at = cells + family.cells


_decode = msgspec.json.Decoder(Family | tuple[int | str, ...]).decode

_attached: Metrics | None = None
_nothing = memoryview(bytearray(_WORD)).cast("d")


def attached() -> Metrics | None:
    """The metrics that this process counts in; None when it does not."""
    return _attached


def counter(family: Family, *labels: str) -> Counter:
    """A counter in the metrics of this process; one that nobody sees when it has none.

    Ask for it when the service is put together: before that, the process has none yet.
    """
    return Counter(_nothing, 0) if _attached is None else _attached.counter(family, *labels)
