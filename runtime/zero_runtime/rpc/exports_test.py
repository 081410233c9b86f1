from __future__ import annotations

import subprocess
import sys

import pytest

from zero_runtime import rpc

SERVES = """
import asyncio, sys
from zero_runtime import rpc
from zero_runtime.config import RpcServerConf

async def main():
    server = rpc.Server(RpcServerConf(name="x", listen_on="127.0.0.1:0"), ())
    await server.start()
    await server.stop(0)

asyncio.run(main())
heavy = ("grpc", "redis", "prometheus_client", "zero_runtime.rpc.client")
print(*(name for name in heavy if name in sys.modules))
"""


def test_all_names_are_there() -> None:
    for name in rpc.__all__:
        assert getattr(rpc, name) is not None
    with pytest.raises(AttributeError, match="module 'zero_runtime.rpc' has no attribute 'connct'"):
        _ = rpc.connct  # type: ignore[attr-defined]


def test_a_server_loads_no_more_than_it_needs() -> None:
    command = [sys.executable, "-B", "-c", SERVES]
    environ = {"PYTHONPATH": ":".join(sys.path)}
    served = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30)
    assert (served.returncode, served.stdout) == (0, "\n"), served.stderr
