"""An API server of Kubernetes, as far as EndpointSlices go: lists and watches of one namespace, over TLS.

Not a real one, which needs more than Debian packages. It speaks as one does: versions of everything that
happened, a line of JSON per event, bookmarks, 410 for versions that it has forgotten, the end of a watch
when its time is over.
https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.servers.certificates import Authority

Object = dict[str, Any]


class ApiServer:
    """Slices of one namespace. Everything that happens to them raises the version."""

    def __init__(self, namespace: str, token: str) -> None:
        self.url = ""
        self.token = token
        """The token that is let in."""

        self.requests: list[str] = []
        """What was asked: ``list``, or ``watch`` and the version it is to begin after."""

        self.refuses = False
        """Whether it answers 403 to everybody."""

        self._namespace = namespace
        self._version = 1000
        self._slices: dict[str, Object] = {}
        self._events: list[tuple[int, str, Object]] = []
        self._forgotten = 0
        self._happened = asyncio.Condition()
        self._watchers: set[web.StreamResponse] = set()

    async def put(self, name: str, service: str, *endpoints: Object, **more: Any) -> None:
        """Writes a slice with `endpoint`s. ``more`` takes the place of its address type and ports."""
        kind = "MODIFIED" if name in self._slices else "ADDED"
        self._version += 1
        self._slices[name] = {
            "kind": "EndpointSlice",
            "apiVersion": "discovery.k8s.io/v1",
            "metadata": {
                "name": name,
                "namespace": self._namespace,
                "resourceVersion": str(self._version),
                "labels": {"kubernetes.io/service-name": service},
            },
            "addressType": "IPv4",
            "endpoints": list(endpoints),
            "ports": [{"name": "grpc", "protocol": "TCP", "port": 8080}],
            **more,
        }
        await self._tell(kind, self._slices[name])

    async def delete(self, name: str) -> None:
        self._version += 1
        gone = self._slices.pop(name)
        gone["metadata"]["resourceVersion"] = str(self._version)
        await self._tell("DELETED", gone)

    async def bookmark(self) -> int:
        """Tells watchers the present version, which other objects have raised in the meantime."""
        self._version += 50
        metadata = {"resourceVersion": str(self._version), "creationTimestamp": None}
        await self._tell("BOOKMARK", {"kind": "EndpointSlice", "metadata": metadata})
        return self._version

    async def fail_watches(self) -> None:
        """Ends the present watches with an error, as it does when its memory was too short for them."""
        await self._tell("ERROR", _status(410, "Expired", "too old resource version"))

    def forget(self) -> None:
        """Forgets what has happened: who watches from before now is told 410."""
        self._forgotten = self._version

    def drop(self) -> None:
        """Cuts all connections that watch, in the middle of a line."""
        for response in self._watchers:
            transport = response._req.transport if response._req else None
            if transport is not None:
                transport.write(b'20\r\n{"type":"MODIFIED","object":{"me\r\n')
                transport.close()

    async def _tell(self, kind: str, thing: Object) -> None:
        async with self._happened:
            self._events.append((self._version, kind, json.loads(json.dumps(thing))))
            self._happened.notify_all()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return _refused(401, "Unauthorized", "Unauthorized")
        if self.refuses or request.match_info["namespace"] != self._namespace:
            return _refused(
                403, "Forbidden", "endpointslices.discovery.k8s.io is forbidden: User cannot list"
            )
        service = query["labelSelector"].removeprefix("kubernetes.io/service-name=")
        if "watch" not in query:
            self.requests.append("list")
            return self._list(service)
        version = int(query["resourceVersion"])
        self.requests.append(f"watch {version}")
        assert query["allowWatchBookmarks"] == "true"
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        self._watchers.add(response)
        try:
            async with asyncio.timeout(float(query["timeoutSeconds"])):
                await self._watch(response, service, version)
        except (TimeoutError, ConnectionError):
            pass
        finally:
            self._watchers.discard(response)
        return response

    def _list(self, service: str) -> web.Response:
        items = [it for it in self._slices.values() if _is_of(service, it)]
        metadata = {"resourceVersion": str(self._version)}
        return web.json_response({"kind": "EndpointSliceList", "metadata": metadata, "items": items})

    async def _watch(self, response: web.StreamResponse, service: str, version: int) -> None:
        if version < self._forgotten:
            await response.write(
                _line("ERROR", _status(410, "Expired", f"too old resource version: {version}"))
            )
            return
        told = sum(at <= version for at, _, _ in self._events)
        while True:
            for _, kind, thing in self._events[told:]:
                if kind in ("BOOKMARK", "ERROR") or _is_of(service, thing):
                    await response.write(_line(kind, thing))
                if kind == "ERROR":
                    return
            told = len(self._events)
            async with self._happened:
                while len(self._events) == told:
                    await self._happened.wait()


@asynccontextmanager
async def api_server(folder: Path, namespace: str = "shop") -> AsyncIterator[ApiServer]:
    """A running server. ``folder`` has what a pod finds at its service account: token, namespace, ca.crt."""
    authority = Authority(folder)
    authority.file.rename(folder / "ca.crt")
    certificate = authority.issue("api-server")
    (folder / "token").write_text("first")
    (folder / "namespace").write_text(namespace)
    server = ApiServer(namespace, "first")
    app = web.Application()
    app.router.add_get("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices", server.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.certificate, certificate.key)
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    server.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def endpoint(*addresses: str, **conditions: bool) -> Object:
    """An endpoint of a slice: ``endpoint("10.0.0.1", ready=True)``."""
    return {"addresses": addresses, "conditions": conditions}


def _is_of(service: str, thing: Mapping[str, Any]) -> bool:
    return bool(thing["metadata"]["labels"]["kubernetes.io/service-name"] == service)


def _line(kind: str, thing: Object) -> bytes:
    return json.dumps({"type": kind, "object": thing}).encode() + b"\n"


def _status(code: int, reason: str, message: str) -> Object:
    return {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}


def _refused(code: int, reason: str, message: str) -> web.Response:
    return web.json_response(_status(code, reason, message), status=code)
