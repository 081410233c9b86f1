"""The pool, with connections to databases in memory: each is one of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from zero_runtime import config, errors
from zero_runtime.config.durations import Duration
from zero_runtime.deadline import served_until
from zero_runtime.model.pool import Pool, Refused
from zero_runtime.model.session import Session
from zero_runtime.model.source import SqliteSource
from zero_runtime.model.sqlite import SqliteDriver


def with_pool(
    test: Callable[[Pool], Awaitable[None]],
    *,
    path: Path | None = None,
    open: int = 2,
    idle: int = 64,
    lifetime: float = 0,
    wait: float = 0.1,
) -> None:
    async def run() -> None:
        conf = config.DatabaseConf(
            max_open=open, max_idle=idle, max_lifetime=Duration(lifetime), wait_timeout=Duration(wait)
        )
        pool = Pool(SqliteDriver(SqliteSource(path), conf), conf)
        try:
            async with asyncio.timeout(10):
                await test(pool)
        finally:
            await pool.close()
        assert (pool.open, pool.used) == (0, 0)

    asyncio.run(run())


def test_there_are_so_many_connections_and_those_who_wait_have_their_turn() -> None:
    async def test(pool: Pool) -> None:
        order: list[int] = []

        async def work(number: int) -> None:
            session = await pool.acquire()
            order.append(number)
            assert pool.used <= 2 and pool.open <= 2
            await asyncio.sleep(0.002)
            pool.give(session)

        await asyncio.gather(*map(work, range(20)))
        assert {*order[:2]} == {0, 1} and order[2:] == [*range(2, 20)]
        assert (pool.open, pool.used) == (2, 0)

    with_pool(test, wait=1)


def test_the_one_that_was_used_last_is_lent_first() -> None:
    async def test(pool: Pool) -> None:
        first, second = await pool.acquire(), await pool.acquire()
        assert pool.take() is None
        pool.give(second)
        pool.give(first)
        assert pool.take() is first
        assert await pool.acquire() is second
        pool.give(first)
        pool.give(second)

    with_pool(test)


def test_nobody_waits_forever() -> None:
    async def test(pool: Pool) -> None:
        sessions = [await pool.acquire(), await pool.acquire()]
        with pytest.raises(Refused, match="sqlite://: all 2 connections are in use"):
            await pool.acquire()
        served_until.set(asyncio.get_running_loop().time() + 0.01)
        with pytest.raises(errors.DeadlineExceeded, match="in use"):
            await pool.acquire()
        served_until.set(None)
        for session in sessions:
            pool.give(session)
        assert pool.used == 0

    with_pool(test)


@pytest.mark.parametrize("late", [False, True])
def test_whoever_is_cancelled_leaves_the_turn_to_the_next(late: bool) -> None:
    async def test(pool: Pool) -> None:
        session = await pool.acquire()
        first, second = (asyncio.create_task(pool.acquire()) for _ in range(2))
        await asyncio.sleep(0)
        if late:  # it was given the turn already, and has not heard of it
            pool.give(session)
            first.cancel()
        else:
            first.cancel()
            await asyncio.sleep(0)
            pool.give(session)
        assert await second is session
        with pytest.raises(asyncio.CancelledError):
            await first
        pool.give(session)

    with_pool(test, open=1)


def test_those_that_are_too_many_are_closed() -> None:
    async def test(pool: Pool) -> None:
        sessions = [await pool.acquire() for _ in range(4)]
        for session in sessions:
            pool.give(session)
        assert pool.open == 1
        assert [session.usable for session in sessions] == [True, False, False, False]

    with_pool(test, open=4, idle=1)


def test_the_old_ones_are_replaced_and_at_last_closed() -> None:
    async def test(pool: Pool) -> None:
        first = await pool.acquire()
        pool.give(first)
        assert pool.take() is first
        await asyncio.sleep(0.06)
        assert first.usable  # nobody takes it from the one who has it
        pool.give(first)
        second = pool.take() or await pool.acquire()
        assert second is not first and not first.usable
        pool.give(second)
        await asyncio.sleep(0.15)
        assert pool.open == 0 and not second.usable

    with_pool(test, lifetime=0.05)


def test_broken_ones_are_not_lent() -> None:
    async def test(pool: Pool) -> None:
        first, second = await pool.acquire(), await pool.acquire()
        pool.give(first)
        first.close()
        third = pool.take() or await pool.acquire()
        assert third not in (first, second)
        third.close()
        pool.give(third)
        assert (pool.open, pool.used) == (1, 1)
        pool.give(second)
        pool.forget()
        assert (pool.open, pool.used) == (0, 0) and not second.usable

    with_pool(test)


def test_one_that_cannot_be_made_is_no_loss(tmp_path: Path) -> None:
    async def test(pool: Pool) -> None:
        waiting = [asyncio.create_task(pool.acquire()) for _ in range(3)]
        for failed in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(failed, errors.Unavailable) and "cannot open" in failed.message
        assert (pool.open, pool.used) == (0, 0)
        (tmp_path / "later").mkdir()
        await pool.warm()
        assert pool.open == 1

    with_pool(test, path=tmp_path / "later" / "data.db", open=1)


def test_those_that_are_lent_are_closed_when_they_come_back() -> None:
    lent: list[Session] = []

    async def test(pool: Pool) -> None:
        session = await pool.acquire()
        lent.append(session)
        await pool.close()
        with pytest.raises(RuntimeError, match="is closed"):
            await pool.acquire()
        assert session.usable
        pool.give(session)
        assert not session.usable

    with_pool(test)
