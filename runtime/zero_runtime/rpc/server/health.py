"""``grpc.health.v1``: whether the services of a server take calls, for probes and balancers.

https://github.com/grpc/grpc/blob/master/doc/health-checking.md
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

from grpc_health.v1.health_pb2 import (
    HealthCheckRequest,
    HealthCheckResponse,
    HealthListRequest,
    HealthListResponse,
)

from zero_runtime.errors import NotFound
from zero_runtime.rpc.service import Service, unary_stream, unary_unary

NAME = "grpc.health.v1.Health"


class Health:
    """The health of services, which all serve until `leave`; that of the server as a whole has no name."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = ("", *names)
        self._status = HealthCheckResponse.SERVING
        self._stopping = False
        self._changed = asyncio.Event()

    @property
    def service(self) -> Service:
        """What callers ask."""
        return Service(
            NAME,
            (
                unary_unary("Check", self._check, HealthCheckRequest, HealthCheckResponse),
                unary_unary("List", self._list, HealthListRequest, HealthListResponse),
                unary_stream("Watch", self._watch, HealthCheckRequest, HealthCheckResponse),
            ),
        )

    def leave(self) -> None:
        """Says that no service takes calls any more."""
        self._status = HealthCheckResponse.NOT_SERVING
        self._tell()

    def stop(self) -> None:
        """Ends the calls of those who watch: otherwise they would be waited for. They end as OK, after which
        clients ask again just as after an error (says health.proto)."""
        self._stopping = True
        self._tell()

    async def _check(self, request: HealthCheckRequest) -> HealthCheckResponse:
        if request.service not in self._names:
            raise NotFound(f"no service `{request.service}` here")
        return HealthCheckResponse(status=self._status)

    async def _list(self, request: HealthListRequest) -> HealthListResponse:
        return HealthListResponse(
            statuses={name: HealthCheckResponse(status=self._status) for name in self._names}
        )

    async def _watch(self, request: HealthCheckRequest) -> AsyncIterator[HealthCheckResponse]:
        known = request.service in self._names
        told = None
        while not self._stopping:
            changed = self._changed
            status = self._status if known else HealthCheckResponse.SERVICE_UNKNOWN
            if status != told:
                told = status
                yield HealthCheckResponse(status=status)
            else:
                await changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
