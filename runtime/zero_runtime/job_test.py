from __future__ import annotations

import json
import re
import signal
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.servers.program import Program

JOB = '''
from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack

from zero_runtime import config, errors, job


class Config(config.JobConf, kw_only=True, frozen=True):
    """Configuration of the service ``test-job``."""

    name: config.ServiceName = "test-job"
    how: str = ""


class Sweep:
    def __init__(self, config_: Config) -> None:
        self._how = config_.how

    async def run(self) -> None:
        logging.getLogger("test-job").info("sweeping")
        if self._how.startswith("bug"):
            raise RuntimeError("a bug")
        if self._how == "unavailable":
            raise errors.Unavailable("no database at db:3306")
        if self._how == "cancelled":
            raise asyncio.CancelledError
        if self._how in ("long", "thorough"):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                print("cleaning up", flush=True)
                if self._how == "long":
                    raise
        if self._how == "stubborn":
            while True:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    print("ignored", flush=True)


def lose() -> None:
    raise ConnectionError("the connection is lost")


async def wire(config_: Config, resources: AsyncExitStack) -> job.Job:
    resources.callback(lambda: print("closed", flush=True))
    if config_.how.endswith("lost at the end"):
        resources.callback(lose)
    if config_.how == "slow start":
        print("starting", flush=True)
        await asyncio.sleep(60)
    if config_.how == "misconfigured":
        raise config.InvalidValue("DataSource: there is no driver for `oracle`")
    if config_.how == "no start":
        raise errors.Unavailable("no database at db:3306")
    return Sweep(config_)


if __name__ == "__main__":
    job.run(Config, wire)
'''


@contextmanager
def running(folder: Path, *arguments: str, **environ: str) -> Iterator[Program]:
    run = Program(folder, JOB, *arguments, **environ)
    with run.watched():
        yield run


def end(run: Program) -> tuple[int, list[str], str]:
    """Exit status, standard output in lines, standard error."""
    status = run.end()
    return status, run.lines, run.errors


def ended(folder: Path, *arguments: str, **environ: str) -> tuple[int, list[str], str]:
    with running(folder, *arguments, **environ) as run:
        return end(run)


def logged(lines: list[str]) -> list[str]:
    """The lines of the log, without their times; another thread writes them than what is printed."""
    return [line[9:] for line in lines if re.match(r"\d\d:\d\d:\d\d ", line)]


def test_work_that_is_done_ends_with_status_0(tmp_path: Path) -> None:
    status, lines, errors = ended(tmp_path)
    assert (status, errors) == (0, "")
    assert "closed" in lines
    starts, sweeps, done = logged(lines)
    assert starts == "INFO   zero.service: test-job starts with embedded defaults"
    assert sweeps == "INFO   test-job: sweeping"
    assert re.fullmatch(r"INFO   zero\.job: test-job is done duration=\d+\.\dms", done)


@pytest.mark.parametrize(
    ("how", "cause"),
    [
        ("bug", "RuntimeError: a bug"),
        ("unavailable", "zero_runtime.errors.Unavailable: UNAVAILABLE: no database at db:3306"),
        ("cancelled", "asyncio.exceptions.CancelledError"),
    ],
)
def test_work_that_fails_ends_with_status_1_and_its_traceback(tmp_path: Path, how: str, cause: str) -> None:
    status, lines, errors = ended(tmp_path, ZERO_HOW=how)
    assert (status, errors) == (1, "")
    assert "closed" in lines
    assert re.fullmatch(r"ERROR  zero\.job: test-job failed duration=\S+ trace=\w+", logged(lines)[-1])
    assert f"    {cause}" in lines


@pytest.mark.parametrize(("how", "status"), [("lost at the end", 0), ("bug, lost at the end", 1)])
def test_what_cannot_be_closed_is_logged_and_changes_nothing(tmp_path: Path, how: str, status: int) -> None:
    found, lines, errors = ended(tmp_path, ZERO_HOW=how)
    assert (found, errors) == (status, "")
    assert "test-job could not close all that it had opened" in logged(lines)[-1]
    assert {"closed", "    ConnectionError: the connection is lost"} <= {*lines}


