from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers.program import Program

SERVICE = '''
from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack

from zero_runtime import config, errors, rest, service


class Config(config.RestConf, kw_only=True, frozen=True):
    """Configuration of the service ``test-api``."""

    name: config.ServiceName = "test-api"
    auth: config.JwtConf
    start: str = ""


async def wait(request: rest.Request) -> rest.Response:
    print("waiting", flush=True)
    await asyncio.sleep(float(request.path_values["seconds"]))
    return rest.json_response("done")


async def identify(request: rest.Request) -> rest.Response:
    return rest.json_response(os.getpid())


async def wire(config_: Config, resources: AsyncExitStack) -> service.Server:
    resources.callback(lambda: print("closed", flush=True))
    if config_.start == "slowly":
        print("starting", flush=True)
        await asyncio.sleep(60)
    if config_.start == "misconfigured":
        raise config.InvalidValue("DataSource: there is no driver for `oracle`")
    if config_.start == "unavailable":
        raise errors.Unavailable("no database at db:3306")
    if config_.start == "fileless":
        open("/no/such/file")
    if config_.start == "broken":
        raise RuntimeError("a bug")
    routes = [rest.Route("GET", "/wait/:seconds", wait), rest.Route("GET", "/process", identify)]
    return rest.Server(config_, routes)


if __name__ == "__main__":
    service.run(Config, wire)
'''


_PRINTED = {"starting", "waiting", "closed"}


class Process(Program):
    """A service in a process of its own."""

    def __init__(self, folder: Path, *arguments: str, **environ: str) -> None:
        super().__init__(folder, SERVICE, *arguments, **{"ZERO_PORT": "0", **environ})

    def url(self) -> str:
        return self.wait_for(r"test-api listens on (http://[0-9.:]+)")

    def logged(self) -> list[str]:
        """The lines of the log: another thread writes them than what is printed."""
        return [line for line in self.lines if line not in _PRINTED]


@contextlib.contextmanager
def running(folder: Path, *arguments: str, **environ: str) -> Iterator[Process]:
    process = Process(folder, *arguments, **environ)
    with process.watched():
        yield process


def in_background(url: str) -> tuple[threading.Thread, list[Any]]:
    answers: list[Any] = []

    def get() -> None:
        try:
            answers.append(httpx.get(url, timeout=30))
        except httpx.HTTPError as error:
            answers.append(error)

    thread = threading.Thread(target=get)
    thread.start()
    return thread, answers


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_ends_with_status_0(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path) as process:
        url = process.url()
        thread, answers = in_background(f"{url}/wait/0.5")
        process.wait_for("^waiting")
        process.send(number)
        assert process.end() == 0
        thread.join()
        assert answers[0].json() == "done"
        assert "closed" in process.lines
        assert process.logged()[-1].endswith("test-api has stopped")
        assert process.errors == ""


def test_a_signal_while_starting_ends_with_status_0(tmp_path: Path) -> None:
    with running(tmp_path, ZERO_START="slowly") as process:
        process.wait_for("^starting")
        process.send(signal.SIGTERM)
        assert process.end() == 0
        assert "closed" in process.lines
        assert process.errors == ""


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    with running(tmp_path, ZERO_TIMEOUT="0", ZERO_SHUTDOWN__WAIT_TIME="1h") as process:
        url = process.url()
        thread, answers = in_background(f"{url}/wait/60")
        process.wait_for("^waiting")
        process.send(signal.SIGTERM)
        process.wait_for("test-api stops")
        process.send(signal.SIGTERM)
        assert process.end() == -signal.SIGTERM
        thread.join()
        assert isinstance(answers[0], httpx.HTTPError)
        assert "Traceback" not in process.errors


def test_what_takes_longer_than_the_grace_is_given_up(tmp_path: Path) -> None:
    with running(tmp_path, ZERO_TIMEOUT="0", ZERO_SHUTDOWN__WAIT_TIME="100ms") as process:
        url = process.url()
        thread, answers = in_background(f"{url}/wait/60")
        process.wait_for("^waiting")
        process.send(signal.SIGTERM)
        assert process.end() == 0
        thread.join()
        assert answers[0].status_code == 503


