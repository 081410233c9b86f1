"""The endpoints of a Service, from Kubernetes' EndpointSlices (discovery.k8s.io/v1), watched.

The protocol of lists and watches:
https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes

By aiohttp, which is there anyway: a client library adds to an image between 10 MB (lightkube) and 52 MB
(kubernetes-asyncio), for two kinds of requests.
"""

from __future__ import annotations

import logging
import os
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import msgspec

from zero_runtime.config import InvalidValue
from zero_runtime.discovery.backoff import Backoff
from zero_runtime.discovery.resolver import Resolver

RESYNC = 300
"""Seconds after which a watch is over and everything is listed again; go-zero's."""

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod has the token, the namespace and the certificate authority to speak with the API server."""

_ANSWER = 10.0
"""Seconds that the API server has to accept a connection, and to answer."""

_SILENCE = 90.0
"""Seconds of silence after which a watch is taken up anew; the API server sends a bookmark every minute."""

_GONE = 410

_log = logging.getLogger("zero.discovery")


class _Gone(Exception):
    """The API server no longer knows what has happened since: everything is to be listed again."""


class _Refused(Exception):
    """The API server did not do what was asked."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where the API server is, and who asks it."""

    url: str
    account: Path

    def namespace(self) -> str:
        """The pod's own."""
        return _read(self.account / "namespace")

    def token(self) -> str:
        """The token as it is now: it is replaced every hour or so."""
        return _read(self.account / "token")

    def trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.account / "ca.crt")
        except OSError as error:
            raise InvalidValue(f"{self.account / 'ca.crt'}: {error.strerror or error}") from None


def in_cluster() -> Cluster:
    """The cluster that this process runs in. Raises InvalidValue when it runs in none."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    if not host or not port:
        raise InvalidValue(
            "works in pods of a cluster only: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set"
        )
    return Cluster(f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}", ACCOUNT)


class _Conditions(msgspec.Struct, frozen=True):
    """What is not said is None; how it is meant then, see `addresses_in`."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class _Endpoint(msgspec.Struct, frozen=True):
    addresses: tuple[str, ...]
    conditions: _Conditions = _Conditions()


class _Port(msgspec.Struct, frozen=True):
    name: str | None = None
    port: int | None = None


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    resource_version: str = ""


class Slice(msgspec.Struct, frozen=True, rename="camel"):
    """An EndpointSlice: some endpoints of a Service, all with the same ports."""

    metadata: _Metadata
    address_type: str = "IPv4"
    endpoints: tuple[_Endpoint, ...] | None = None
    ports: tuple[_Port, ...] | None = None


class _List(msgspec.Struct, frozen=True):
    metadata: _Metadata
    items: tuple[Slice, ...] | None = None


class _Event(msgspec.Struct, frozen=True):
    """One line of a watch. The object of a BOOKMARK has metadata only, that of an ERROR is a Status."""

    type: str
    object: msgspec.Raw


class _Status(msgspec.Struct, frozen=True):
    code: int = 0
    message: str = ""


