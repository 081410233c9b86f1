"""What the present process observes with."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from zero_runtime.observability import trace
from zero_runtime.observability.access import LOGGER, AccessLog
from zero_runtime.observability.http import HttpObserver
from zero_runtime.observability.metrics import attached
from zero_runtime.observability.output import LineHandler, Output
from zero_runtime.observability.pools import RedisPoolObserver, SqlPoolObserver, State
from zero_runtime.observability.trace import Kind, Sampler

if TYPE_CHECKING:
    from zero_runtime.config import RestConf, RpcClientConf, RpcServerConf, ServiceConf
    from zero_runtime.observability.redis import RedisObserver
    from zero_runtime.observability.rpc import RpcObserver
    from zero_runtime.observability.spans import SpanQueue
    from zero_runtime.observability.sql import SqlObserver

_service: ServiceConf | None = None
_spans: SpanQueue | None = None


def start_tracer(conf: ServiceConf) -> SpanQueue | None:
    """Sends the spans of this process from now on, if ``Telemetry`` names a collector; `SpanQueue.stop` ends
    it.

    A process that is forked does this after the fork. Raises `config.InvalidValue` when
    ``Telemetry.Endpoint`` cannot be used.
    """
    global _service, _spans
    _service = conf
    telemetry = conf.telemetry
    if telemetry.disabled:
        return None
    if telemetry.endpoint:
        from zero_runtime.observability.exporters import exporter
        from zero_runtime.observability.spans import SpanQueue

        _spans = SpanQueue(exporter(telemetry), telemetry.name or conf.name)
    if "opentelemetry.trace" in sys.modules:  # the code of the service begins spans as well
        from zero_runtime.observability import bridge

        trace.others = bridge.install(Sampler(telemetry.sampler), _spans)
    return _spans


def http_observer(conf: RestConf) -> HttpObserver | None:
    """Observes HTTP as the configuration says, with what this process has started; None if all of it is off.

    Metrics are counted if the process was attached to some (`Metrics.attach`): that is, if they can be
    scraped.
    """
    switches = conf.middlewares
    sampler = Sampler(conf.telemetry.sampler) if switches.trace and not conf.telemetry.disabled else None
    metrics = attached() if switches.prometheus else None
    log = AccessLog(conf.name) if switches.log else None
    if sampler is None and metrics is None and log is None:
        return None
    return HttpObserver(
        sampler=sampler,
        untraced=frozenset(conf.trace_ignore_paths),
        spans=_spans if sampler else None,
        metrics=metrics,
        log=log,
        output=_json_output(),
    )


def server_observer(conf: RpcServerConf) -> RpcObserver | None:
    """Observes the calls of a gRPC server as the configuration says; see `http_observer`."""
    from zero_runtime.observability.rpc import RpcObserver

    switches = conf.middlewares
    sampler = Sampler(conf.telemetry.sampler) if switches.trace and not conf.telemetry.disabled else None
    metrics = attached() if switches.prometheus else None
    log = AccessLog(conf.name) if switches.stat else None
    if sampler is None and metrics is None and log is None:
        return None
    return RpcObserver(
        Kind.SERVER,
        sampler=sampler,
        spans=_spans if sampler else None,
        metrics=metrics,
        log=log,
        output=_json_output(),
        slow=switches.stat_conf.slow_threshold,
    )


def client_observer(conf: RpcClientConf, target: str) -> RpcObserver | None:
    """Observes the calls that this process makes of ``target``, as the configuration of the client says.

    How many of the traces that begin with such a call are sent is up to the service, once `start_tracer`
    knows it.
    """
    from zero_runtime.config import TelemetryConf
    from zero_runtime.observability.rpc import RpcObserver

    switches = conf.middlewares
    telemetry = TelemetryConf() if _service is None else _service.telemetry
    sampler = Sampler(telemetry.sampler) if switches.trace and not telemetry.disabled else None
    metrics = attached() if switches.prometheus else None
    log = AccessLog("" if _service is None else _service.name) if switches.duration else None
    if sampler is None and metrics is None and log is None:
        return None
    return RpcObserver(
        Kind.CLIENT,
        sampler=sampler,
        spans=_spans if sampler else None,
        metrics=metrics,
        log=log,
        output=_json_output(),
        target=target,
    )


def sql_observer(system: str, target: str, slow: float) -> SqlObserver | None:
    """Observes the statements that this process asks ``target`` for; None when all of it is off. ``slow`` is
    from how many seconds on a statement is logged, 0 for none."""
    from zero_runtime.observability.sql import SqlObserver

    metrics = attached()
    sampler = None if _spans is None or _service is None else Sampler(_service.telemetry.sampler)
    if not slow and metrics is None and sampler is None:
        return None
    return SqlObserver(
        system,
        target,
        slow=slow or float("inf"),
        metrics=metrics,
        sampler=sampler,
        spans=_spans,
    )


def sql_pool_observer(target: str, most: int, look: Callable[[], State]) -> SqlPoolObserver | None:
    """Tells of the connections of this process to ``target``, ``most`` at most; None when nothing is
    counted."""
    metrics = attached()
    return None if metrics is None else SqlPoolObserver(metrics, target, most, look)


def redis_observer(target: str) -> RedisObserver | None:
    """Observes the commands that this process gives the Redis at ``target``; None when all of it is off."""
    from zero_runtime.observability.redis import RedisObserver

    metrics = attached()
    sampler = None if _spans is None or _service is None else Sampler(_service.telemetry.sampler)
    if metrics is None and sampler is None:
        return None
    return RedisObserver(target, metrics=metrics, sampler=sampler, spans=_spans)


def redis_pool_observer(target: str, kind: str, look: Callable[[], State]) -> RedisPoolObserver | None:
    """Tells of the connections of this process to the Redis at ``target``, a ``node`` or a ``cluster``;
    None when nothing is counted."""
    metrics = attached()
    return None if metrics is None else RedisPoolObserver(metrics, target, kind, look)


def _json_output() -> Output | None:
    """Where lines of JSON go, if that is the only place where records of the access log go."""
    handlers: list[logging.Handler] = []
    logger: logging.Logger | None = logging.getLogger(LOGGER)
    while logger is not None:
        handlers += logger.handlers
        logger = logger.parent if logger.propagate else None
    match handlers:
        case [LineHandler(json=True) as handler]:
            return handler.output
    return None