def test_health_checks_tell_when_it_takes_work(tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text(textwrap.dedent("""
        Host: 127.0.0.1
        Auth: {AccessSecret: 0123456789abcdef0123456789abcdef}
        DevServer: {Host: 127.0.0.1, Port: 0, HealthPath: /alive, ReadyPath: /ready}
        Shutdown: {WrapUpTime: 1h}
        """))
    with running(tmp_path, "-f", "api.yaml") as process:
        health = process.wait_for(r"health checks are answered on (http://[0-9.:]+/alive)")
        ready = health.replace("/alive", "/ready")
        url = process.url()
        for path in (health, ready):
            assert (httpx.get(path).status_code, httpx.get(path).text) == (200, "OK")
        process.send(signal.SIGTERM)
        process.wait_for("test-api stops")
        assert (httpx.get(health).status_code, httpx.get(ready).status_code) == (200, 503)
        assert httpx.get(f"{url}/wait/0").json() == "done"
        assert "process_cpu_seconds_total" in httpx.get(health.replace("/alive", "/metrics")).text
        process.send(signal.SIGTERM)
        process.end()
        assert {json.loads(line)["service"] for line in process.lines if line.startswith("{")} == {"test-api"}


def test_without_a_file_there_is_no_health_port_and_plain_logs(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        process.url()
        assert len(process.lines) == 2
        assert re.fullmatch(
            r"\d\d:\d\d:\d\d INFO   zero.service: test-api starts with embedded defaults", process.lines[0]
        )


def test_health_checks_fail_while_it_starts(tmp_path: Path) -> None:
    environ = {"ZERO_DEV_SERVER__ENABLED": "true", "ZERO_DEV_SERVER__PORT": "0", "ZERO_START": "slowly"}
    with running(tmp_path, **environ) as process:
        health = process.wait_for(r"health checks are answered on (http://\S+)").replace(
            "0.0.0.0", "127.0.0.1"
        )
        process.wait_for("^starting")
        assert httpx.get(health).status_code == 200
        assert httpx.get(health.replace("/healthz", "/readyz")).status_code == 503


def test_mistakes_in_the_configuration_end_with_status_2(tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text("Prot: 1\nTimeout: x\n")
    with running(tmp_path, "-f", "api.yaml", ZERO_LOG__LEVEL="loud") as process:
        assert process.end() == 2
        assert process.lines == []
        assert process.errors.splitlines() == [
            "environment variable ZERO_LOG__LEVEL: Log.Level: must be one of "
            "`debug`, `info`, `warn`, `error`, `severe`",
            "api.yaml:2:1: Timeout: expected an integer, got a string",
            "api.yaml: Auth.AccessSecret: is required",
            "  = hint: set it in the file, or set ZERO_AUTH__ACCESS_SECRET in the environment",
            "api.yaml:1:1: Prot: unknown key; did you mean `Port`?",
        ]


@pytest.mark.parametrize(
    ("arguments", "environ", "error"),
    [
        (["-f", "none.yaml"], {}, "none.yaml: cannot be read: No such file or directory\n"),
        ([], {"ZERO_CONFIG": "none.yaml"}, "none.yaml: cannot be read: No such file or directory\n"),
        (["-f", "main.py"], {}, None),
        (["--port", "1"], {}, None),
        ([], {"ZERO_STATE_DIR": "/dev/null"}, None),
    ],
)
def test_starts_that_are_refused(
    tmp_path: Path, arguments: list[str], environ: dict[str, str], error: str | None
) -> None:
    with running(tmp_path, *arguments, **environ) as process:
        assert process.end() == 2
        assert error is None or process.errors == error
        assert process.errors
        assert "Traceback" not in process.errors


@pytest.mark.parametrize(
    ("start", "status", "line"),
    [
        ("misconfigured", 2, "the configuration cannot be used: DataSource: there is no driver for `oracle`"),
        ("unavailable", 1, "cannot start: UNAVAILABLE: no database at db:3306"),
        ("fileless", 1, "cannot start: [Errno 2] No such file or directory: '/no/such/file'"),
    ],
)
def test_starts_that_fail(tmp_path: Path, start: str, status: int, line: str) -> None:
    with running(tmp_path, ZERO_START=start) as process:
        assert process.end() == status
        assert "closed" in process.lines
        assert process.logged()[-1].endswith(f"SEVERE zero.service: {line}")
        assert process.errors == ""


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running(tmp_path, ZERO_PORT=str(port)) as process:
            assert process.end() == 1
            assert process.logged()[-1].endswith(
                f"cannot start: cannot listen on 127.0.0.1:{port}: address already in use"
            )


def test_a_bug_ends_with_its_traceback(tmp_path: Path) -> None:
    with running(tmp_path, ZERO_START="broken") as process:
        assert process.end() == 1
        assert process.logged()[-1] == "    RuntimeError: a bug"
        assert process.errors == ""


def test_help_names_the_file_and_its_variable(tmp_path: Path) -> None:
    with running(tmp_path, "--help") as process:
        assert process.end() == 0
        assert "Configuration of the service" in process.lines[2]
        assert "$ZERO_CONFIG" in "\n".join(process.lines)
