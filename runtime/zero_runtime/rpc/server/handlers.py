"""The handlers of a server, put together as it is configured."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterable

from zero_runtime import observability
from zero_runtime.config import InvalidValue, RpcServerConf
from zero_runtime.deadline import Alarms
from zero_runtime.resilience import Governor
from zero_runtime.rpc.server.auth import Auth
from zero_runtime.rpc.server.pipeline import Handler
from zero_runtime.rpc.service import Kind, Service


def handlers(
    conf: RpcServerConf, services: Iterable[Service], own: Iterable[Service], governor: Governor
) -> dict[str, Handler]:
    """A handler per method of the services, by path. Call it in the loop that serves.

    Those of ``own``, health and the like, have no limits but the size of responses, and are not observed: who
    probes a server that is overloaded must be answered. Raises InvalidValue for a setting of a method that is
    not served, ValueError when two services have one name.
    """
    alarms = Alarms(asyncio.get_running_loop())
    observer = observability.server_observer(conf)
    auth = Auth(conf) if conf.auth else None
    limits: dict[str, float] = {each.full_method: each.timeout for each in conf.method_timeouts}
    found: dict[str, Handler] = {}
    for service in services:
        for method in service.methods:
            path = f"/{service.name}/{method.name}"
            if path in found:
                raise ValueError(f"{path} is served twice")
            streams = method.kind is not Kind.UNARY_UNARY
            guard = governor.guard(path, stream=streams)
            limit = limits.pop(path, None)
            if limit is None:
                limit = guard.timeout
            if limit is None and not streams:
                limit = conf.timeout / 1000
            found[path] = Handler(
                path,
                method,
                alarms,
                limit=limit or None,
                largest=conf.max_send_msg_size,
                observer=None if observer is None else observer.method(path, streams=streams),
                guard=guard,
                auth=auth,
                recover=conf.middlewares.recover,
            )
    for path in limits:
        near = difflib.get_close_matches(path, found, n=1)
        hint = f", did you mean `{near[0]}`?" if near else ""
        raise InvalidValue(f"MethodTimeouts: `{path}` is not served here{hint}")
    for service in own:
        for method in service.methods:
            path = f"/{service.name}/{method.name}"
            found.setdefault(path, Handler(path, method, alarms, largest=conf.max_send_msg_size))
    return found
