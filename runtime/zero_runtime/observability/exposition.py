"""Metrics in Prometheus' text format, under go-zero's names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from zero_runtime.observability.metrics import BUCKETS, Metrics

_LABELS = ("path", "method", "code")
_BOUNDS = [f"{bound:g}" for bound in BUCKETS] + ["+Inf"]


def expose(metrics: Metrics) -> bytes:
    """All metrics of the service: its requests, and what its processes take."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Requests(metrics))
    registry.register(_Processes(metrics.processes()))
    return generate_latest(registry)


class _Requests(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        durations = HistogramMetricFamily(
            "http_server_requests_duration_ms", "How long requests took, in milliseconds.", labels=_LABELS
        )
        codes = CounterMetricFamily(
            "http_server_requests_code_total",
            "Requests by the status that they were answered with.",
            labels=_LABELS,
        )
        for series, histogram in sorted(self._metrics.histograms().items()):
            labels = (series.path, series.method, str(series.status))
            counts = [*accumulate(histogram.counts)]
            durations.add_metric(labels, [*zip(_BOUNDS, counts, strict=True)], histogram.sum)
            codes.add_metric(labels, counts[-1])
        return durations, codes


class _Processes(Collector):
    """What processes take: ``process_cpu_seconds_total`` and the like, told apart by ``worker`` if there are some."""

    def __init__(self, workers: Mapping[int, int]) -> None:
        own = os.getpid()
        self._labels: dict[int, dict[str, str]] = {own: {"worker": "admin"} if workers else {}}
        if [*workers.values()] == [own]:
            self._labels[own] = {}
        else:
            self._labels |= {process: {"worker": str(worker)} for worker, process in workers.items()}

    def collect(self) -> Iterable[Metric]:
        families: dict[str, Metric] = {}
        for process, labels in self._labels.items():
            for part in ProcessCollector(pid=partial(int, process), registry=None).collect():
                empty = Metric(part.name, part.documentation, part.type)
                family = families.setdefault(part.name, empty)
                for sample in part.samples:
                    family.add_sample(sample.name, labels, sample.value)
        return families.values()
