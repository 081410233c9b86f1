"""Generated services and clients at work, over a socket."""

import asyncio
import importlib
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from zero_codegen.cli import main
from zero_runtime import errors, testing

FILES = {
    "counter.proto": """
syntax = "proto3";
package calls_test;
import "calls_test_contract/amounts.proto";
import "google/protobuf/empty.proto";

service Counter {
  rpc Import(Amount) returns (Amount);
  rpc Reset(google.protobuf.Empty) returns (google.protobuf.Empty) {
    option idempotency_level = IDEMPOTENT;
  }
  rpc Wait(google.protobuf.Empty) returns (google.protobuf.Empty);
  rpc CountDown(Amount) returns (stream Amount);
  rpc Sum(stream Amount.Part) returns (Amount);
  rpc Running(stream Amount.Part) returns (stream Amount);
}

service Clock {
  rpc Tick(google.protobuf.Empty) returns (stream google.protobuf.Empty);
}
""",
    # Reached by way of another file, and in proto2.
    "amounts.proto": 'syntax = "proto3"; import public "calls_test_contract/amount.proto";',
    "amount.proto": """
syntax = "proto2";
package calls_test;

message Amount {
  message Part {
    required int64 value = 1;
  }
  optional int64 value = 1 [default = 7];
}
""",
}


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The generated module `calls_test_contract.counter_rpc`."""
    root = tmp_path_factory.mktemp("root")
    folder = root / "calls_test_contract"
    folder.mkdir()
    for name, text in FILES.items():
        Path(folder, name).write_text(text)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(root)
        monkeypatch.syspath_prepend(root)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        contracts = [f"calls_test_contract/{name}" for name in FILES]
        assert main(["rpc", "generate", "--out", str(root), *contracts]) == 0
        yield importlib.import_module("calls_test_contract.counter_rpc")


def run(module: Any, use: Any) -> None:
    class Logic(module.CounterRpc, module.ClockRpc):  # type: ignore[misc]
        """Both services of the proto."""

        def __init__(self) -> None:
            self.total = 0

        async def import_(self, request: Any) -> Any:
            if request.value < 0:
                raise errors.InvalidArgument(
                    "below zero", fields=(errors.FieldError("value", "is below zero"),)
                )
            self.total += request.value
            return module.Amount(value=self.total)

        async def reset(self, request: Any) -> Any:
            self.total = 0
            return request

        async def wait(self, request: Any) -> Any:
            await asyncio.sleep(30)
            return request

        async def count_down(self, request: Any) -> AsyncIterator[Any]:
            for value in range(request.value, 0, -1):
                yield module.Amount(value=value)
            if request.value > 3:
                raise errors.ResourceExhausted("too far")

        async def sum(self, requests: AsyncIterator[Any]) -> Any:
            return module.Amount(value=sum([part.value async for part in requests]))

        async def running(self, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
            total = 0
            async for part in requests:
                total += part.value
                yield module.Amount(value=total)

        async def tick(self, request: Any) -> AsyncIterator[Any]:
            while True:
                yield request
                await asyncio.sleep(0)

    async def call() -> None:
        logic = Logic()
        services = module.counter_service(logic), module.clock_service(logic)
        async with asyncio.timeout(20), testing.channel(*services) as channel:
            await use(module.CounterClient(channel), module.ClockClient(channel))

    asyncio.run(call())


async def parts(module: Any, *values: int) -> AsyncIterator[Any]:
    for value in values:
        yield module.Amount.Part(value=value)


def test_a_call_is_answered_by_the_logic(module: Any) -> None:
    async def use(client: Any, _: Any) -> None:
        assert (await client.import_(module.Amount(value=2**62))).value == 2**62
        assert await client.reset(module.Empty()) == module.Empty()
        assert (await client.import_(module.Amount(), timeout=5)).value == 7

    run(module, use)


def test_messages_stream_to_the_client(module: Any) -> None:
    async def use(client: Any, clock: Any) -> None:
        async with client.count_down(module.Amount(value=3)) as amounts:
            assert [amount.value async for amount in amounts] == [3, 2, 1]
        async with clock.tick(module.Empty()) as ticks:  # and is left
            assert await anext(ticks) == module.Empty()

    run(module, use)


def test_messages_stream_to_the_server(module: Any) -> None:
    async def use(client: Any, _: Any) -> None:
        assert (await client.sum(parts(module, 1, 2, 3))).value == 6
        assert await client.sum(parts(module)) == module.Amount(value=0)

    run(module, use)


def test_messages_stream_both_ways(module: Any) -> None:
    async def use(client: Any, _: Any) -> None:
        sent = asyncio.Queue[int]()

        async def from_queue() -> AsyncIterator[Any]:
            while value := await sent.get():
                yield module.Amount.Part(value=value)

        totals = []
        async with client.running(from_queue(), timeout=10) as running:
            sent.put_nowait(1)
            async for total in running:
                totals.append(total.value)
                sent.put_nowait(3 - len(totals))
        assert totals == [1, 3, 4]

    run(module, use)


def test_an_error_of_the_logic_is_raised_by_the_client(module: Any) -> None:
    async def use(client: Any, _: Any) -> None:
        with pytest.raises(errors.InvalidArgument) as raised:
            await client.import_(module.Amount(value=-1))
        assert raised.value.message == "below zero"
        assert raised.value.fields == (errors.FieldError("value", "is below zero"),)
        values = []
        with pytest.raises(errors.ResourceExhausted, match="too far"):
            async for amount in client.count_down(module.Amount(value=4)):
                values.append(amount.value)
        assert values == [4, 3, 2, 1]

    run(module, use)


def test_a_call_ends_with_its_timeout(module: Any) -> None:
    async def use(client: Any, clock: Any) -> None:
        with pytest.raises(errors.DeadlineExceeded):
            await client.wait(module.Empty(), timeout=0.05)
        with pytest.raises(errors.DeadlineExceeded):
            async for _ in clock.tick(module.Empty(), timeout=0.05):
                pass

    run(module, use)


def test_logic_has_to_implement_every_method(module: Any) -> None:
    with pytest.raises(TypeError, match=r"count_down.*import_.*reset.*running.*sum.*wait"):
        module.CounterRpc()
