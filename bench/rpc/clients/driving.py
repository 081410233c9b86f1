"""What all clients do: they call one method for a while, some calls at a time."""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable

from user.user_pb2 import LoginRequest, LoginResponse

REQUEST = LoginRequest(mobile="13800000001", password="correct horse")
TIMEOUT = 5.0
"""Seconds that each call has."""

_WARM_UP = 0.3

Call = Callable[[LoginRequest], Awaitable[LoginResponse]]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--observed", type=int, metavar="COLLECTOR")
    parser.add_argument("--transport", default="http2", help="of Zero's client")
    return parser.parse_args()


async def drive(call: Call, seconds: float, at_a_time: int = 16) -> None:
    """Prints how many calls there were, in how many seconds, and their CPU time, and how many with the
    warm-up."""
    before = await _calls(call, _WARM_UP, at_a_time)
    cpu, begun = time.process_time(), time.perf_counter()
    calls = await _calls(call, seconds, at_a_time)
    took, used = time.perf_counter() - begun, time.process_time() - cpu
    print(json.dumps({"calls": calls, "seconds": took, "cpu": used, "all": before + calls}))


async def _calls(call: Call, seconds: float, at_a_time: int) -> int:
    end = time.perf_counter() + seconds

    async def work() -> int:
        count = 0
        while time.perf_counter() < end:
            assert (await call(REQUEST)).id == 1
            count += 1
        return count

    return sum(await asyncio.gather(*(work() for _ in range(at_a_time))))
