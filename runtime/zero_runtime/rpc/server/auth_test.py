from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from tests.servers.redis import RedisServer, redis
from zero_runtime.config import RedisConf, RpcServerConf
from zero_runtime.errors import Unauthenticated, Unavailable
from zero_runtime.redis import close
from zero_runtime.rpc.server import auth as module
from zero_runtime.rpc.server.auth import Auth
from zero_runtime.rpc.server.call import ServedCall
from zero_runtime.rpc.server.conftest import Serve, Talk, failure, run


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis() as started:
        started.command("HSET rpc:auth shop open-sesame")
        yield started


def settings(server: RedisServer, **more: Any) -> dict[str, Any]:
    return {"auth": True, "redis": RedisConf(host=server.address), **more}


def shown(app: str, token: str) -> tuple[tuple[str, str], ...]:
    return ("app", app), ("token", token)


def called(app: str, token: str) -> ServedCall:
    return ServedCall("/test.Talk/Say", shown(app, token), "127.0.0.1:1")


def test_callers_prove_who_they_are(serve: Serve, server: RedisServer) -> None:
    async def test() -> None:
        async with serve(**settings(server)) as served:
            caller = served.caller
            mine = shown("shop", "open-sesame")
            assert await caller.say("x", metadata=mine) == "x"
            assert [word async for word in caller.split("one two", metadata=mine)] == ["one", "two"]
            for wrong in (
                (),
                mine[:1],
                mine[1:],
                shown("shop", "open-sesam"),
                shown("shop", ""),
                shown("nobody", "open-sesame"),
            ):
                for call in (caller.say("x", metadata=wrong), caller.split("x", metadata=wrong)):
                    assert (await failure(call)).code() is grpc.StatusCode.UNAUTHENTICATED
            health = served.caller.channel.unary_unary("/grpc.health.v1.Health/Check")
            assert await health(b"") == b"\x08\x01"  # probes have no token

    run(test())


def test_logic_is_not_reached_without_a_token(serve: Serve, server: RedisServer) -> None:
    class Secret(Talk):
        async def say(self, request: StringValue) -> StringValue:
            raise AssertionError("reached")

    async def test() -> None:
        async with serve(Secret(), **settings(server)) as served:
            assert (await failure(served.caller.say("x"))).code() is grpc.StatusCode.UNAUTHENTICATED

    run(test())


def test_tokens_are_remembered_for_a_while(server: RedisServer) -> None:
    now = 1000.0
    conf = RpcServerConf(name="x", auth_key="tokens", **settings(server))

    async def test() -> None:
        nonlocal now
        auth = Auth(conf, clock=lambda: now)
        with pytest.raises(Unauthenticated):
            await auth.check(called("late", "b"))
        server.command("HSET tokens a 1 late b")
        assert await auth.check(called("a", "1")) == "a"
        server.command("HSET tokens a 2")
        with pytest.raises(Unauthenticated):
            await auth.check(called("late", "b"))
        now += 6
        assert await auth.check(called("late", "b")) == "late"
        now += 290
        assert await auth.check(called("a", "1")) == "a"
        now += 5
        with pytest.raises(Unauthenticated):
            await auth.check(called("a", "1"))
        assert await auth.check(called("a", "2")) == "a"
        await close(conf.redis)

    run(test())


def test_redis_is_asked_once_for_many_calls(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    conf = RpcServerConf(name="x", **settings(server))

    def asked() -> int:
        stats = server.command("INFO commandstats").decode()
        return int(stats.partition("cmdstat_hget:calls=")[2].partition(",")[0] or 0)

    async def test() -> None:
        auth, before = Auth(conf), asked()
        calls = [auth.check(called("shop", "open-sesame")) for _ in range(100)]
        assert await asyncio.gather(*calls) == ["shop"] * 100
        assert asked() == before + 1
        for app in ("one", "two"):  # no more than two are remembered
            with pytest.raises(Unauthenticated):
                await auth.check(called(app, "x"))
        assert await auth.check(called("shop", "open-sesame")) == "shop"
        assert asked() == before + 4
        await close(conf.redis)

    run(test())


@pytest.mark.parametrize("strict", [False, True])
def test_without_redis_calls_pass_unless_control_is_strict(strict: bool) -> None:
    async def test() -> None:
        with redis() as server:
            server.command("HSET rpc:auth shop open-sesame")
            conf = RpcServerConf(name="x", strict_control=strict, **settings(server))
            auth = Auth(conf)
            assert await auth.check(called("shop", "open-sesame")) == "shop"
        assert await auth.check(called("shop", "open-sesame")) == "shop"  # it is remembered
        with pytest.raises(Unauthenticated):
            await auth.check(called("shop", "wrong"))
        if strict:
            with pytest.raises(Unavailable):
                await auth.check(called("other", "x"))
        else:
            assert await auth.check(called("other", "x")) == "other"
        await close(conf.redis)

    run(test())
