"""What many ask for is done once."""

from __future__ import annotations

import asyncio

import pytest

from zero_runtime.deadline import served_until
from zero_runtime.resilience import SingleFlight
from zero_runtime.resilience.conftest import Counts


class Work:
    """Work that ends when the test says so."""

    def __init__(self) -> None:
        self.begun = 0
        self.cancelled = 0
        self.done = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> int:
        self.begun += 1
        try:
            await self.done.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return self.begun


def test_done_once_for_all_who_wait(counts: Counts) -> None:
    async def test() -> None:
        flights, work, other = SingleFlight[int]("user"), Work(), Work()
        waiting = [asyncio.create_task(flights.do_fresh("k", work)) for _ in range(5)]
        apart = asyncio.create_task(flights.do("another", other))
        await asyncio.sleep(0)
        work.done.set()
        other.done.set()
        assert await asyncio.gather(*waiting) == [(1, True), *[(1, False)] * 4]
        assert await apart == 1
        assert await flights.do("k", work) == 2  # what is over is not kept

    asyncio.run(test())
    name = "zero_single_flight_total", "user"
    assert counts.all() == {(*name, "begin"): 3, (*name, "join"): 4}


def test_all_get_the_error() -> None:
    async def test() -> None:
        flights, work = SingleFlight[int]("user"), Work()
        waiting = [asyncio.create_task(flights.do("k", work)) for _ in range(3)]
        await asyncio.sleep(0)
        work.error = ValueError("no")
        work.done.set()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [repr(result) for result in results] == ["ValueError('no')"] * 3
        assert work.begun == 1

    asyncio.run(test())


@pytest.mark.parametrize("leaver", [0, 1])
def test_who_is_cancelled_leaves_alone(leaver: int) -> None:
    async def test() -> None:
        flights, work = SingleFlight[int]("user"), Work()
        waiting = [asyncio.create_task(flights.do("k", work)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting.pop(leaver).cancel()
        await asyncio.sleep(0)
        work.done.set()
        assert await asyncio.gather(*waiting) == [1, 1]
        assert work.cancelled == 0

    asyncio.run(test())


def test_work_that_nobody_waits_for_is_cancelled() -> None:
    async def test() -> None:
        flights, work, again = SingleFlight[int]("user"), Work(), Work()
        waiting = [asyncio.create_task(flights.do("k", work)) for _ in range(2)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        again.done.set()
        assert await flights.do("k", again) == 1  # it does not join what is being cancelled
        assert (work.cancelled, work.begun) == (1, 1)

    asyncio.run(test())


def test_work_has_no_deadline_of_whoever_came_first() -> None:
    async def test() -> None:
        async def work() -> float | None:
            return served_until.get()

        served_until.set(1.0)
        assert await SingleFlight[float | None]("user").do("k", work) is None
        assert served_until.get() == 1.0

    asyncio.run(test())
