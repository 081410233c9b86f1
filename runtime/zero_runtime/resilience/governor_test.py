"""Guards of methods, as a configuration says."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any

import pytest

from tests.servers.process import free_port
from tests.servers.redis import RedisServer
from zero_runtime.config import (
    BreakerConf,
    ConfigError,
    GovernedConf,
    InvalidValue,
    RedisConf,
    RestConf,
    RuleConf,
    SheddingConf,
    load,
)
from zero_runtime.config.durations import Duration
from zero_runtime.config.governance import QuotaConf, RateConf
from zero_runtime.resilience import ConcurrencyLimit, Entry, Governor, Guard, Rejected
from zero_runtime.resilience.conftest import Counts

LOGIN, WATCH = "/user.User/Login", "/user.User/Watch"


def governor(*rules: RuleConf, **options: Any) -> Governor:
    return Governor(GovernedConf(name="user-rpc", rules=[*rules], **options))


def rule(*match: str, **options: Any) -> RuleConf:
    return RuleConf(match=[*match], **options)


def reason(guard: Guard) -> str | None:
    """Why a call is refused; None when it is let in, to stay."""
    try:
        guard.enter()
    except Rejected as rejection:
        return rejection.reason
    return None


def overload(guard: Guard, flying: int, load: float = 1000) -> None:
    """Makes the service overloaded, with so many calls in flight."""
    assert guard.shedder is not None
    guard.shedder._load.now = guard.shedder._load.latest = load  # type: ignore[misc]
    guard.shedder.flying = flying
    guard.shedder._average = flying


def fail(guard: Guard, times: int = 100) -> None:
    entries = [guard.enter() for _ in range(times)]
    for entry in entries:
        entry.leave(False)


def test_all_methods_share_the_limit_of_calls(counts: Counts) -> None:
    governed = governor(max_conns=2)
    login, watch = governed.guard(LOGIN), governed.guard(WATCH, stream=True)
    entries = [login.enter(), watch.enter()]
    assert reason(login) == reason(watch) == "concurrency"
    entries[1].leave(True)
    assert reason(login) is None
    assert counts.all() == {
        ("zero_admission_total", LOGIN, "pass"): 2,
        ("zero_admission_total", WATCH, "pass"): 1,
        ("zero_admission_total", LOGIN, "concurrency"): 1,
        ("zero_admission_total", WATCH, "concurrency"): 1,
    }


def test_a_rule_limits_those_that_match_it_together() -> None:
    governed = governor(rule("/user.User/*", max_conns=1), max_conns=2)
    login, watch, other = map(governed.guard, (LOGIN, WATCH, "/order.Order/Get"))
    entry = login.enter()
    assert reason(watch) == "concurrency"
    assert reason(other) is None
    entry.leave(True)
    assert reason(watch) is None
    assert reason(other) == "concurrency"


def test_a_refused_call_leaves_nothing_behind() -> None:
    governed = governor(rule(LOGIN, max_conns=1), max_conns=1000)
    guard = governed.guard(LOGIN)
    entry = guard.enter()
    for _ in range(5):
        assert reason(guard) == "concurrency"
    overload(guard, 50)
    entry.leave(True)
    for _ in range(5):
        assert reason(guard) == "shedding"
    assert [limit.active for limit in guard.concurrency] == [0, 0]
    assert guard.shedder is not None
    assert guard.shedder.flying == 49


def test_each_method_has_a_breaker_of_its_own(counts: Counts) -> None:
    governed = governor()
    login, watch = governed.guard(LOGIN), governed.guard(WATCH)
    fail(login)
    reasons = [reason(login) for _ in range(100)]
    assert reasons.count("breaker") > 70  # 94 of 100, but for luck
    assert reason(watch) is None
    assert counts.all()["zero_admission_total", LOGIN, "breaker"] == reasons.count("breaker")


def test_what_is_late_under_overload_is_no_fault_of_the_method() -> None:
    now = 100.0
    guard = Governor(GovernedConf(name="x"), clock=lambda: now).guard(LOGIN)
    assert guard.breaker is not None
    window = guard.breaker._window
    late, quick, calm = ([guard.enter() for _ in range(10)] for _ in range(3))
    assert not guard.is_overloaded
    overload(guard, 30)
    assert guard.is_overloaded
    for entry in quick:  # within 100 ms
        entry.leave(False)
    assert window.sums == [0, 10, 0]
    now += 1.0
    for entry in late:
        entry.leave(False)
    assert window.sums == [0, 10, 0]
    overload(guard, 10, load=100)
    for entry in calm:
        entry.leave(False)
    assert window.sums == [0, 20, 0]


def test_shedding_and_priority() -> None:
    governed = governor(rule(LOGIN, priority=True), rule("/health", cpu_threshold=0))
    login, watch, health = map(governed.guard, (LOGIN, WATCH, "/health"))
    stream = governed.guard("/user.User/Talk", stream=True)
    for high, reasons in ((899, [None, None]), (900, [None, "shedding"]), (950, ["shedding", "shedding"])):
        overload(login, 50, high)
        assert [reason(login), reason(watch)] == reasons, high
    assert reason(health) is None
    assert reason(stream) is None


@pytest.mark.parametrize(("mode", "sheds"), [("dev", False), ("test", False), ("pre", True), ("pro", True)])
def test_nothing_is_shed_where_people_work(mode: str, sheds: bool) -> None:
    assert (governor(mode=mode).guard(LOGIN).shedder is not None) is sheds


def test_what_is_off_is_not_there() -> None:
    conf = GovernedConf(name="x", max_conns=0, cpu_threshold=0, breaker=BreakerConf(disabled=True))
    for governed in (
        Governor(conf),
        Governor(GovernedConf(name="x"), breaker=False, shedding=False, concurrency=False),
    ):
        guard = governed.guard(LOGIN)
        assert (guard.breaker, guard.shedder, guard.concurrency, guard.limits) == (None, None, (), False)
        guard.enter().leave(False)


def test_an_entry_that_is_settled_only_counts_as_served() -> None:
    guard = governor(max_conns=1).guard(LOGIN)
    assert guard.shedder is not None
    assert guard.breaker is not None
    entry = guard.enter()
    entry.settle(True)
    assert guard.shedder.flying == 0
    assert reason(guard) == "concurrency"
    entry.leave(False)
    assert guard.breaker._window.sums == [1, 0, 0]
    assert reason(guard) is None


def test_later_rules_win() -> None:
    governed = governor(
        rule("*", timeout=1000, breaker=BreakerConf(disabled=True)),
        rule("/user.User/*", timeout=0),
        rule(LOGIN, breaker=BreakerConf(k=2)),
    )
    other, watch, login = map(governed.guard, ("/order.Order/Get", WATCH, LOGIN))
    assert (other.timeout, watch.timeout, login.timeout) == (1.0, 0.0, 0.0)
    assert (other.breaker, watch.breaker) == (None, None)
    assert login.breaker is not None
    assert governor().guard(LOGIN).timeout is None


def test_rates_and_quotas(counts: Counts) -> None:
    async def test() -> None:
        governed = governor(
            rule(LOGIN, rate=RateConf(rate=0.5, burst=2, by="caller")),
            rule(WATCH, quota=QuotaConf(limit=1, period=Duration(60))),
        )
        login, watch = governed.guard(LOGIN), governed.guard(WATCH)
        assert login.limits
        for caller in ("10.0.0.1", "10.0.0.2"):
            for _ in range(2):
                await login.limit(caller)
            with pytest.raises(Rejected) as caught:
                await login.limit(caller)
            assert caught.value.reason == "rate"
            assert caught.value.retry_after == pytest.approx(2, abs=0.1)  # 1 / 0.5
        await watch.limit("10.0.0.1")
        with pytest.raises(Rejected) as caught:
            await watch.limit("10.0.0.2")
        assert caught.value.retry_after == pytest.approx(60, abs=1)

    asyncio.run(test())
    counted = counts.all()
    assert counted["zero_admission_total", LOGIN, "rate"] == 2
    assert counted["zero_rate_total", f"user-rpc:rate:{LOGIN}", "pass"] == 4


def test_processes_share_the_limits_of_rules(redis_server: RedisServer, counts: Counts) -> None:
    async def test() -> None:
        conf = RedisConf(host=redis_server.address)
        both = rule(
            LOGIN,
            rate=RateConf(rate=0.001, burst=3),
            quota=QuotaConf(limit=2, period=Duration(60), by="caller"),
        )
        one, other = governor(both, redis=conf), governor(both, redis=conf)
        await one.guard(LOGIN).limit("a")
        await other.guard(LOGIN).limit("a")
        with pytest.raises(Rejected) as caught:  # a third of its quota, though there was a token
            await one.guard(LOGIN).limit("a")
        assert 0 < caught.value.retry_after <= 60
        with pytest.raises(Rejected) as caught:
            await other.guard(LOGIN).limit("b")
        assert caught.value.retry_after == pytest.approx(1000, abs=10)
        await one.stop()

    asyncio.run(test())
    assert not any(name == "zero_rate_rescue_total" for name, *_ in counts.all())


def test_a_rule_that_matches_nothing_is_a_mistake() -> None:
    async def test() -> None:
        governed = governor(rule("/user.User/Logn", "/user.*", timeout=1), rule("/nothing/*", timeout=1))
        governed.guard(LOGIN)
        with pytest.raises(InvalidValue) as caught:
            await governed.start()
        assert str(caught.value).splitlines() == [
            "Rules[0].Match: `/user.User/Logn` matches no method; did you mean `/user.User/Login`?",
            "Rules[1].Match: `/nothing/*` matches no method",
        ]

    asyncio.run(test())


def test_redis_that_must_be_there() -> None:
    async def test(non_block: bool) -> None:
        governed = governor(redis=RedisConf(host=f"127.0.0.1:{free_port()}", non_block=non_block))
        try:
            await governed.start()
        finally:
            await governed.stop()

    asyncio.run(test(True))
    with pytest.raises(OSError, match="Redis at 127"):
        asyncio.run(test(False))


def test_limits_of_concurrent_calls_in_logic(counts: Counts) -> None:
    limit = ConcurrencyLimit("export", 1)
    with limit, pytest.raises(Rejected, match="too many requests at a time"), limit:
        pass
    with limit:
        assert limit.active == 1
    assert limit.active == 0
    assert counts.all() == {
        ("zero_concurrency_total", "export", "pass"): 2,
        ("zero_concurrency_total", "export", "drop"): 1,
    }
    with pytest.raises(ValueError, match="a limit of 0 calls lets nobody in"):
        ConcurrencyLimit("export", 0)


RULES = """
Name: user-api
Rules:
  - Match: ["POST /api/user/login"]
    Timeout: 500
    Priority: true
    Breaker: {K: 2, Window: 5s}
    Rate: {Rate: 5, Burst: 10, By: caller}
    Quota: {Limit: 1000, Period: 24h, Align: true}
