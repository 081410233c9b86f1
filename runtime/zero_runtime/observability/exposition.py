"""Metrics in Prometheus' text format."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from zero_runtime.observability.metrics import Family, Labels, Metrics


def expose(metrics: Metrics) -> bytes:
    """All metrics of the service: what it counts, and what its processes take."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Counted(metrics))
    registry.register(_Processes(metrics.processes()))
    return generate_latest(registry)


class _Counted(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        for family, series in self._metrics.series().items():
            ordered = sorted(series.items())
            if family.gauge:
                yield _gauge(family, ordered)
                continue
            if not family.buckets:
                totals = [(labels, cells[0]) for labels, cells in ordered]
                yield _counter(family.name, family.documentation, family.labels, totals)
                continue
            yield _histogram(family, ordered)
            if family.total is not None:
                totals = [(labels, sum(cells[:-1])) for labels, cells in ordered]
                yield _counter(*family.total, family.labels, totals)


def _histogram(family: Family, series: Iterable[tuple[Labels, list[float]]]) -> Metric:
    metric = HistogramMetricFamily(family.name, family.documentation, labels=family.labels)
    bounds = [f"{bound:g}" for bound in family.buckets] + ["+Inf"]
    for labels, cells in series:
        metric.add_metric(labels, [*zip(bounds, accumulate(cells[:-1]), strict=True)], cells[-1])
    return metric


def _counter(name: str, documentation: str, labels: Labels, series: Iterable[tuple[Labels, float]]) -> Metric:
    metric = CounterMetricFamily(name, documentation, labels=labels)
    for values, total in series:
        metric.add_metric(values, total)
    return metric


def _gauge(family: Family, series: Iterable[tuple[Labels, list[float]]]) -> Metric:
    metric = GaugeMetricFamily(family.name, family.documentation, labels=family.labels)
    for labels, cells in series:
        metric.add_metric(labels, cells[0])
    return metric


class _Processes(Collector):
    """What processes take: ``process_cpu_seconds_total`` and the like, told apart by ``worker`` if there are
    some."""

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
