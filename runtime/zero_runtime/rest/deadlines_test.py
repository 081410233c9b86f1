from __future__ import annotations

import asyncio

from zero_runtime.rest.deadlines import Deadlines


def test_they_expire_in_order_unless_they_are_discarded() -> None:
    async def test() -> None:
        expired: list[str] = []
        deadlines = Deadlines(0.05, expired.append)
        loop = asyncio.get_running_loop()
        assert abs(deadlines.add("a", asyncio.get_running_loop()) - loop.time() - 0.05) < 0.02
        deadlines.add("b", asyncio.get_running_loop())
        await asyncio.sleep(0.02)
        deadlines.add("c", asyncio.get_running_loop())
        assert deadlines.discard("b")
        assert not deadlines.discard("b")
        await asyncio.sleep(0.04)
        assert expired == ["a"]
        await asyncio.sleep(0.03)
        assert expired == ["a", "c"]
        assert not deadlines.discard("a")
        deadlines.add("d", asyncio.get_running_loop())
        await asyncio.sleep(0.07)
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
