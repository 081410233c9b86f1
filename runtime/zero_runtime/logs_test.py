from __future__ import annotations

import contextvars
import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from zero_runtime import logs
from zero_runtime.config import LogConf
from zero_runtime.observability.trace import Sampler, current_span


def written(capfd: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """What is on stdout and stderr so far."""
    logs.flush()
    return capfd.readouterr()


@pytest.fixture
def log(capfd: pytest.CaptureFixture[str]) -> Iterator[logging.Logger]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    root.handlers = []
    yield logging.getLogger("user-api")
    for handler in root.handlers:
        handler.close()
    root.handlers, level = before
    root.setLevel(level)
    logging.captureWarnings(False)


def test_json(log: logging.Logger, capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogConf(level="debug"), "user-api")
    log.debug(
        "signed up: %s", "名\n", extra={"user": 7, "level": "mine", "when": datetime(2026, 1, 1, tzinfo=UTC)}
    )
    (line,) = written(capfd)[0].splitlines()
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


def test_json_of_exceptions(log: logging.Logger, capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogConf(), "user-api")
    try:
        raise ValueError("no good")
    except ValueError:
        log.exception("failed")
    record = json.loads(written(capfd)[0])
    assert (record["level"], record["content"]) == ("error", "failed")
    assert record["stack"].startswith("Traceback (most recent call last):\n")
    assert record["stack"].endswith("ValueError: no good")


@pytest.mark.parametrize("value", ["\udc80", {1: {object(): 2}}, object()])
def test_nothing_is_too_strange_to_be_logged(
    log: logging.Logger, capfd: pytest.CaptureFixture[str], value: object
) -> None:
    logs.configure(LogConf(), "user-api")
    log.info("odd", extra={"value": value})
    out, err = written(capfd)
    assert "odd" in json.loads(out)["content"]
    assert err == ""


def test_what_is_logged_for_a_call_tells_of_its_trace(
    log: logging.Logger, capfd: pytest.CaptureFixture[str]
) -> None:
    logs.configure(LogConf(), "user-api")
    log.info("before")
    context = contextvars.copy_context()
    span = Sampler(1.0).begin()
    context.run(current_span.set, span)
    context.run(log.info, "within")
    before, within = map(json.loads, written(capfd)[0].splitlines())
    assert "trace" not in before
    assert (within["trace"], within["span"]) == (span.trace_id, span.span_id)


def test_text_tells_of_the_trace_where_something_is_wrong(
    log: logging.Logger, capfd: pytest.CaptureFixture[str]
) -> None:
    logs.configure(LogConf(encoding="plain"), "user-api")
    context = contextvars.copy_context()
    span = Sampler(1.0).begin()
    context.run(current_span.set, span)
    context.run(log.info, "good")
    context.run(log.error, "bad")
    good, bad = written(capfd)[0].splitlines()
    assert good.endswith("user-api: good")
    assert bad.endswith(f"user-api: bad trace={span.trace_id}")


def test_levels(log: logging.Logger, capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogConf(level="warn"), "user-api")
    log.info("a")
    log.warning("b")
    log.critical("c")
    levels = [json.loads(line)["level"] for line in written(capfd)[0].splitlines()]
    assert levels == ["warn", "severe"]


def test_plain_lines_cannot_be_forged(log: logging.Logger, capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogConf(encoding="plain"), "user-api")
    log.info("GET /a\n12:00:00 INFO   user-api: all is well", extra={"status": 200})
    first, second = written(capfd)[0].splitlines()
    assert first.endswith(" INFO   user-api: GET /a")
    assert second == "    12:00:00 INFO   user-api: all is well status=200"
    log.info("GET /a\r\x1b[2K", extra={"path": "\x9b"})
    assert written(capfd)[0].endswith(" user-api: GET /a\\x0d\\x1b[2K path=\\x9b\n")


def test_plain_exceptions_follow_their_line(log: logging.Logger, capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogConf(encoding="plain"), "user-api")
    try:
        raise ValueError("no good")
    except ValueError:
        log.exception("failed")
    lines = written(capfd)[0].splitlines()
    assert lines[0].endswith("ERROR  user-api: failed")
    assert lines[1] == "    Traceback (most recent call last):"
    assert lines[-1] == "    ValueError: no good"


def test_configuring_again_replaces_what_was(log: logging.Logger, capfd: pytest.CaptureFixture[str]) -> None:
    logging.basicConfig(stream=io.StringIO())
    for _ in range(2):
        logs.configure(LogConf(), "user-api")
    log.info("once")
    assert len(written(capfd)[0].splitlines()) == 1
