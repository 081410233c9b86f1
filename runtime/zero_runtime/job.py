"""Runs a job: logic that comes to an end. What the generated main modules of jobs call."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, NoReturn, Protocol, TypeVar

import uvloop

from zero_runtime import admin, config, observability
from zero_runtime.deadline import cancelled_from_outside
from zero_runtime.observability.trace import Kind, Operation, Sampler, enter
from zero_runtime.starting import FAILED, CannotStart, Stop, configured, starting

if TYPE_CHECKING:
    from zero_runtime.observability.spans import SpanQueue

_SIGNALLED = 128
"""To which the number of the signal is added that has ended a run, as shells have it. At a status of 0
Kubernetes would take the work for done."""

_log = logging.getLogger("zero.job")

C = TypeVar("C", bound=config.JobConf)


class Job(Protocol):
    """The logic of a job."""

    async def run(self) -> None:
        """Does the work, once. When this raises, the run has failed; when it has to end early, it is
        cancelled."""


Wire = Callable[[C, AsyncExitStack], Awaitable[Job]]
"""Makes the logic of a job from its configuration. What it opens for that it hands to the stack, which closes
it after the run."""


def run(kind: type[C], wire: Wire[C]) -> NoReturn:
    """Runs a job once; ends the process.

    The configuration is of type ``kind``, from the file given by ``-f`` or the environment variable
    ZERO_CONFIG. The exit status is 0 when the work is done, 1 when it failed or could not start, 2 when the
    configuration is wrong, and 143 or 130 after SIGTERM or SIGINT. A second signal ends the process at once.
    """
    conf = configured(kind)
    try:
        sys.exit(uvloop.run(_live(conf, wire)))
    except CannotStart as error:
        sys.exit(error.status)


async def _live(conf: C, wire: Wire[C]) -> int:
    """From the start to the end; returns the exit status."""
    stop, status = Stop(), FAILED
    try:
        async with AsyncExitStack() as resources:
            with starting():
                metrics = observability.Metrics() if conf.has_metrics else None
                if metrics is not None:
                    metrics.attach(0)
                spans = observability.start_tracer(conf)
                if spans is not None:
                    resources.push_async_callback(asyncio.to_thread, spans.stop)
                if conf.has_admin:
                    await admin.serve(conf, lambda: True, metrics, resources)
                logic = await wire(conf, resources)
            status = await _observed(logic, conf, spans)
    except CannotStart:
        raise
    except asyncio.CancelledError:
        if stop.signal is None:
            raise
        _log.error("%s was ended by %s", conf.name, stop.signal.name)
        return _SIGNALLED + stop.signal
    except Exception:  # the work is over, and nothing changes how it ended
        _log.exception("%s could not close all that it had opened", conf.name)
    return status


async def _observed(logic: Job, conf: config.JobConf, spans: SpanQueue | None) -> int:
    """One run, told by a line of the log and a span; returns the exit status. Raises CancelledError when a
    signal has ended it."""
    span = None if conf.telemetry.disabled else Sampler(conf.telemetry.sampler).begin()
    if span is not None:
        enter(span)
    started, begin = time.time(), time.perf_counter()
    failed = True
    try:
        await logic.run()
        failed = False
        _log.info("%s is done", conf.name, extra=_duration(begin))
    except (Exception, asyncio.CancelledError) as error:
        if isinstance(error, asyncio.CancelledError) and cancelled_from_outside():
            raise
        _log.exception("%s failed", conf.name, extra=_duration(begin))
    finally:
        if spans is not None and span is not None and span.sampled:
            operation = Operation(conf.name, Kind.INTERNAL, (), failed=failed)
            spans.add(operation, span, started, started + time.perf_counter() - begin)
    return FAILED if failed else 0


def _duration(begin: float) -> dict[str, str]:
    """How long it took, as the access log tells it."""
    return {"duration": f"{(time.perf_counter() - begin) * 1000:.1f}ms"}
