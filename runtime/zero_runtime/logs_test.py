from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from zero_runtime import logs
from zero_runtime.config import LogConf


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Iterator[logging.Logger]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    root.handlers = []
    yield logging.getLogger("user-api")
    root.handlers, level = before
    root.setLevel(level)
    logging.captureWarnings(False)


def test_json(log: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogConf(level="debug"), "user-api")
    log.debug(
        "signed up: %s", "名\n", extra={"user": 7, "level": "mine", "when": datetime(2026, 1, 1, tzinfo=UTC)}
    )
    (line,) = capsys.readouterr().out.splitlines()
    record = json.loads(line)
    assert datetime.now(UTC) >= datetime.fromisoformat(record.pop("@timestamp"))
    assert record.pop("caller").startswith("zero_runtime/logs_test.py:")
    assert record == {
        "level": "debug",
        "service": "user-api",
        "logger": "user-api",
        "content": "signed up: 名\n",
        "user": 7,
        "when": "2026-01-01T00:00:00Z",
    }


def test_json_of_exceptions(log: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogConf(), "user-api")
    try:
        raise ValueError("no good")
    except ValueError:
        log.exception("failed")
    record = json.loads(capsys.readouterr().out)
    assert (record["level"], record["content"]) == ("error", "failed")
    assert record["stack"].startswith("Traceback (most recent call last):\n")
    assert record["stack"].endswith("ValueError: no good")


@pytest.mark.parametrize("value", ["\udc80", {1: {object(): 2}}, object()])
def test_nothing_is_too_strange_to_be_logged(
    log: logging.Logger, capsys: pytest.CaptureFixture[str], value: object
) -> None:
    logs.configure(LogConf(), "user-api")
    log.info("odd", extra={"value": value})
    captured = capsys.readouterr()
    assert "odd" in json.loads(captured.out)["content"]
    assert captured.err == ""


def test_levels(log: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogConf(level="warn"), "user-api")
    log.info("a")
    log.warning("b")
    log.critical("c")
    levels = [json.loads(line)["level"] for line in capsys.readouterr().out.splitlines()]
    assert levels == ["warn", "severe"]


def test_plain_lines_cannot_be_forged(log: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogConf(encoding="plain"), "user-api")
    log.info("GET /a\n12:00:00 INFO   user-api: all is well", extra={"status": 200})
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith(" INFO   user-api: GET /a")
    assert second == "    12:00:00 INFO   user-api: all is well status=200"


def test_plain_exceptions_follow_their_line(log: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogConf(encoding="plain"), "user-api")
    try:
        raise ValueError("no good")
    except ValueError:
        log.exception("failed")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("ERROR  user-api: failed")
    assert lines[1] == "    Traceback (most recent call last):"
    assert lines[-1] == "    ValueError: no good"


def test_configuring_again_replaces_what_was(log: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    logging.basicConfig(stream=io.StringIO())
    for _ in range(2):
        logs.configure(LogConf(), "user-api")
    log.info("once")
    assert len(capsys.readouterr().out.splitlines()) == 1
