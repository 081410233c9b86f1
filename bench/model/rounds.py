"""Measuring: CPU and time of what contenders do, in turns."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

CONCURRENCY = 8
"""Tasks that do the same at a time."""

Work = Callable[[int], Awaitable[object]]
"""What a contender does once; its argument counts up from 0."""


@dataclass(frozen=True)
class Cost:
    """Microseconds per turn."""

    cpu: float
    wall: float


@dataclass
class Contender:
    """One way of doing it, with what it cost in each round."""

    name: str
    work: Work
    costs: list[Cost] = field(default_factory=list)


async def measure(contenders: list[Contender], rounds: int, times: int) -> None:
    """Each contender does its work ``times`` times per round, after a short one that does not count."""
    for number in range(rounds + 1):
        for contender in contenders:
            cost = await _turn(contender.work, times if number else max(times // 10, 1))
            if number:
                contender.costs.append(cost)


async def _turn(work: Work, times: int) -> Cost:
    numbers = iter(range(times))

    async def run() -> None:
        for number in numbers:
            await work(number)

    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(run() for _ in range(min(CONCURRENCY, times))))
    return Cost(
        1e6 * (time.process_time() - cpu) / times,
        1e6 * (time.perf_counter() - wall) / times,
    )


def table(title: str, contenders: list[Contender], *, unit: float = 1.0, name: str = "µs") -> str:
    """Medians, and ratios to the first contender."""
    base = contenders[0].costs
    lines = [f"\n{title}", f"  {'':38} {'CPU ' + name:>10} {'x CPU':>7} {'wall ' + name:>10} {'x wall':>7}"]
    for contender in contenders:
        cpu = statistics.median(cost.cpu for cost in contender.costs) / unit
        wall = statistics.median(cost.wall for cost in contender.costs) / unit
        ratios = [
            statistics.median(
                getattr(cost, what) / getattr(first, what)
                for cost, first in zip(contender.costs, base, strict=True)
            )
            for what in ("cpu", "wall")
        ]
        lines.append(f"  {contender.name:38} {cpu:10.1f} {ratios[0]:7.2f} {wall:10.1f} {ratios[1]:7.2f}")
    return "\n".join(lines)


def chosen(titles: Mapping[str, object], words: list[str]) -> list[str]:
    """The titles that one of the words is part of; all without words."""
    return [title for title in titles if not words or any(word in title for word in words)]
