"""A service of several processes."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from zero_runtime.service_test import Process, in_background, running

ADMIN = {
    "ZERO_DEV_SERVER__ENABLED": "true",
    "ZERO_DEV_SERVER__HOST": "127.0.0.1",
    "ZERO_DEV_SERVER__PORT": "0",
}


def admin(process: Process) -> str:
    return process.wait_for(r"health checks are answered on (http://[0-9.:]+)/healthz")


def processes(url: str, wanted: int) -> set[int]:
    """The processes that answer, once there are as many as ``wanted``."""
    found: set[int] = set()
    end = time.monotonic() + 10
    while len(found) < wanted and time.monotonic() < end:
        found.add(httpx.get(f"{url}/process").json())
    return found


def eventually(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    return holds()


def refuses(url: str) -> bool:
    """Whether no connection is taken any more."""
    try:
        httpx.get(f"{url}/wait/0", timeout=0.2)
    except httpx.ConnectError:
        return True
    except httpx.TransportError:  # taken just before
        pass
    return False


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_workers_share_the_port_and_drain(tmp_path: Path) -> None:
    with running(tmp_path, ZERO_WORKERS="2", **ADMIN) as process:
        health = admin(process)
        url = process.url()
        workers = processes(url, 2)
        assert len(workers) == 2
        assert httpx.get(f"{health}/readyz").status_code == 200
        thread, answers = in_background(f"{url}/wait/1")
        process.wait_for("^waiting")
        process.send(signal.SIGTERM)
        assert eventually(lambda: refuses(url))
        assert not answers
        assert process.end() == 0
        thread.join()
        assert answers[0].json() == "done"
        assert [line for line in process.logged() if "stop" in line and "ERROR" not in line]
        assert process.lines.count("closed") == 2
        assert process.errors == ""
        assert not any(map(runs, workers))


def test_a_worker_that_dies_is_started_again(tmp_path: Path) -> None:
    with running(tmp_path, ZERO_WORKERS="2", **ADMIN) as process:
        health = admin(process)
        url = process.url()
        one, _ = processes(url, 2)
        os.kill(one, signal.SIGKILL)
        process.wait_for(r"worker [12] ended with status 137 and is started again in 1 s")
        assert httpx.get(f"{health}/readyz").status_code == 200  # there is another one
        later = processes(url, 2)
        assert one not in later
        assert len(later) == 2


def test_it_is_not_ready_before_a_worker_is(tmp_path: Path) -> None:
    with running(tmp_path, ZERO_WORKERS="2", ZERO_START="slowly", **ADMIN) as process:
        health = admin(process)
        assert httpx.get(f"{health}/healthz").status_code == 200
        assert httpx.get(f"{health}/readyz").status_code == 503
        process.send(signal.SIGTERM)
        assert process.end() == 0


def test_it_is_not_ready_any_more_while_it_drains(tmp_path: Path) -> None:
    with running(tmp_path, ZERO_WORKERS="2", ZERO_SHUTDOWN__WRAP_UP_TIME="1h", **ADMIN) as process:
        health = admin(process)
        url = process.url()
        process.send(signal.SIGTERM)
        assert eventually(lambda: httpx.get(f"{health}/readyz").status_code == 503)
        assert httpx.get(f"{url}/wait/0").json() == "done"
        workers = processes(url, 2)
        process.send(signal.SIGTERM)
        assert process.end() == -signal.SIGTERM
        assert eventually(lambda: not any(map(runs, workers)))


def test_a_signal_of_the_terminal_drains_once(tmp_path: Path) -> None:
    with running(tmp_path, ZERO_WORKERS="2") as process:
        url = process.url()
        thread, answers = in_background(f"{url}/wait/0.5")
        process.wait_for("^waiting")
        process.send_to_all(signal.SIGINT)
        assert process.end() == 0
        thread.join()
        assert answers[0].json() == "done"


def test_workers_do_not_outlive_their_keeper(tmp_path: Path) -> None:
    with running(tmp_path, ZERO_WORKERS="2", **ADMIN) as process:
        health = admin(process)
        workers = processes(process.url(), 2)
        process.send(signal.SIGKILL)
        assert eventually(lambda: not any(map(runs, workers)))
        with pytest.raises(httpx.ConnectError):
            while True:
                httpx.get(f"{health}/healthz")


@pytest.mark.parametrize(
    ("start", "status", "line"),
    [
        ("misconfigured", 2, "the configuration cannot be used: DataSource: there is no driver for `oracle`"),
        ("unavailable", 1, "cannot start: UNAVAILABLE: no database at db:3306"),
    ],
)
def test_starts_that_fail(tmp_path: Path, start: str, status: int, line: str) -> None:
    with running(tmp_path, ZERO_WORKERS="2", ZERO_START=start, **ADMIN) as process:
        assert process.end() == status
        assert any(each.endswith(line) for each in process.lines)


@pytest.mark.parametrize("key", ["ZERO_PORT", "ZERO_DEV_SERVER__PORT"])
def test_a_port_that_is_taken(tmp_path: Path, key: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with running(tmp_path, **{"ZERO_WORKERS": "2", **ADMIN, key: port}) as process:
            assert process.end() == 1
            text = f"cannot start: cannot listen on 127.0.0.1:{port}: address already in use"
            assert any(line.endswith(text) for line in process.lines)
