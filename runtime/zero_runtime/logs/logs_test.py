from __future__ import annotations

import contextvars
import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tests.servers.fluentd import fluentd
from zero_runtime import logs
from zero_runtime.config import FluentdConf, LogConf
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
    assert record.pop("caller").startswith("logs/logs_test.py:")
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


def test_files(log: logging.Logger, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    logs.configure(LogConf(mode="file", path=str(tmp_path)), "user-api")
    log.info("a")
    logs.configure(LogConf(mode="file", path=str(tmp_path), encoding="plain"), "user-api")
    log.info("b")
    assert written(capfd) == ("", "")
    first, second = (tmp_path / "user-api.log").read_text().splitlines()
    assert json.loads(first)["content"] == "a"
    assert second.endswith(" INFO   user-api: b")


def test_a_collector_has_the_lines_as_well(log: logging.Logger, capfd: pytest.CaptureFixture[str]) -> None:
    with fluentd() as collector:
        logs.configure(LogConf(fluentd=FluentdConf(host="127.0.0.1", port=collector.port)), "user-api")
        log.info("a")
        logs.close()
        (event,) = collector.events
        assert event.record == json.loads(written(capfd)[0])
        assert event.tag == "user-api"


def test_a_collector_has_the_keys_of_what_is_text_on_the_terminal(
    log: logging.Logger, capfd: pytest.CaptureFixture[str]
) -> None:
    with fluentd() as collector:
        to = FluentdConf(host="127.0.0.1", port=collector.port)
        logs.configure(LogConf(encoding="plain", fluentd=to), "user-api")
        log.info("a", extra={"user": 7})
        logs.close()
        (event,) = collector.events
        assert written(capfd)[0].endswith(" INFO   user-api: a user=7\n")
        assert (event.record["content"], event.record["user"]) == ("a", 7)


def test_a_collector_may_have_them_alone(log: logging.Logger, capfd: pytest.CaptureFixture[str]) -> None:
    with fluentd() as collector:
        logs.configure(
            LogConf(
                mode="none", encoding="plain", fluentd=FluentdConf(host="127.0.0.1", port=collector.port)
            ),
            "user-api",
        )
        log.info("a")
        logs.close()
        assert collector.contents() == ["a"]
        assert written(capfd) == ("", "")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"Host": "fluentd:24224"}, "Host has a port in it, which is a key of its own, Port"),
        ({"User": "zero"}, "only one of User and Pass is given"),
        (
            {"User": "zero", "Pass": "word"},
            "User is given without SharedKey: a collector asks for both, or for the key alone",
        ),
        ({"CACertFile": "ca.pem"}, "CACertFile is given, but Tls is false"),
    ],
)
def test_settings_that_do_not_fit_together(settings: dict[str, str], reason: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=f"^{reason}"):
        msgspec.convert({"Fluentd": settings}, LogConf)