class KubernetesResolver(Resolver):
    """Watches the slices of one Service. While the API server is away, the addresses known last stay."""

    def __init__(
        self, target: str, cluster: Cluster, namespace: str, service: str, port: str, resync: int = RESYNC
    ) -> None:
        """``port`` is a number (of the pods), the name that a port has in the Service, or empty: the first.

        Raises InvalidValue when this process lacks what a pod has.
        """
        super().__init__(target)
        self._cluster = cluster
        self._namespace = namespace or cluster.namespace()
        self._service = service
        self._port = port
        self._resync = resync
        self._trust = cluster.trust()
        self._slices: dict[str, Slice] = {}
        self._listed = 0.0
        self._known: tuple[str, ...] = ()
        self._failure = "it has not answered yet"

    @property
    def nothing_found(self) -> str:
        if self._failure:
            return f"cannot ask the API server: {self._failure}"
        where = f"Service `{self._service}` in namespace `{self._namespace}`"
        ports = sorted({_told(port) for one in self._slices.values() for port in one.ports or ()})
        if not any(one.endpoints for one in self._slices.values()):
            return f"{where} has no endpoints"
        port = f" at port `{self._port}`" if self._port else ""
        return f"{where} has no endpoint that is ready{port}; its ports: {', '.join(ports)}"

    def addresses(self) -> tuple[str, ...]:
        return self._known

    async def watch(self) -> AsyncIterator[tuple[str, ...]]:
        backoff = Backoff()
        version = ""
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self._trust)) as session:
            while True:
                try:
                    if not version or time.monotonic() > self._listed + self._resync:
                        version = await self._list(session)
                        if self._publish():
                            yield self._known
                    async with aclosing(self._changes(session, version)) as changes:
                        async for change in changes:
                            version = change.metadata.resource_version or version
                            if self._publish():
                                yield self._known
                except _Gone:
                    version = ""
                except (_Refused, InvalidValue, aiohttp.ClientError, OSError, msgspec.MsgspecError) as error:
                    self._tell(str(error) or type(error).__name__)
                await backoff.wait()

    async def _list(self, session: aiohttp.ClientSession) -> str:
        """Reads all slices; returns the version of the list, from which on to watch."""
        async with self._get(session, {}, _ANSWER) as response:
            found = msgspec.json.decode(await response.read(), type=_List)
        self._slices = {one.metadata.name: one for one in found.items or ()}
        self._listed = time.monotonic()
        return found.metadata.resource_version

    async def _changes(self, session: aiohttp.ClientSession, version: str) -> AsyncGenerator[Slice, None]:
        """What happens to slices after ``version``: yields each that has changed, when it is taken over.

        Ends with the time for a watch, or with the connection; raises _Gone when there is no such version.
        """
        left = max(1, round(self._listed + self._resync - time.monotonic()))
        query = {
            "watch": "1",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": f"{left}",
        }
        async with self._get(session, query, _SILENCE) as response:
            async for line in _lines(response):
                event = msgspec.json.decode(line, type=_Event)
                if event.type == "ERROR":
                    raise _refusal(event.object)
                change = msgspec.json.decode(event.object, type=Slice)
                if event.type == "DELETED":
                    self._slices.pop(change.metadata.name, None)
                elif event.type != "BOOKMARK":
                    self._slices[change.metadata.name] = change
                yield change

    @asynccontextmanager
    async def _get(
        self, session: aiohttp.ClientSession, query: Mapping[str, str], silence: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer of the API server, which may be silent for ``silence`` seconds."""
        url = f"{self._cluster.url}/apis/discovery.k8s.io/v1/namespaces/{self._namespace}/endpointslices"
        async with session.get(
            url,
            params={"labelSelector": f"kubernetes.io/service-name={self._service}", **query},
            headers={"Authorization": f"Bearer {self._cluster.token()}"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_ANSWER, sock_read=silence),
        ) as response:
            if response.status != 200:
                raise _refusal(await response.read(), response.status)
            self._failure = ""
            yield response

    def _publish(self) -> bool:
        """Whether other addresses are known now than before."""
        known, self._known = self._known, addresses_in(self._slices.values(), self._port)
        return known != self._known

    def _tell(self, failure: str) -> None:
        if failure != self._failure:
            _log.warning("%s: %d addresses stay as they are: %s", self.target, len(self._known), failure)
        self._failure = failure


def addresses_in(slices: Iterable[Slice], port: str) -> tuple[str, ...]:
    """The addresses of all endpoints to be called, sorted.

    These are the ready ones. If there are none, they are those that are leaving but still serve, which
    kube-proxy falls back to as well. Of a Service in both families of IP each pod is in slices of both: the
    first family that has some is taken.
    """
    slices = tuple(slices)
    for family in ("IPv4", "IPv6"):
        ready, leaving = set(), set()
        for one in slices:
            number = _number(one.ports or (), port) if one.address_type == family else None
            for endpoint in one.endpoints or ():
                if number is None or not endpoint.addresses:
                    continue
                host = endpoint.addresses[0]  # the others, if any, are of the same pod
                address = f"[{host}]:{number}" if family == "IPv6" else f"{host}:{number}"
                said = endpoint.conditions
                is_ready = said.ready is not False
                if not said.terminating:
                    if is_ready:
                        ready.add(address)
                elif is_ready if said.serving is None else said.serving:
                    leaving.add(address)
        if found := ready or leaving:
            return tuple(sorted(found))
    return ()


def _number(ports: Sequence[_Port], port: str) -> int | None:
    """The number of a port in one slice, None if it is not there."""
    if port.isdigit():
        return int(port)
    return next((one.port for one in ports if port in ("", one.name) and one.port), None)


def _told(port: _Port) -> str:
    return f"`{port.name}` ({port.port})" if port.name else f"{port.port}"


async def _lines(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    """The lines of an answer as they come. They may be of any length; half a line at the end is none."""
    rest = b""
    try:
        async for block in response.content.iter_any():
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                yield line
    except TimeoutError:
        return


def _refusal(body: bytes | msgspec.Raw, code: int = 0) -> _Gone | _Refused:
    """The error in a Status object, which is how the API server says no."""
    try:
        status = msgspec.json.decode(body, type=_Status)
    except msgspec.MsgspecError:
        status = _Status()
    code = status.code or code
    return _Gone() if code == _GONE else _Refused(f"{code} {status.message}".rstrip())


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError as error:
        raise InvalidValue(f"{file}: {error.strerror}") from None
