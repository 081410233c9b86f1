"""Logging through the standard library: to stdout or to files, and to a collector that speaks Fluentd's
protocol.

Lines are written by a thread of their own, within a twentieth of a second; warnings and what is worse, and
text, at once. What a line is logged for is told by ``trace`` and ``span``.
"""

from __future__ import annotations

import logging

from zero_runtime.config import LogConf
from zero_runtime.logs.files import open_log
from zero_runtime.logs.formats import LEVELS, Json, Plain
from zero_runtime.observability.output import Forwarder, LineHandler, Output
from zero_runtime.observability.sinks import Descriptor, Sink

_SERVERS = {"uvicorn": logging.CRITICAL, "granian": logging.ERROR, "_granian": logging.ERROR}
"""Servers start and stop with the service, which logs that. What they warn of is requests that are no HTTP,
and what uvicorn calls an error is what an application raises, which was logged where it happened."""

_STDOUT = 1
_DELAY = 0.05
"""Seconds that lines are gathered for: one by one, they would cost several times as much."""


def configure(conf: LogConf, service: str) -> None:
    """Sends everything that this process logs where ``conf`` says.

    Raises `config.InvalidValue` when a folder that it names cannot be written, or a certificate not be read.
    """
    sink, forwarder = _sink(conf, service), _forwarder(conf, service)
    if conf.encoding == "json" or sink is None:
        handlers = [_json(service, sink, forwarder)]
    else:
        handlers = [LineHandler(Output(sink, 0, _tell_of_dropped), json=False)]
        handlers[0].setFormatter(Plain())
        if forwarder is not None:  # text is for people; a collector has use for the keys
            handlers.append(_json(service, None, forwarder))
    logging.basicConfig(level=LEVELS[conf.level], handlers=handlers, force=True)
    logging.captureWarnings(True)
    for server, level in _SERVERS.items():
        logging.getLogger(server).setLevel(level)


def flush() -> None:
    """Writes what was logged so far; what is forwarded goes its own way."""
    for handler in logging.getLogger().handlers:
        handler.flush()


def close() -> None:
    """Writes what was logged so far, and forwards it, for as long as ``Log.Fluentd.Timeout`` at most. The
    interpreter does so when it exits, but not `os._exit`."""
    for handler in logging.getLogger().handlers:
        handler.flush()
        handler.close()


def _sink(conf: LogConf, service: str) -> Sink | None:
    if conf.mode == "console":
        return Descriptor(_STDOUT)
    return None if conf.mode == "none" else open_log(conf, service)


def _forwarder(conf: LogConf, service: str) -> Forwarder | None:
    if not conf.fluentd.host:
        return None
    from zero_runtime.logs import forward  # with what it loads: most services have no use for it

    return forward.Forwarder(conf.fluentd, service)


def _json(service: str, sink: Sink | None, forwarder: Forwarder | None) -> LineHandler:
    handler = LineHandler(Output(sink, _DELAY, _tell_of_dropped, forwarder), json=True)
    handler.setFormatter(Json(service))
    return handler


def _tell_of_dropped(lines: int) -> None:
    logging.getLogger("zero.logs").warning(
        "%d lines of the log were dropped: they could not be written", lines
    )
