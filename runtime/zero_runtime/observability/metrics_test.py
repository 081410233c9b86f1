from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from zero_runtime.observability import metrics as metrics_
from zero_runtime.observability.http import DURATIONS
from zero_runtime.observability.metrics import Family, Metrics, counter

DECISIONS = Family("zero_test_decisions_total", "What was decided.", ("name", "decision"))
CONNECTIONS = Family("zero_test_connections", "How many there are.", ("place",), gauge=True)
LENGTHS = Family("zero_test_length", "How long things are.", ("thing",), (1, 2.5))


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
    users = metrics.histogram(DURATIONS, "/user/:id", "GET", "200")
    for milliseconds in (0.2, 5.0, 5.1, 999, 1001):
        users.add(milliseconds)
    metrics.histogram(DURATIONS, "/user/:id", "GET", "404").add(1)
    metrics.histogram(DURATIONS, '/"odd"\n', "POST", "200").add(1)
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
            metrics.histogram(DURATIONS, path, "GET", "200").add(10.0 * worker)
            metrics.counter(DECISIONS, "a", path).add(2)

    for worker in range(3):
        forked(partial(work, worker))
    series = metrics.series()
    assert [*series] == [DURATIONS, DECISIONS]
    assert series[DURATIONS]["/a", "GET", "200"][-1] == 30
    assert sum(series[DURATIONS]["/a", "GET", "200"][:-1]) == 3
    assert sum(series[DURATIONS]["/b", "GET", "200"][:-1]) == 2
    assert series[DECISIONS] == {("a", "/a"): [6], ("a", "/b"): [4]}
    workers = {dict(labels).get("worker") for name, labels in samples(metrics) if name.startswith("process_")}
    assert workers == {"admin"}  # the others have ended


def test_a_worker_that_takes_the_place_of_another_counts_on() -> None:
    metrics = Metrics(workers=2)

    def work() -> None:
        metrics.attach(1)
        metrics.counter(DECISIONS, "a", "b").add()
        metrics.counter(DECISIONS, "a", str(os.getpid())).add()  # another series in each
        metrics.histogram(LENGTHS, "x").add(1)

    forked(work)
    forked(work)
    series = metrics.series()
    assert series[DECISIONS]["a", "b"] == [2]
    assert len(series[DECISIONS]) == 3
    assert series[LENGTHS] == {("x",): [2, 0, 0, 2]}


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
        metrics.histogram(DURATIONS, f"/{number}", "GET", "200").add(1)
    metrics.counter(DECISIONS, "a", "b").add()
    series = metrics.series()
    assert [*series] == [DURATIONS]
    found = series[DURATIONS]
    assert 4000 < len(found) < 100_000
    assert all(sum(cells[:-1]) == 1 for cells in found.values())
    metrics.histogram(DURATIONS, "/0", "GET", "200").add(1)
    assert sum(metrics.series()[DURATIONS]["/0", "GET", "200"][:-1]) == 2


def test_counters_without_metrics_count_for_nobody() -> None:
    counter(DECISIONS, "a", "b").add()
    metrics = Metrics()
    metrics.attach(0)
    counter(DECISIONS, "a", "b").add(3)
    assert metrics_.attached() is metrics
    assert samples(metrics)["zero_test_decisions_total", (("decision", "b"), ("name", "a"))] == 3


def test_families_of_both_kinds_are_exposed() -> None:
    metrics = Metrics()
    metrics.attach(0)
    for length in (1, 2, 3, 2.5):
        metrics.histogram(LENGTHS, "rope").add(length)
    found = samples(metrics)
    buckets = [
        found["zero_test_length_bucket", (("le", le), ("thing", "rope"))] for le in ("1", "2.5", "+Inf")
    ]
    assert buckets == [1, 3, 4]
    assert found["zero_test_length_sum", (("thing", "rope"),)] == 8.5
    assert (
        b"# HELP zero_test_length How long things are.\n# TYPE zero_test_length histogram"
        in metrics.exposition()
    )


LABELS = st.tuples(st.text(max_size=20), st.sampled_from(["GET", "POST"]), st.integers(100, 599).map(str))


@given(st.lists(st.tuples(st.integers(0, 2), LABELS, st.floats(0, 2000)), max_size=30))
def test_sums(requests: list[tuple[int, tuple[str, str, str], float]]) -> None:
    metrics = Metrics(workers=3)
    expected: dict[tuple[str, ...], list[float]] = {}
    for worker, labels, milliseconds in requests:
        metrics.attach(worker)
        metrics.histogram(DURATIONS, *labels).add(milliseconds)
        cells = expected.setdefault(labels, [0.0] * DURATIONS.cells)
        cells[bisect_left(DURATIONS.buckets, milliseconds)] += 1
        cells[-1] += milliseconds
    found = metrics.series().get(DURATIONS, {})
    assert found.keys() == expected.keys()
    for series, cells in found.items():
        assert cells == pytest.approx(expected[series])


def test_gauges_go_up_and_down_and_end_with_their_process() -> None:
    metrics = Metrics(workers=2)

    def work(worker: int, number: int) -> None:
        metrics.attach(worker)
        metrics.gauge(CONNECTIONS, "db").add(number + 2)
        metrics.gauge(CONNECTIONS, "db").add(-2)

    forked(partial(work, 0, 3))
    forked(partial(work, 1, 4))
    name = "zero_test_connections", (("place", "db"),)
    assert samples(metrics)[name] == 7
    assert b"# TYPE zero_test_connections gauge" in metrics.exposition()
    forked(partial(metrics.attach, 1))  # it was started again
    assert samples(metrics)[name] == 3
