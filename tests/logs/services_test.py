"""The log of a service with workers, in processes of its own: in a collector, and in files."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.servers.collector import collector
from tests.servers.fluentd import Fluentd, fluentd
from tests.servers.process import free_port

MAIN = """
import os
from zero_runtime import config, rest, service

class Config(config.RestConf, kw_only=True, frozen=True):
    name: config.ServiceName = "test-api"

async def echo(request):
    return rest.json_response(os.getpid())

async def wire(conf, resources):
    return rest.Server(conf, [rest.Route("GET", "/echo/:number", echo)])

service.run(Config, wire)
"""


@contextmanager
def service(folder: Path, log: str, workers: int = 3) -> Iterator[str]:
    """A service whose configuration has this ``Log``; its address. It ends well when it is told to."""
    port = free_port()
    (folder / "main.py").write_text(MAIN)
    conf = f"Host: 127.0.0.1\nPort: {port}\nWorkers: {workers}\nShutdown: {{WrapUpTime: 0s}}\nLog:\n"
    (folder / "conf.yaml").write_text(conf + textwrap.indent(textwrap.dedent(log).strip(), "  "))
    command = [sys.executable, "main.py", "-f", "conf.yaml"]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
        "ZERO_DEV_SERVER__ENABLED": "false",
    }
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE) as process:
        try:
            eventually(lambda: listens(port))
            yield f"http://127.0.0.1:{port}"
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
            assert process.stderr is not None
            assert process.stderr.read() == b""
        finally:
            process.kill()


def eventually(holds: Callable[[], bool], within: float = 20) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return not probe.connect_ex(("127.0.0.1", port))


def requests(url: str, numbers: range) -> None:
    """By several callers with a connection each, so that several workers have some."""

    def call(numbers: range) -> None:
        with httpx.Client(base_url=url) as client:
            for number in numbers:
                assert client.get(f"/echo/{number}").status_code == 200

    with ThreadPoolExecutor(4) as callers:
        list(callers.map(call, [numbers[first::4] for first in range(4)]))


def counted(contents: list[str]) -> Counter[int]:
    """How often each request is told of."""
    return Counter(
        int(content.rpartition("/")[2]) for content in contents if content.startswith("GET /echo/")
    )


def test_nothing_is_lost_when_the_collector_starts_again(tmp_path: Path) -> None:
    with fluentd() as server:
        with service(tmp_path, f"Mode: none\nFluentd: {{Host: 127.0.0.1, Port: {server.port}}}") as url:
            requests(url, range(100))
            server.stop()
            requests(url, range(100, 200))
            server.start()
            requests(url, range(200, 300))
        assert {*counted(server.contents())} == {*range(300)}
        assert {event.tag for event in server.events} == {"test-api"}
        levels = Counter(event.record["level"] for event in server.events)
        assert levels["info"] >= 300
        assert "test-api has stopped" in server.contents()


def test_what_a_collector_has_not_taken_is_sent_after_the_next_start(tmp_path: Path) -> None:
    server = Fluentd()
    server.start()
    server.stop()
    log = f"""
        Mode: none
        Fluentd: {{Host: 127.0.0.1, Port: {server.port}, Spill: spill, Timeout: 1s}}
        """
    with service(tmp_path, log) as url:
        requests(url, range(50))
    assert [*(tmp_path / "spill").iterdir()]
    server.start()
    with service(tmp_path, log, workers=1) as url:
        requests(url, range(50, 60))
        eventually(lambda: len(counted(server.contents())) == 60)
    assert counted(server.contents()) == Counter(range(60))
    assert [*(tmp_path / "spill").iterdir()] == []
    server.stop()
    assert not server.mistakes


def test_files_of_several_workers(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    yesterday = tmp_path / "logs/test-api.log"
    yesterday.write_text('{"content": "yesterday"}\n')
    os.utime(yesterday, (time.time() - 86400,) * 2)
    with service(tmp_path, "Mode: file\nCompress: true") as url:
        requests(url, range(200))
    lines = [json.loads(line) for line in (tmp_path / "logs/test-api.log").read_text().splitlines()]
    assert counted([line["content"] for line in lines]) == Counter(range(200))
    assert lines[-1]["content"] == "test-api has stopped"
    (older,) = (path for path in (tmp_path / "logs").iterdir() if path.name != "test-api.log")
    assert gzip.decompress(older.read_bytes()) == b'{"content": "yesterday"}\n'


def test_a_folder_that_cannot_be_written_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(MAIN)
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        [sys.executable, "main.py"],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
            "ZERO_STATE_DIR": str(tmp_path / "state"),
            "ZERO_LOG__MODE": "file",
            "ZERO_LOG__PATH": "file",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr == "Log.Path: file cannot be written: file exists\n"


def test_the_collector_of_opentelemetry(tmp_path: Path) -> None:
    with collector(tmp_path) as server:
        host, _, port = server.fluentd.partition(":")
        log = f"Mode: none\nFluentd: {{Host: {host}, Port: {port}}}"
        with service(tmp_path, log, workers=2) as url:
            requests(url, range(40))
        eventually(lambda: len(server.logs()) >= 40)
        requested = [
            record for record in server.logs() if record["attributes"].get("logger") == "zero.access"
        ]
        contents = [record["attributes"]["content"] for record in requested]
        assert counted(contents) == Counter(range(40))
        newest = max(int(record["timeUnixNano"]) for record in requested)
        assert abs(newest / 1e9 - time.time()) < 60
        assert all(len(record["attributes"]["trace"]) == 32 for record in requested)
