from __future__ import annotations

import asyncio

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from tests.servers.accounts import SCHEMA, insert, names
from zero_runtime import errors, rpc, testing


def test_a_database_has_the_tables_and_is_fresh_every_time() -> None:
    async def test() -> None:
        for _ in range(2):
            async with testing.database(SCHEMA) as database:
                assert await names(database) == []
                await insert(database, "a")
                assert await names(database) == ["a"]

    asyncio.run(test())


def test_a_channel_reaches_the_logic() -> None:
    async def shout(request: StringValue) -> StringValue:
        if not request.value:
            raise errors.InvalidArgument("nothing to say")
        return StringValue(value=request.value.upper())

    async def test() -> None:
        service = rpc.Service("test.Voice", (rpc.unary("Shout", shout, StringValue, StringValue),))
        async with testing.channel(service) as channel:
            call = channel.unary("/test.Voice/Shout", StringValue, StringValue)
            assert (await call(StringValue(value="hey"), None)).value == "HEY"
            with pytest.raises(errors.InvalidArgument, match="nothing to say"):
                await call(StringValue(), None)

    asyncio.run(test())
