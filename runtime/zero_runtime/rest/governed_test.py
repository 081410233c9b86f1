"""Breakers, shedding and limits of HTTP services, the same on all servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from zero_runtime import rest
from zero_runtime.config import BreakerConf, InvalidValue, RestConf, RestMiddlewaresConf, RuleConf
from zero_runtime.config.governance import RateConf
from zero_runtime.errors import NotFound
from zero_runtime.observability import metrics
from zero_runtime.observability.metrics import Metrics
from zero_runtime.resilience import ConcurrencyLimit
from zero_runtime.rest import fast, granian
from zero_runtime.rest.conftest import Serve

STRICT = BreakerConf(protection=0, k=1, min_k=1)
"""Refuses with the probability with which calls fail."""


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


class Logic:
    """Endpoints that tell how often they were reached."""

    def __init__(self) -> None:
        self.reached = 0
        self.export = ConcurrencyLimit("export", 1)

    async def fail(self, request: rest.Request) -> rest.Response:
        self.reached += 1
        raise RuntimeError("the database is gone")

    async def missing(self, request: rest.Request) -> rest.Response:
        self.reached += 1
        raise NotFound("no such user")

    async def echo(self, request: rest.Request) -> rest.Response:
        self.reached += 1
        return rest.Response(200, request.body)

    async def slow(self, request: rest.Request) -> rest.Response:
        await asyncio.sleep(10)
        return rest.Response()

    async def full(self, request: rest.Request) -> rest.Response:
        with self.export, self.export:
            return rest.Response()

    @property
    def routes(self) -> list[rest.Route]:
        return [
            rest.Route("GET", "/fail", self.fail),
            rest.Route("GET", "/missing/:id", self.missing),
            rest.Route("POST", "/echo", self.echo),
            rest.Route("GET", "/slow", self.slow),
            rest.Route("GET", "/full", self.full),
        ]


def test_the_breaker(serve: Serve) -> None:
    async def test() -> None:
        logic = Logic()
        async with serve(logic.routes, breaker=STRICT) as served:
            answers = [await served.client.get("/fail") for _ in range(50)]
            statuses = {answer.status_code for answer in answers}
            assert statuses == {500, 503}
            assert logic.reached < 25
            refused = next(answer for answer in answers if answer.status_code == 503)
            assert refused.json()["detail"] == "most calls have failed lately"
            assert refused.headers["retry-after"] == "1"
            # Another route is another matter, and a mistake of the caller is no failure.
            assert [(await served.client.get("/missing/1")).status_code for _ in range(20)] == [404] * 20

    run(test)


def test_a_breaker_that_is_off(serve: Serve) -> None:
    async def test() -> None:
        logic = Logic()
        off = RestMiddlewaresConf(breaker=False)
        async with serve(logic.routes, breaker=STRICT, middlewares=off) as served:
            assert [(await served.client.get("/fail")).status_code for _ in range(20)] == [500] * 20

    run(test)


def test_limits_per_time(serve: Serve) -> None:
    async def test() -> None:
        logic = Logic()
        limited = RuleConf(match=["POST /echo"], rate=RateConf(rate=0.5, burst=2))
        async with serve(logic.routes, rules=[limited]) as served:
            statuses = [(await served.client.post("/echo", content=b"x")).status_code for _ in range(4)]
            assert statuses == [200, 200, 429, 429]
            refused = await served.client.post("/echo")
            assert refused.json()["detail"] == "too many requests"
            assert refused.headers["retry-after"] == "2"  # 1 / 0.5
            assert logic.reached == 2
            assert (await served.client.get("/missing/1")).status_code == 404

    run(test)


def test_refusals_for_the_rate_tell_nothing_of_the_method(serve_by_uvicorn: Serve) -> None:
    async def test() -> None:
        limited = RuleConf(match=["POST /echo"], rate=RateConf(rate=0.001, burst=2))
        async with serve_by_uvicorn(Logic().routes, rules=[limited]) as served:
            statuses = [(await served.client.post("/echo", content=b"x")).status_code for _ in range(9)]
            assert statuses == [200] * 2 + [429] * 7
            guard = served.server._app.router.exact["POST", "/echo"].target.guard
            assert guard.breaker._window.sums == [2, 0, 0]
            assert guard.shedder._window.sums[0] == 2
            assert guard.shedder.flying == 0

    run(test)


def test_time_limits_of_rules(serve: Serve) -> None:
    async def test() -> None:
        async with serve(Logic().routes, rules=[RuleConf(match=["GET /s*"], timeout=20)]) as served:
            answer = await served.client.get("/slow")
            assert (answer.status_code, answer.json()["detail"]) == (503, "the request took too long")

    run(test)


def test_requests_that_waited_too_long_are_not_served(
    serve_fast: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast, "_EAGER", False)  # all that have come are let in before one is served

    async def test() -> None:
        served_at: list[float] = []

        async def block(request: rest.Request) -> rest.Response:
            served_at.append(time.monotonic())
            time.sleep(0.2)
            return rest.Response()

        async with serve_fast([rest.Route("GET", "/block", block)], timeout=50) as served:
            connections = [await served.connect() for _ in range(3)]
            for _, writer in connections:
                writer.write(b"GET /block HTTP/1.1\r\nhost: x\r\n\r\n")
            answers = [await reader.readuntil(b"\r\n\r\n") for reader, _ in connections]
            for _, writer in connections:
                writer.close()
        assert len(served_at) == 1
        assert [b" 503 " in answer[:16] for answer in answers][1:] == [True, True]

    run(test)


def test_limits_that_logic_has_itself(serve: Serve) -> None:
    async def test() -> None:
        async with serve(Logic().routes) as served:
            answer = await served.client.get("/full")
            assert (answer.status_code, answer.json()["detail"]) == (503, "too many requests at a time")

    run(test)


def test_shedding(serve_by_uvicorn: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_attached", None)
    counts = Metrics()
    counts.attach(0)

    async def test() -> None:
        logic = Logic()
        async with serve_by_uvicorn(logic.routes) as served:
            shedder = served.server._app._governor._shedder
            shedder._load = type("Load", (), {"now": 1000, "latest": 1000})
            shedder.flying = shedder._average = 50
            for body in (b"", b"x" * 100_000):  # the connection stays good though nobody wanted the body
                answer = await served.client.post("/echo", content=body)
                assert (answer.status_code, answer.json()["detail"]) == (503, "the service is overloaded")
                assert answer.headers["retry-after"] == "1"
                assert answer.headers["traceparent"]
            shedder.flying = 0
            assert (await served.client.post("/echo", content=b"x" * 100_000)).status_code == 200
            assert shedder.flying == 0
            assert logic.reached == 1

    run(test)
    totals = {
        labels: cells[-2 if family.buckets else 0]
        for family, series in counts.series().items()
        for labels, cells in series.items()
        if family.name == "zero_admission_total"
    }
    assert totals["POST /echo", "shedding"] == 2
    assert totals["POST /echo", "pass"] == 1
    observed = [
        labels
        for family, series in counts.series().items()
        for labels in series
        if family.name.startswith("http_server_requests")
    ]
    assert any("503" in labels for labels in observed)


@pytest.mark.parametrize("server", [rest.Server, granian.Server])
def test_rules_that_match_nothing_end_the_start(server: Any) -> None:
    async def test() -> None:
        conf = RestConf(name="x", host="127.0.0.1", port=0, rules=[RuleConf(match=["POST /ech"])])
        with pytest.raises(InvalidValue) as caught:
            await server(conf, Logic().routes).start()
        assert (
            str(caught.value) == "Rules[0].Match: `POST /ech` matches no method; did you mean `POST /echo`?"
        )

    run(test)
