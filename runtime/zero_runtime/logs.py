"""Logging on stdout through the standard library: JSON in go-zero's keys, or text for a terminal.

Lines are written by a thread of their own, within a twentieth of a second; warnings and what is worse, and text, at
once. What a line is logged for is told by ``trace`` and ``span``.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import msgspec

from zero_runtime.config import LogConf
from zero_runtime.observability.output import LineHandler, Output
from zero_runtime.observability.trace import current_span

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "severe": logging.CRITICAL,
}
_NAMES = {number: name for name, number in _LEVELS.items()}

_OWN = {*vars(logging.makeLogRecord({})), "asctime", "message", "taskName"}
"""What every record has; all else came with ``extra=``."""


_SERVERS = {"uvicorn": logging.CRITICAL, "granian": logging.ERROR, "_granian": logging.ERROR}
"""Servers start and stop with the service, which logs that. What they warn of is requests that are no HTTP, and
what uvicorn calls an error is what an application raises, which was logged where it happened."""

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}
"""What a caller could send to move the cursor of a terminal, and overwrite other lines."""

_STDOUT = 1
_DELAY = 0.05
"""Seconds that lines are gathered for: one by one, they would cost several times as much."""


def configure(conf: LogConf, service: str) -> None:
    """Sends everything that this process logs to stdout, as ``conf`` says."""
    json = conf.encoding == "json"
    handler = LineHandler(Output(_STDOUT, _DELAY if json else 0, _tell_of_dropped), json=json)
    handler.setFormatter(Json(service) if json else Plain())
    logging.basicConfig(level=_LEVELS[conf.level], handlers=[handler], force=True)
    logging.captureWarnings(True)
    for server, level in _SERVERS.items():
        logging.getLogger(server).setLevel(level)


def flush() -> None:
    """Writes what was logged so far. The interpreter does so when it exits, but not `os._exit`."""
    for handler in logging.getLogger().handlers:
        handler.flush()


def _tell_of_dropped(lines: int) -> None:
    logging.getLogger("zero.logs").warning("%d lines were dropped while stdout was not read", lines)


class Json(logging.Formatter):
    """One JSON object per record; ``extra=`` gives it further keys."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service
        self._encode = msgspec.json.Encoder(enc_hook=str).encode

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "@timestamp": _time(record).isoformat(timespec="milliseconds"),
            "level": _NAMES.get(record.levelno, record.levelname.lower()),
            "service": self._service,
            "logger": record.name,
            "content": record.getMessage(),
        }
        if record.lineno:
            line["caller"] = f"{'/'.join(record.pathname.split('/')[-2:])}:{record.lineno}"
        if stack := _stack(self, record):
            line["stack"] = stack
        if span := current_span.get():
            line |= {"trace": span.trace_id, "span": span.span_id}
        line |= {key: value for key, value in _extra(record).items() if key not in line}
        try:
            return self._encode(line).decode()
        except (TypeError, ValueError):  # a value that is no JSON, or text that is no Unicode
            return self._encode({key: ascii(value) for key, value in line.items()}).decode()


class Plain(logging.Formatter):
    """One line of text per record, and its stack trace below; every further line is indented."""

    def format(self, record: logging.LogRecord) -> str:
        extra = "".join(f" {key}={value}" for key, value in _extra(record).items())
        if record.levelno >= logging.WARNING and (span := current_span.get()):
            extra += f" trace={span.trace_id}"
        stack = _stack(self, record)
        text = f"{record.getMessage()}{extra}" + (f"\n{stack}" if stack else "")
        time = _time(record).astimezone().strftime("%H:%M:%S")
        level = _NAMES.get(record.levelno, record.levelname).upper()
        return f"{time} {level:<6} {record.name}: " + text.translate(_CONTROLS).replace("\n", "\n    ")


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in vars(record).items() if key not in _OWN}


def _stack(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = []
    if record.exc_info and record.exc_info[0] is not None:
        parts.append(formatter.formatException(record.exc_info))
    if record.stack_info:
        parts.append(record.stack_info)
    return "\n".join(parts)
