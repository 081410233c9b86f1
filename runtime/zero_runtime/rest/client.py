"""HTTP services over the network: the transport of generated clients, on aiohttp."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from urllib.parse import urlsplit

import aiohttp

from zero_runtime.deadline import time_left
from zero_runtime.errors import DeadlineExceeded, Unavailable
from zero_runtime.observability import trace_headers
from zero_runtime.rest.message import Request, Response, Stream

TIMEOUT = 2.0
"""Seconds that a call may take unless told otherwise, as those of gRPC."""

_KEEP_ALIVE = 60.0
"""Seconds that an idle connection is kept: less than servers keep theirs, which is 75 s with ours."""


def connect(base_url: str, *, timeout: float = TIMEOUT, token: str = "") -> HttpChannel:
    """What carries the calls of a client to the service at ``base_url``: ``ShopApiClient(channel)``.

    A call takes at most ``timeout`` seconds (0: no limit), and no longer than the request it is made for; of
    event streams that is the time until they begin. ``token`` goes with all calls that have none of their
    own. Nothing is connected before the first call. Raises ValueError when ``base_url`` is none.
    """
    url = urlsplit(base_url)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError(
            f"`{base_url}` is not the address of an HTTP service, such as `http://localhost:8888`"
        )
    if url.query or url.fragment:
        raise ValueError(f"`{base_url}` must end with its path")
    return HttpChannel(base_url.rstrip("/"), timeout or None, token)


class HttpChannel:
    """Connections to one service, used again and again.

    A call is sent once; one whose method changes nothing a second time, when the service has closed the
    connection meanwhile. It carries on the trace of the request that is being served. An async context
    manager: connections exist inside of it only.
    """

    def __init__(self, base_url: str, timeout: float | None, token: str) -> None:
        self._base = base_url
        self._timeout = timeout
        self._token = token

    async def __aenter__(self) -> HttpChannel:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            skip_auto_headers=("user-agent", "content-type"),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def send(self, request: Request, *, streamed: bool = False) -> Response:
        """See `transport.Transport.send`."""
        limit = asyncio.timeout(time_left(self._timeout))
        try:
            async with limit:
                answer = await self._begin(request)
                try:
                    headers = [(name.lower(), value) for name, value in answer.raw_headers]
                    if streamed:
                        return Stream(status=answer.status, headers=headers, chunks=_Chunks(answer))
                    return Response(answer.status, await answer.read(), headers)
                except BaseException:
                    answer.close()
                    raise
        except TimeoutError:
            if limit.expired():
                raise DeadlineExceeded(f"{self._base} did not answer in time") from None
            raise Unavailable(f"{self._base} cannot be reached") from None
        except aiohttp.ClientError as error:
            raise Unavailable(f"{self._base} cannot be reached: {error}") from error

    async def _begin(self, request: Request) -> aiohttp.ClientResponse:
        """The response, of which the head has come."""
        query = f"?{request.query.decode()}" if request.query else ""
        headers = [(name.decode(), value.decode("latin-1")) for name, value in request.headers]
        headers += trace_headers().items()
        if self._token and not any(name == "authorization" for name, _ in headers):
            headers.append(("authorization", f"Bearer {self._token}"))
        return await self._session.request(
            request.method,
            f"{self._base}{request.path}{query}",
            headers=headers,
            data=request.body or None,
            allow_redirects=False,
        )


class _Chunks:
    """The body of a response as it comes."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._answer.content.readany()
        except aiohttp.ClientError as error:
            raise Unavailable(f"the answer of {self._answer.url.origin()} broke off: {error}") from error
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        self._answer.close()
