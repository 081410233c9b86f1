"""What a line of the log looks like: JSON in go-zero's keys, or text for a terminal."""

from __future__ import annotations

import logging
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from zero_runtime.observability.output import legible, timestamp
from zero_runtime.observability.trace import current_span

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "severe": logging.CRITICAL,
}
_NAMES = {number: name for name, number in LEVELS.items()}

_OWN = {*vars(logging.makeLogRecord({})), "asctime", "message", "taskName"}
"""What every record has; all else came with ``extra=``."""

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}
"""What a caller could send to move the cursor of a terminal, and overwrite other lines."""


class Json(logging.Formatter):
    """One JSON object per record; ``extra=`` gives it further keys."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service
        self._encode = msgspec.json.Encoder(enc_hook=str).encode

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "@timestamp": timestamp(record.created),
            "level": _NAMES.get(record.levelno, record.levelname.lower()),
            "service": self._service,
            "logger": record.name,
            "content": record.getMessage(),
        }
        if record.lineno:
            line["caller"] = f"{_short(record.pathname)}:{record.lineno}"
        if stack := _stack(self, record):
            line["stack"] = stack
        if span := current_span.get():
            line["trace"] = span.trace_id
            line["span"] = span.span_id
        for key, value in vars(record).items():
            if key not in _OWN and key not in line:
                line[key] = value
        try:
            return self._encode(line).decode()
        except (TypeError, ValueError):  # a value that is no JSON, or text that is no Unicode
            return self._encode({key: legible(value) for key, value in line.items()}).decode()


class Plain(logging.Formatter):
    """One line of text per record, and its stack trace below; every further line is indented."""

    def format(self, record: logging.LogRecord) -> str:
        extra = "".join(f" {key}={value}" for key, value in _extra(record).items())
        if record.levelno >= logging.WARNING and (span := current_span.get()):
            extra += f" trace={span.trace_id}"
        stack = _stack(self, record)
        text = f"{record.getMessage()}{extra}" + (f"\n{stack}" if stack else "")
        time = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        level = _NAMES.get(record.levelno, record.levelname).upper()
        return f"{time} {level:<6} {record.name}: " + text.translate(_CONTROLS).replace("\n", "\n    ")


@lru_cache(maxsize=1024)
def _short(path: str) -> str:
    """The name of a file, with its folder."""
    return "/".join(path.split("/")[-2:])


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in vars(record).items() if key not in _OWN}


def _stack(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = []
    if record.exc_info and record.exc_info[0] is not None:
        parts.append(formatter.formatException(record.exc_info))
    if record.stack_info:
        parts.append(record.stack_info)
    return "\n".join(parts)
