"""A service that fails all calls, after a time in which it did not."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.faults.fleet import client, load, now, run, servers, until

RATE = 200.0


def test_a_failing_dependency_is_left_alone_and_taken_back(tmp_path: Path) -> None:
    async def test() -> None:
        # Its own breaker would spare it, too.
        with servers(tmp_path, "http2", Middlewares={"Breaker": False}) as (server,):
            async with client(Endpoints=[server.address]) as answer, load(answer, RATE) as calls:
                await asyncio.sleep(2)
                assert not calls.failed
                await server.behave(fails=True)
                await asyncio.sleep(1.5)  # a second, and what the machine may need to notice that it is over
                seen, noticed = await server.behave(fails=True), now()
                await asyncio.sleep(3)
                reached, healed = await server.behave() - seen, now()
                assert reached < 0.1 * len(calls.begun(noticed, healed))

                def taken_back() -> bool:
                    latest = calls.begun(now() - 1)
                    return sum(not call.error for call in latest) > 0.95 * len(latest)

                await until(taken_back, 20)

    run(test())