@pytest.mark.parametrize(
    ("how", "status", "line"),
    [
        ("misconfigured", 2, "the configuration cannot be used: DataSource: there is no driver for `oracle`"),
        ("no start", 1, "cannot start: UNAVAILABLE: no database at db:3306"),
    ],
)
def test_starts_that_fail(tmp_path: Path, how: str, status: int, line: str) -> None:
    found, lines, errors = ended(tmp_path, ZERO_HOW=how)
    assert (found, errors) == (status, "")
    assert logged(lines)[-1] == f"SEVERE zero.service: {line}"
    assert "closed" in lines


def test_a_wrong_configuration_ends_with_status_2(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text("Port: 1\n")
    assert ended(tmp_path, "-f", "job.yaml") == (2, [], "job.yaml:1:1: Port: unknown key\n")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_cancels_the_run(tmp_path: Path, number: signal.Signals, status: int) -> None:
    with running(tmp_path, ZERO_HOW="long") as run:
        run.wait_for("sweeping")
        run.send(number)
        found, lines, errors = end(run)
    assert (found, errors) == (status, "")
    assert [line for line in lines if line in ("cleaning up", "closed")] == ["cleaning up", "closed"]
    last = f"ERROR  zero.job: test-job was ended by {number.name}"
    assert re.fullmatch(rf"{last} trace=\w+", logged(lines)[-1])


def test_a_run_that_comes_to_its_end_all_the_same_is_done(tmp_path: Path) -> None:
    with running(tmp_path, ZERO_HOW="thorough") as run:
        run.wait_for("sweeping")
        run.send(signal.SIGTERM)
        status, lines, _ = end(run)
    assert status == 0
    assert "test-job is done" in logged(lines)[-1]


def test_a_signal_while_it_starts(tmp_path: Path) -> None:
    with running(tmp_path, ZERO_HOW="slow start") as run:
        run.wait_for("^starting")
        run.send(signal.SIGTERM)
        status, lines, errors = end(run)
    assert (status, errors) == (143, "")
    assert "closed" in lines
    assert logged(lines)[-1] == "ERROR  zero.job: test-job was ended by SIGTERM"


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    with running(tmp_path, ZERO_HOW="stubborn") as run:
        run.wait_for("sweeping")
        run.send(signal.SIGTERM)
        run.wait_for("^ignored")
        run.send(signal.SIGTERM)
        assert run.end() == -signal.SIGTERM


@pytest.mark.parametrize(("how", "failed"), [("", False), ("bug", True)])
def test_a_run_is_a_span_and_its_lines_tell_of_it(tmp_path: Path, how: str, failed: bool) -> None:
    spans = tmp_path / "spans.json"
    (tmp_path / "job.yaml").write_text(
        json.dumps({"How": how, "Telemetry": {"Batcher": "file", "Endpoint": str(spans)}})
    )
    _, lines, errors = ended(tmp_path, "-f", "job.yaml")
    assert errors == ""
    ((span,),) = (
        scope["spans"]
        for line in spans.read_text().splitlines()
        for resource in json.loads(line)["resourceSpans"]
        for scope in resource["scopeSpans"]
    )
    assert (span["name"], span["kind"], "parentSpanId" in span) == ("test-job", 1, False)
    assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
    assert ("status" in span) is failed
    told = [json.loads(line) for line in lines if line.startswith("{")]
    assert {line["trace"] for line in told[1:]} == {span["traceId"]}
    assert told[1]["content"] == "sweeping"
    assert told[2]["level"] == ("error" if failed else "info")


def test_the_administration_port_is_there_on_demand(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text(textwrap.dedent("""
        How: long
        DevServer: {Enabled: true, Host: 127.0.0.1, Port: 0}
        """))
    with running(tmp_path, "-f", "job.yaml") as run:
        health = run.wait_for(r"health checks are answered on (http://[0-9.:]+/healthz)")
        assert httpx.get(health).status_code == 200
        assert "process_cpu_seconds_total" in httpx.get(health.replace("/healthz", "/metrics")).text
        run.send(signal.SIGTERM)
        assert run.end() == 143


def test_without_demand_nothing_is_served(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text("Mode: pro\n")
    _, lines, _ = ended(tmp_path, "-f", "job.yaml")
    assert not [line for line in lines if "health checks" in line]
