"""Logging on stdout through the standard library: JSON in go-zero's keys, or text for a terminal."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec

from zero_runtime.config import LogConf

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


def configure(conf: LogConf, service: str) -> None:
    """Sends everything that this process logs to stdout, as ``conf`` says."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Json(service) if conf.encoding == "json" else Plain())
    logging.basicConfig(level=_LEVELS[conf.level], handlers=[handler], force=True)
    logging.captureWarnings(True)
    # Its starts and stops are logged by the service, and what it warns of is requests that are no HTTP.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)


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
        line |= {key: value for key, value in _extra(record).items() if key not in line}
        try:
            return self._encode(line).decode()
        except (TypeError, ValueError):  # a value that is no JSON, or text that is no Unicode
            return self._encode({key: ascii(value) for key, value in line.items()}).decode()


class Plain(logging.Formatter):
    """One line of text per record, and its stack trace below; every further line is indented."""

    def format(self, record: logging.LogRecord) -> str:
        extra = "".join(f" {key}={value}" for key, value in _extra(record).items())
        stack = _stack(self, record)
        text = f"{record.getMessage()}{extra}" + (f"\n{stack}" if stack else "")
        time = _time(record).astimezone().strftime("%H:%M:%S")
        level = _NAMES.get(record.levelno, record.levelname).upper()
        return f"{time} {level:<6} {record.name}: " + text.replace("\n", "\n    ")


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
