"""Who shares what work."""

from __future__ import annotations

import asyncio

import pytest

from zero_runtime.model.cache.loads import Loads


class Work:
    """Work that counts how often it is done, and how much of it at once."""

    def __init__(self) -> None:
        self.begun = self.running = self.most = 0

    async def __call__(self) -> int:
        self.begun += 1
        number = self.begun
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(0.005)
        finally:
            self.running -= 1
        return number


def test_nobody_shares_what_began_before_he_asked() -> None:
    async def test() -> None:
        loads, work = Loads[int](), Work()
        first = asyncio.create_task(loads.do("key", work))
        while not work.begun:
            await asyncio.sleep(0)
        others = [asyncio.create_task(loads.do("key", work)) for _ in range(5)]
        assert await first == 1
        assert await asyncio.gather(*others) == [2] * 5
        assert await loads.do("key", work) == 3

    asyncio.run(test())


def test_a_key_is_worked_on_once_at_a_time_whenever_they_come() -> None:
    async def test() -> None:
        loads, work, other = Loads[int](), Work(), Work()

        async def ask(pause: float) -> None:
            await asyncio.sleep(pause)
            await asyncio.gather(loads.do("key", work), loads.do("other", other))

        while work.begun <= 5 or other.begun <= 5:
            await asyncio.gather(*(ask(number * 0.0007) for number in range(50)))
        assert (work.most, other.most) == (1, 1)

    asyncio.run(test())


def test_it_ends_when_nobody_waits_and_goes_on_for_who_still_does() -> None:
    async def test() -> None:
        loads, work = Loads[int](), Work()
        leaving, staying = (asyncio.create_task(loads.do("key", work)) for _ in range(2))
        while not work.running:
            await asyncio.sleep(0)
        leaving.cancel()
        assert await staying == 1
        left = asyncio.create_task(loads.do("key", work))
        while not work.running:
            await asyncio.sleep(0)
        left.cancel()
        late = asyncio.create_task(loads.do("key", work))
        with pytest.raises(asyncio.CancelledError):
            await left
        assert await late == 3
        assert (work.begun, work.most) == (3, 1)

    asyncio.run(test())
