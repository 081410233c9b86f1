from __future__ import annotations

import asyncio

import grpc
import pytest

from tests.servers.echo import run
from zero_runtime import errors
from zero_runtime.config import RetryConf
from zero_runtime.config.durations import Duration
from zero_runtime.errors import ZeroError
from zero_runtime.rpc.client.backend import CallFailed
from zero_runtime.rpc.client.conftest import Peer, client, serving
from zero_runtime.rpc.client.retry import UNSEEN, Retry

pytestmark = pytest.mark.usefixtures("transport")

AWAY = CallFailed(errors.Unavailable("away"), told=True)
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


def retry(budget: float = 1.0, attempts: int = 3, draw: float = 1.0) -> Retry:
    return Retry(RetryConf(attempts=attempts, budget=budget), "t", lambda: draw)


@pytest.mark.parametrize(
    ("made", "draw", "pause"),
    [
        (1, 1.0, 0.05),
        (2, 1.0, 0.1),
        (3, 1.0, 0.2),
        (4, 1.0, 0.4),
        (2, 0.25, 0.025),
        (1, 0.0, 0.0),
        (5, 1.0, None),
    ],
)
def test_pauses_by_hand(made: int, draw: float, pause: float | None) -> None:
    found = retry(attempts=5, draw=draw).pause(AWAY, made, idempotent=True)
    assert found == (None if pause is None else pytest.approx(pause))


@pytest.mark.parametrize(
    ("error", "unseen", "idempotent", "again"),
    [
        (errors.Unavailable(), False, True, True),
        (errors.Unavailable(), False, False, False),
        (errors.Unavailable(), True, False, True),
        (errors.DeadlineExceeded(), False, True, False),
        (errors.Internal(), False, True, False),
        (errors.ResourceExhausted(), False, True, False),
    ],
)
def test_what_is_made_again(error: ZeroError, unseen: bool, idempotent: bool, again: bool) -> None:
    failure = CallFailed(error, told=not unseen, unseen=unseen)
    assert (retry().pause(failure, 1, idempotent=idempotent) is not None) == again


def test_the_budget_by_hand() -> None:
    """Ten at first, and one more for every five calls."""
    found = retry(budget=0.2)
    assert sum(found.budget.spend() for _ in range(100)) == 10
    for _ in range(14):
        found.budget.call()
    assert sum(found.budget.spend() for _ in range(100)) == 2
    for _ in range(1000):
        found.budget.call()
    assert sum(found.budget.spend() for _ in range(100)) == 10
    assert found.pause(AWAY, 1, idempotent=True) is None
    assert retry(budget=0.0).pause(AWAY, 1, idempotent=True) is None


def test_what_nobody_has_seen_takes_nothing_from_the_budget_and_waits_for_nothing_at_first() -> None:
    unseen = CallFailed(errors.Unavailable(), told=False, unseen=True)
    found = retry(budget=0.0)
    pauses = [found.pause(unseen, made, idempotent=False) for made in range(1, UNSEEN + 1)]
    assert pauses == [0.0, 0.05, 0.1, 0.2, None]


def test_another_attempt_goes_to_another_server() -> None:
    async def test() -> None:
        a, b, c = Peer("a"), Peer("b"), Peer("c")
        async with serving(a), serving(b), serving(c), client(a, b, c, idempotent=True) as calls:
            await asyncio.sleep(0.1)
            for peer in (a, b, c):
                peer.failures = [UNAVAILABLE]
            with pytest.raises(errors.Unavailable, match=r"^UNAVAILABLE: [abc] fails$"):
                await calls.say()
            assert (a.calls, b.calls, c.calls) == (1, 1, 1)
            for _ in range(3):
                a.failures, b.failures = [UNAVAILABLE], [UNAVAILABLE]
                assert await calls.say() == "c"
                assert [each.value async for each in calls.count("2")] == ["1", "2"]

    run(test())


def test_the_same_server_when_there_is_no_other() -> None:
    async def test() -> None:
        peer = Peer("p")
        async with serving(peer), client(peer, idempotent=True) as calls:
            peer.failures = [UNAVAILABLE] * 2
            assert await calls.say() == "p"
            assert peer.calls == 3

    run(test())


def test_other_calls_are_made_once() -> None:
    async def test() -> None:
        peer = Peer("p")
        async with serving(peer), client(peer) as calls:
            peer.failures = [UNAVAILABLE]
            with pytest.raises(errors.Unavailable, match=r"^UNAVAILABLE: p fails$"):
                await calls.say()
            assert peer.calls == 1

    run(test())


def test_no_attempt_begins_after_the_deadline() -> None:
    async def test() -> None:
        peer = Peer("p")
        retry = RetryConf(attempts=10, backoff=Duration(600.0))
        async with serving(peer), client(peer, idempotent=True, retry=retry) as calls:
            peer.failures = [UNAVAILABLE] * 10
            loop = asyncio.get_running_loop()
            begun = loop.time()
            with pytest.raises(errors.Unavailable, match=r"^UNAVAILABLE: p fails$"):
                await calls.say(timeout=0.5)
            assert loop.time() - begun < 0.5

    run(test())


def test_a_stream_that_has_begun_is_not_begun_again() -> None:
    async def test() -> None:
        peer = Peer("p")
        async with serving(peer) as server, client(peer, idempotent=True) as calls, calls.count() as numbers:
            assert (await anext(numbers)).value == "1"
            await server.stop(0)
            with pytest.raises(errors.Unavailable):
                async for _ in numbers:
                    pass
            assert peer.calls == 1

    run(test())
