from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from tests.servers.accounts import SCHEMA, insert, names
from zero_runtime import errors, rest, rpc, testing
from zero_runtime.rest.form import form_of


def test_a_database_has_the_tables_and_is_fresh_every_time() -> None:
    async def test() -> None:
        for _ in range(2):
            async with testing.database(SCHEMA) as database:
                assert await names(database) == []
                await insert(database, "a")
                assert await names(database) == ["a"]

    asyncio.run(test())


def test_a_database_has_a_cache_by_choice() -> None:
    async def test() -> None:
        async with testing.database(SCHEMA) as plain, testing.database(SCHEMA, cached=True) as cached:
            assert plain.cache is None
            assert cached.cache is not None

    asyncio.run(test())


def test_a_channel_reaches_the_logic() -> None:
    async def shout(request: StringValue) -> StringValue:
        if not request.value:
            raise errors.InvalidArgument("nothing to say")
        return StringValue(value=request.value.upper())

    async def test() -> None:
        service = rpc.Service("test.Voice", (rpc.unary_unary("Shout", shout, StringValue, StringValue),))
        async with testing.channel(service) as channel:
            call = channel.unary_unary("/test.Voice/Shout", StringValue, StringValue)
            assert (await call(StringValue(value="hey"), {})).value == "HEY"
            for _ in range(20):
                with pytest.raises(errors.InvalidArgument, match="nothing to say"):
                    await call(StringValue(), {})

    asyncio.run(test())


def test_requests_reach_their_route_as_they_are() -> None:
    seen: list[rest.Request] = []

    async def endpoint(request: rest.Request) -> rest.Response:
        seen.append(request)
        return rest.json_response({"a": [1]}, 201)

    client = testing.HttpClient([rest.Route("POST", "/x/:name", endpoint)])
    sent = client.request("POST", "/x/a%20b?c=%20", json={"n": None}, token="t", headers={"X-A": "é"})
    answer = asyncio.run(sent)
    assert (answer.status, answer.json(), answer.headers["content-type"]) == (
        201,
        {"a": [1]},
        "application/json",
    )
    (request,) = seen
    assert (request.path_values, request.query, request.body) == ({"name": "a b"}, b"c=%20", b'{"n":null}')
    assert request.header(b"authorization") == b"Bearer t"
    assert request.header_values(b"x-a") == ["é"]


def test_forms_with_files() -> None:
    async def endpoint(request: rest.Request) -> rest.Response:
        form = form_of(request)
        return rest.json_response([form.values, [file.filename for file in form.files["file"]]])

    client = testing.HttpClient([rest.Route("POST", "/", endpoint)])
    form: dict[str, str | rest.Upload] = {"name": "x", "file": rest.Upload("a.txt", "text/plain", b"1")}
    assert asyncio.run(client.request("POST", "/", form=form)).json() == [{"name": ["x"]}, ["a.txt"]]


def test_what_breaks_off_is_told() -> None:
    async def endpoint(request: rest.Request) -> rest.Response:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"a"
            raise RuntimeError("disk on fire")

        return rest.Stream(chunks=chunks())

    client = testing.HttpClient([rest.Route("GET", "/", endpoint)])
    with pytest.raises(errors.Unavailable, match="broke off"):
        asyncio.run(client.request("GET", "/"))
