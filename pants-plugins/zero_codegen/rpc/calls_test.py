"""Generated services and clients at work, over a socket."""

import asyncio
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from zero_codegen.cli import main
from zero_runtime import errors, testing

CONTRACT = """
syntax = "proto3";
package calls_test;
import "google/protobuf/empty.proto";

service Counter {
  rpc Import(Amount) returns (Amount);
  rpc Reset(google.protobuf.Empty) returns (google.protobuf.Empty);
  rpc Wait(google.protobuf.Empty) returns (google.protobuf.Empty);
}

message Amount { int64 value = 1; }
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The generated module `calls_test_contract.counter_rpc`."""
    root = tmp_path_factory.mktemp("root")
    folder = root / "calls_test_contract"
    folder.mkdir()
    Path(folder, "counter.proto").write_text(CONTRACT)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(root)
        monkeypatch.syspath_prepend(root)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        assert main(["rpc", "generate", "--out", str(root), "calls_test_contract/counter.proto"]) == 0
        yield importlib.import_module("calls_test_contract.counter_rpc")


def run(module: Any, use: Any) -> None:
    class Logic(module.CounterRpc):  # type: ignore[misc]
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

    async def call() -> None:
        async with asyncio.timeout(20), testing.channel(module.counter_service(Logic())) as channel:
            await use(module.CounterClient(channel))

    asyncio.run(call())


def test_a_call_is_answered_by_the_logic(module: Any) -> None:
    async def use(client: Any) -> None:
        assert (await client.import_(module.Amount(value=2**62))).value == 2**62
        assert await client.reset(module.Empty()) == module.Empty()
        assert (await client.import_(module.Amount(value=3), timeout=5)).value == 3

    run(module, use)


def test_an_error_of_the_logic_is_raised_by_the_client(module: Any) -> None:
    async def use(client: Any) -> None:
        with pytest.raises(errors.InvalidArgument) as raised:
            await client.import_(module.Amount(value=-1))
        assert raised.value.message == "below zero"
        assert raised.value.fields == (errors.FieldError("value", "is below zero"),)

    run(module, use)


def test_a_call_ends_with_its_timeout(module: Any) -> None:
    async def use(client: Any) -> None:
        with pytest.raises(errors.DeadlineExceeded):
            await client.wait(module.Empty(), timeout=0.05)

    run(module, use)


def test_logic_has_to_implement_every_method(module: Any) -> None:
    with pytest.raises(TypeError, match=r"import_.*reset.*wait"):
        module.CounterRpc()