"""


def test_rules_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "user-api.yaml"
    file.write_text(RULES)
    (read,) = load(RestConf, file, {}).rules
    assert read.match == ["POST /api/user/login"]
    assert read.breaker == BreakerConf(
        k=2, window=read.breaker.window if read.breaker else BreakerConf().window
    )
    assert (read.timeout, read.max_conns, read.priority) == (500, None, True)
    assert read.rate == RateConf(rate=5, burst=10, by="caller")
    assert read.quota == QuotaConf(limit=1000, period=Duration(86400), align=True)


def test_mistakes_in_rules(tmp_path: Path) -> None:
    file = tmp_path / "user-api.yaml"
    text = (
        RULES.replace("Priority", "Priorty")
        .replace("Limit: 1000", "Limit: 0")
        .replace("K: 2", "K: 1, MinK: 2")
    )
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(RestConf, file, {})
    message = str(caught.value)
    for part in (
        "Rules[0].Priorty: unknown key; did you mean `Priority`?",
        "Rules[0].Quota.Limit: ",
        "Rules[0].Breaker: `MinK` is greater than `K`",
    ):
        assert part in message


@pytest.mark.parametrize("sheds", [True, False])
def test_goodput_under_fourfold_overload(sheds: bool) -> None:
    """Calls of four turns of 1 ms each, offered four times as often as they can be served, by callers who
    give up after 0.25 s; from 0.9 s on, when the load is known. Time is what the processor gave: what else
    the machine does is not measured."""
    turns, turn, patience, rise, end = 4, 0.001, 0.25, 0.9, 1.7

    async def test() -> float:
        quick = SheddingConf(cpu_interval=Duration(0.05))
        governed = Governor(GovernedConf(name="x", shedding=quick), breaker=False, shedding=sheds)
        guard = governed.guard(LOGIN)
        loop = asyncio.get_running_loop()
        started, in_time, measured = time.thread_time(), 0, 0

        def used() -> float:
            return time.thread_time() - started

        async def call(entry: Entry, came: float) -> None:
            nonlocal in_time
            for _ in range(turns):
                until = used() + turn
                while used() < until:
                    pass
                await asyncio.sleep(0)
                if used() - came > patience:
                    entry.leave(False)
                    return
            entry.leave(True)
            in_time += 1

        await governed.start()
        tasks, offered = [], 0
        while (now := used()) < end:
            if now > rise and not measured:
                measured, in_time = offered, 0
            while offered < now / (turns * turn) * 4:
                offered += 1
                with contextlib.suppress(Rejected):
                    tasks.append(loop.create_task(call(guard.enter(), now)))
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await governed.stop()
        return in_time / ((offered - measured) / 4)

    goodput = asyncio.run(test())
    assert goodput > 0.8 if sheds else goodput < 0.2


def test_calls_that_tell_nothing() -> None:
    guard = governor().guard(LOGIN)
    assert guard.shedder is not None
    assert guard.breaker is not None
    for _ in range(5):
        guard.enter().leave(None)
    assert guard.shedder.flying == 0
    assert guard.shedder._window.sums == [0, 0]
    assert guard.breaker._window.sums == [0, 0, 0]


def test_a_wrong_address_of_redis_ends_the_start() -> None:
    conf = GovernedConf(name="x", redis=RedisConf(host="redis"))
    with pytest.raises(InvalidValue, match="`redis` is not `host:port`"):
        asyncio.run(Governor(conf).start())
