"""The routes of a service as an application that any ASGI or RSGI server runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from zero_runtime.resilience import Governor
from zero_runtime.rest import asgi, rsgi
from zero_runtime.rest.cors import Cors
from zero_runtime.rest.message import Request, Response
from zero_runtime.rest.pipeline import Handler, Observer, Options, Pipeline
from zero_runtime.rest.refusal import Refusal
from zero_runtime.rest.routing import Match, Route, Router
from zero_runtime.rest.streaming import Streams

_UNROUTED = "unrouted"
"""What rules and metrics call the requests that no route answers."""


class HttpObserver(Protocol):
    """Observes the requests of an application."""

    @property
    def unrouted(self) -> Observer:
        """For what no route answers."""

    def route(self, method: str, path: str, *, sse: bool) -> Observer:
        """For what the route with this method and path answers."""


class App:
    """Answers HTTP requests by routes, mounted below a prefix or not."""

    def __init__(
        self,
        routes: Iterable[Route],
        options: Options = Options(),  # noqa: B008, it is immutable
        *,
        cors: Cors | None = None,
        observer: HttpObserver | None = None,
        governor: Governor | None = None,
    ) -> None:
        """Raises ValueError when two routes answer the same requests."""
        self._cors = cors
        self._governor = governor
        self.render = options.render
        """Makes responses of errors."""
        pipeline = Pipeline(options)

        def handler(route: Route) -> Handler:
            method, path = route.method, route.path
            return pipeline.handler(
                route,
                None if observer is None else observer.route(method, path, sse=route.group.sse),
                None if governor is None else governor.guard(f"{method} {path}"),
            )

        self.router = Router((route.method, route.path, handler(route)) for route in routes)
        """What answers the requests of each route."""
        nowhere = Route("", "", self._unrouted)
        unrouted = None if observer is None else observer.unrouted
        guard = None if governor is None else governor.guard(_UNROUTED)
        self._nowhere = Match(pipeline.handler(nowhere, unrouted, guard, body=False), {})
        self.streams = Streams()
        """The responses that are being sent piece by piece."""

    def find(self, method: str, path: str) -> Match[Handler]:
        """What answers a request; ``path`` is percent-decoded."""
        return self.router.match(method, path) or self._nowhere

    async def start(self) -> None:
        """Is called before it is served, in the loop that will. Raises what `Governor.start` does."""
        if self._governor is not None:
            await self._governor.start()

    async def stop(self) -> None:
        """Is called when it is not served any more."""
        if self._governor is not None:
            await self._governor.stop()

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """ASGI's entrance."""
        await asgi.serve(self, scope, receive, send)

    async def __rsgi__(self, scope: rsgi.Scope, protocol: rsgi.Protocol) -> None:
        """RSGI's entrance."""
        await rsgi.serve(self, scope, protocol)

    async def _unrouted(self, request: Request) -> Response:
        methods = self.router.allowed(request.path)
        if not methods:
            raise Refusal(404, "there is nothing at this path", text="404 page not found")
        allow = (b"allow", ", ".join(methods).encode())
        if request.method != "OPTIONS":
            raise Refusal(405, f"{request.method} is not allowed here", headers=(allow,))
        preflight = self._cors and self._cors.preflight(request, methods)
        return Response(204, headers=preflight or (allow,))
