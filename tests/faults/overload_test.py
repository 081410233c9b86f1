"""More calls than a server can answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.faults.fleet import Answer, client, load, now, run, servers

CPU, WAIT = 0.02, 0.03
"""Seconds that a call takes, of work in the loop and of waiting: there can be fifty per second at most."""

CALLERS = 8
"""Enough to keep the loop busy while some wait, and no more."""

LIMIT = 1000
"""Milliseconds that callers wait: an answer that comes later is worth nothing."""

SETTLED, MEASURED = 4.0, 5.0
"""Seconds of load before a measurement, and during it."""

ROUNDS = 3
"""How often it is measured at most: what others take of the machine is missing in one number or the other."""


def test_an_overloaded_server_keeps_answering(tmp_path: Path) -> None:
    """What cannot be done is refused at once, so that the rest is done in time.

    So it is with the transport that servers have unless they say otherwise. In gRPC's own calls wait where no
    server sees them.
    """

    async def test() -> None:
        for number in range(ROUNDS):
            goodput, peak = await _goodput(tmp_path / str(number))
            if goodput >= 0.8 * peak:
                return
        pytest.fail(f"{goodput:.0f} of {peak:.0f} calls per second")

    run(test(), 120)


async def _goodput(folder: Path) -> tuple[float, float]:
    """Calls per second that are answered in time at four times what a server can do, and what it can do."""
    # Callers without mercy: the server alone has to see to it that it is not overrun.
    conf: dict[str, Any] = {"Timeout": LIMIT, "Middlewares": {"Breaker": False}}
    with (
        servers(folder / "free", "http2") as (free,),
        servers(folder / "overrun", "http2", CpuThreshold=900) as (overrun,),
    ):
        for server in free, overrun:
            await server.behave(cpu=CPU, wait=WAIT)
        async with (
            client(Endpoints=[free.address], **conf) as answer,
            client(Endpoints=[overrun.address], **conf) as hurried_answer,
        ):
            peak = await _peak(answer)
            async with load(hurried_answer, 4 * peak) as calls:
                await asyncio.sleep(SETTLED)
                start = now()
                await asyncio.sleep(MEASURED)
                end = now()
            # Before and after, for others may want more of the machine now than they did then.
            peak = min(peak, await _peak(answer))
    answered = sum(not call.error and start <= call.ended < end for call in calls.calls)
    return answered / MEASURED, peak


async def _peak(answer: Answer) -> float:
    """Calls per second that are answered when there are always some but not too many, and none is refused."""
    ended: list[float] = []

    async def caller() -> None:
        while True:
            await answer()
            ended.append(now())

    callers = [asyncio.ensure_future(caller()) for _ in range(CALLERS)]
    await asyncio.sleep(1)
    start = now()
    await asyncio.sleep(MEASURED)
    end = now()
    for one in callers:
        one.cancel()
    await asyncio.wait(callers)
    return sum(start <= moment < end for moment in ended) / (end - start)
