from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zero_runtime.deadline import Alarms, Deadlines


def test_they_expire_in_order_unless_they_are_discarded() -> None:
    async def test() -> None:
        expired: list[str] = []
        deadlines = Deadlines(0.2, expired.append)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        assert begun + 0.2 <= deadlines.add("a", loop) <= loop.time() + 0.2
        deadlines.add("b", loop)
        await asyncio.sleep(0.01)
        deadlines.add("c", loop)
        assert deadlines.discard("b")
        assert not deadlines.discard("b")
        while len(expired) < 2:
            assert not expired or loop.time() >= begun + 0.2
            await asyncio.sleep(0.001)
        assert expired == ["a", "c"]
        assert not deadlines.discard("a")
        deadlines.add("d", loop)
        while len(expired) < 3:
            await asyncio.sleep(0.001)
        assert expired == ["a", "c", "d"]

    asyncio.run(test())


def test_they_follow_the_loop() -> None:
    expired: list[str] = []
    deadlines = Deadlines(0.02, expired.append)

    async def test(name: str) -> None:
        deadlines.add(name, asyncio.get_running_loop())
        await asyncio.sleep(0.05 if name == "b" else 0)

    for name in "ab":
        asyncio.run(test(name))
    assert expired == ["b"]


def test_what_expires_may_come_again() -> None:
    async def test() -> None:
        times: list[float] = []

        def again(name: str) -> None:
            times.append(asyncio.get_running_loop().time())
            if len(times) < 3:
                deadlines.add(name, asyncio.get_running_loop())

        deadlines = Deadlines(0.02, again)
        deadlines.add("a", asyncio.get_running_loop())
        await asyncio.sleep(0.1)
        assert len(times) == 3

    asyncio.run(test())


@given(st.lists(st.tuples(st.floats(0, 0.05), st.booleans()), max_size=30))
@settings(max_examples=20, deadline=None)
def test_alarms_cancel_what_is_late_and_nothing_else(waits: list[tuple[float, bool]]) -> None:
    """Tasks with deadlines, of which some are over before."""

    async def work(alarms: Alarms, seconds: float, ends: bool) -> bool:
        """Whether it was cancelled, on time."""
        task = asyncio.current_task()
        assert task is not None
        when = alarms.loop.time() + seconds
        alarms.add(task, when)
        try:
            await asyncio.sleep(0 if ends else 5)
        except asyncio.CancelledError:
            assert not alarms.discard(task, when)
            task.uncancel()
            assert when <= alarms.loop.time() < when + 2
            return True
        assert alarms.discard(task, when)
        assert not alarms.discard(task, when)
        return False

    async def test() -> None:
        alarms = Alarms(asyncio.get_running_loop())
        found = await asyncio.gather(*(work(alarms, 1 if ends else seconds, ends) for seconds, ends in waits))
        assert found == [not ends for _, ends in waits]

    asyncio.run(test())


def test_timers_of_days_do_not_stay_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[asyncio.TimerHandle] = []

    async def test() -> None:
        loop = asyncio.get_running_loop()
        call_at = loop.call_at

        def noted(when: float, ring: Callable[[int], None], tick: int) -> asyncio.TimerHandle:
            made.append(call_at(when, ring, tick))
            return made[-1]

        monkeypatch.setattr(loop, "call_at", noted)
        alarms = Alarms(loop)
        task = asyncio.current_task()
        assert task is not None
        now = loop.time()
        for seconds in (86400, 1e12, 5, 5):
            alarms.add(task, now + seconds)
            assert alarms.discard(task, now + seconds)

    asyncio.run(test())
    assert [timer.cancelled() for timer in made] == [True, True, False]
