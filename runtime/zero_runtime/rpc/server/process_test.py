"""A gRPC service in a process of its own: what it says of itself, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.wrappers_pb2 import StringValue

MAIN = """
import asyncio
from google.protobuf.wrappers_pb2 import StringValue
from zero_runtime import config, rpc, service
from zero_runtime.rpc import grpcio

class Config(config.RpcServerConf, kw_only=True, frozen=True):
    name: config.ServiceName = "talk-rpc"

async def say(request):
    await asyncio.sleep(float(request.value or 0))
    return request

async def wire(conf, resources):
    method = rpc.unary_unary("Say", say, StringValue, StringValue)
    return KIND(conf, (rpc.Service("test.Talk", (method,)),))

service.run(Config, wire)
"""

SETTINGS = """
Name: talk-rpc
ListenOn: 127.0.0.1:0
DevServer: {Host: 127.0.0.1, Port: 0}
Shutdown: {WrapUpTime: 300ms, WaitTime: 5s}
"""


class Process:
    """The service, and the lines that it has logged so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []

    def wait_for(self, words: str) -> str:
        """Reads up to the line whose content has these words; returns what follows them."""
        assert self.process.stdout is not None
        for text in self.process.stdout:
            self.lines.append(json.loads(text))
            before, found, after = self.lines[-1]["content"].partition(words)
            if found:
                return str(after)
        raise AssertionError(f"{words!r} is not in {self.lines}")


@contextmanager
def service(folder: Path, kind: str) -> Iterator[Process]:
    (folder / "main.py").write_text(MAIN.replace("KIND", kind))
    (folder / "conf.yaml").write_text(SETTINGS)
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-B", "main.py", "-f", "conf.yaml"]
    with subprocess.Popen(command, env=environ, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        killer = threading.Timer(30, process.kill)
        killer.start()
        try:
            yield Process(process)
        finally:
            killer.cancel()
            process.kill()


@pytest.mark.parametrize("kind", ["rpc.Server", "grpcio.Server"])
def test_no_call_is_lost_when_it_stops(tmp_path: Path, kind: str) -> None:
    with service(tmp_path, kind) as served, ThreadPoolExecutor(4) as threads:
        admin = served.wait_for("health checks are answered on ").removesuffix("/healthz")
        address = served.wait_for("talk-rpc listens on ")
        with grpc.insecure_channel(address) as channel:
            say = channel.unary_unary("/test.Talk/Say", StringValue.SerializeToString, StringValue.FromString)
            assert say(StringValue(value="0")).value == "0"
            served.wait_for("/test.Talk/Say")
            metrics = httpx.get(f"{admin}/metrics").text
            assert 'rpc_server_requests_code_total{code="0",method="/test.Talk/Say"} 1.0' in metrics
            waiting = [threads.submit(say, StringValue(value="1"), timeout=10) for _ in range(4)]
            served.process.send_signal(signal.SIGTERM)
            served.wait_for("talk-rpc stops")
            assert httpx.get(f"{admin}/readyz").status_code == 503
            assert say(StringValue(value="0.01")).value == "0.01"  # balancers may not know yet
            assert [call.result().value for call in waiting] == ["1"] * 4
            served.wait_for("talk-rpc has stopped")
        assert served.process.wait(10) == 0
    calls = [line for line in served.lines if line["logger"] == "zero.access"]
    assert len(calls) == 6
    for line in calls:
        assert (line["service"], line["code"], line["client"]) == ("talk-rpc", "OK", "127.0.0.1")
        assert len(line["trace"]) == 32 and len(line["span"]) == 16
    assert sorted(line["level"] for line in calls) == ["info"] * 2 + ["warn"] * 4
