from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from zero_runtime.observability.metrics import BUCKETS, Metrics, RouteMetrics, Series


def forked(work: Callable[[], None]) -> None:
    """Runs ``work`` in a process of its own."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def of(path: str, method: str, code: int, **more: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({"path": path, "method": method, "code": str(code), **more}.items()))


def test_exposition() -> None:
    metrics = Metrics()
    metrics.attach(0)
    users = RouteMetrics(metrics, "/user/:id")
    for milliseconds in (0.2, 5.0, 5.1, 999, 1001):
        users.add("GET", 200, milliseconds)
    users.add("GET", 404, 1)
    RouteMetrics(metrics, '/"odd"\n').add("POST", 200, 1)
    found = samples(metrics)
    duration, total = "http_server_requests_duration_ms", "http_server_requests_code_total"
    assert found[total, of("/user/:id", "GET", 200)] == 5
    assert found[total, of("/user/:id", "GET", 404)] == 1
    assert found[total, of('/"odd"\n', "POST", 200)] == 1
    assert found[f"{duration}_count", of("/user/:id", "GET", 200)] == 5
    assert found[f"{duration}_sum", of("/user/:id", "GET", 200)] == pytest.approx(2010.3)
    buckets = {
        bound: found[f"{duration}_bucket", of("/user/:id", "GET", 200, le=bound)]
        for bound in ("5", "10", "25", "50", "100", "250", "500", "750", "1000", "+Inf")
    }
    assert [*buckets.values()] == [2, 3, 3, 3, 3, 3, 3, 3, 4, 5]
    assert len([name for name, _ in found if name == f"{duration}_bucket"]) == 3 * len(buckets)


def test_processes() -> None:
    metrics = Metrics()
    metrics.attach(0)
    found = samples(metrics)
    assert found["process_resident_memory_bytes", ()] > 1e6
    assert found["process_cpu_seconds_total", ()] > 0


def test_the_process_that_is_scraped_sums_what_its_workers_count() -> None:
    metrics = Metrics(workers=3)

    def work(worker: int) -> None:
        metrics.attach(worker)
        for path in ("/a", "/b")[: worker + 1]:
            RouteMetrics(metrics, path).add("GET", 200, 10.0 * worker)

    for worker in range(3):
        forked(partial(work, worker))
    histograms = metrics.histograms()
    assert histograms[Series("/a", "GET", 200)].sum == 30
    assert sum(histograms[Series("/a", "GET", 200)].counts) == 3
    assert sum(histograms[Series("/b", "GET", 200)].counts) == 2
    workers = {dict(labels).get("worker") for name, labels in samples(metrics) if name.startswith("process_")}
    assert workers == {"admin"}  # the others have ended


def test_a_worker_that_takes_the_place_of_another_counts_on() -> None:
    metrics = Metrics(workers=2)

    def work() -> None:
        metrics.attach(1)
        route = RouteMetrics(metrics, "/a")
        route.add("GET", 200, 1)
        route.add("GET", os.getpid(), 1)  # another series in each

    forked(work)
    forked(work)
    histograms = metrics.histograms()
    assert sum(histograms[Series("/a", "GET", 200)].counts) == 2
    assert len(histograms) == 3


def test_workers_are_told_apart_by_what_they_take() -> None:
    metrics = Metrics(workers=1)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        metrics.attach(0)
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    while not metrics.processes():
        os.sched_yield()
    found = samples(metrics)
    os.close(writing)
    os.waitpid(child, 0)
    names = [labels for name, labels in found if name == "process_resident_memory_bytes"]
    assert sorted(names) == [(("worker", "0"),), (("worker", "admin"),)]


def test_what_finds_no_room_is_not_counted_and_harms_nothing() -> None:
    metrics = Metrics(workers=2)
    metrics.attach(0)
    for number in range(100_000):
        RouteMetrics(metrics, f"/{number}").add("GET", 200, 1)
    histograms = metrics.histograms()
    assert 4000 < len(histograms) < 100_000
    assert all(sum(histogram.counts) == 1 for histogram in histograms.values())
    RouteMetrics(metrics, "/0").add("GET", 200, 1)
    assert sum(metrics.histograms()[Series("/0", "GET", 200)].counts) == 2


KEYS = st.tuples(st.text(max_size=20), st.sampled_from(["GET", "POST"]), st.integers(100, 599))


@given(st.lists(st.tuples(st.integers(0, 2), KEYS, st.floats(0, 2000)), max_size=30))
def test_sums(requests: list[tuple[int, tuple[str, str, int], float]]) -> None:
    metrics = Metrics(workers=3)
    expected: dict[Series, list[float]] = {}
    for worker, (path, method, status), milliseconds in requests:
        metrics.attach(worker)
        RouteMetrics(metrics, path).add(method, status, milliseconds)
        counts = expected.setdefault(Series(path, method, status), [0.0] * (len(BUCKETS) + 1))
        counts[bisect_left(BUCKETS, milliseconds)] += 1
    found = {series: list(histogram.counts) for series, histogram in metrics.histograms().items()}
    assert found == expected
