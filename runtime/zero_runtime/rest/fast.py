"""The fast path: uvicorn's protocol, with requests handed to the application without ASGI in between.

A request costs half of what it costs through ASGI: no scope, no messages, one write for a whole response.
What is rare goes uvicorn's ordinary way through ASGI: ``Expect: 100-continue``, upgrades, requests that come
before the one ahead of them is answered, targets that are no path. uvicorn keeps the connection: its parser,
its timer of idle connections, its flow control, its graceful shutdown and TLS.

The inside of uvicorn is used here, so `server` takes this module with the releases alone that it was made
for; its test runs one set of requests through this path, the ordinary one and Granian.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from contextvars import copy_context
from typing import Any
from urllib.parse import unquote

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from zero_runtime.deadline import Deadlines
from zero_runtime.errors import Unknown
from zero_runtime.resilience import Rejected
from zero_runtime.rest.app import App
from zero_runtime.rest.asgi import BODILESS
from zero_runtime.rest.exchange import Arrival, Exchange
from zero_runtime.rest.lines import Lines
from zero_runtime.rest.message import Request, Response, Stream
from zero_runtime.rest.pipeline import CLOSE, ClientGone, Handler
from zero_runtime.rest.refusal import Refusal
from zero_runtime.rest.routing import Match

_HEAD_LIMIT = 65536
"""Most bytes that the head of a request may have; nginx takes 32 KiB, Node 16, Go a megabyte."""

_EAGER = sys.version_info >= (3, 12)
"""Whether tasks can begin at once, and so most of them end without a turn of the loop."""

_log = logging.getLogger("zero.rest")


class FastProtocol(HttpToolsProtocol):
    """One connection. `fast_protocol` makes the class for an application."""

    # CPython shares the layout of instances with up to 30 attributes in their dictionary, which makes the access
    # to all of them faster: uvicorn's own are 28.
    __slots__ = (
        "_answering",
        "_arriving",
        "_begun",
        "_client",
        "_head",
        "_idle_timer",
        "_ordinary",
        "_quiet_since",
        "_timed",
    )

    application: App
    arrivals: Deadlines[FastProtocol] | None
    """The connections on which the head of a request is awaited."""
    idle: float
    """Seconds that a connection is kept without a request."""
    fixed: dict[tuple[bytes, bytes], tuple[Match[Handler], str, str]]
    """The routes without parameters by method and target as they are sent, with both of them decoded."""
    lines: Lines

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._client: str | None = None
        self._head = 0
        """Bytes that have come of the head that is arriving, and maybe of what follows it."""
        self._timed = False
        self._begun = False
        """Whether the head of a request has begun that is not complete."""
        self._ordinary = False
        """Whether the request that arrives goes through ASGI."""
        self._arriving: Exchange | None = None
        """The request whose body is arriving."""
        self._answering: Exchange | None = None
        self._quiet_since = 0.0
        """When the last response was complete, on the loop's clock."""
        self._idle_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._client = self.client[0] if self.client else None
        self._await_head()
        self._quiet_since = self.loop.time()
        self._close_if_idle()

    def connection_lost(self, exc: Exception | None) -> None:
        self._untime()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        exchange = self._answering
        if exchange is not None:
            exchange.disconnected = True
            exchange.message_event.set()
            if exchange.arrival is not None:
                exchange.arrival.lose()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._head += len(data)
        super().data_received(data)
        exchange = self._arriving
        if exchange is not None:
            if exchange.arrival is None:
                exchange.arrival = Arrival(exchange.pieces, complete=False)
                self._start(exchange)
        elif self._begun:
            if self._head > _HEAD_LIMIT:
                self._refuse(431, "the head of the request is too large")
            else:
                self._await_head()
        else:
            self._head = 0

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._begun = True
        self._ordinary = False

    def on_headers_complete(self) -> None:
        self._begun = False
        self._untime()
        if self.transport.is_closing():
            return
        if self._head > _HEAD_LIMIT and _size(self.url, self.headers) > _HEAD_LIMIT:
            self._refuse(431, "the head of the request is too large")
            return
        self._head = 0
        url, parser = self.url, self.parser
        busy = self.cycle is not None and not self.cycle.response_complete
        if busy or self.expect_100_continue or url[:1] != b"/" or parser.should_upgrade():
            self._go_the_ordinary_way()
            return
        query = b""
        verb = parser.get_method()
        fixed = self.fixed.get((verb, url))
        if fixed is not None:
            match, method, path = fixed
        else:
            target, _, query = url.partition(b"?")
            method, path = verb.decode("ascii"), unquote(target.decode("ascii"))
            match = self.application.find(method, path)
        request = Request(
            method,
            path,
            path_values=match.path_values,
            query=query,
            headers=self.headers,
            client=self._client,
        )
        http10 = parser.get_http_version() == "1.0"
        exchange = Exchange(match.target, request, not http10 and parser.should_keep_alive(), http10)
        self.cycle = exchange  # type: ignore[assignment]
        self._arriving = exchange

    def on_body(self, body: bytes) -> None:
        exchange = self._arriving
        if self._ordinary:
            super().on_body(body)
        elif exchange is None or exchange.response_complete:
            return
        elif exchange.arrival is not None:
            exchange.arrival.feed(body)
        else:
            exchange.pieces.append(body)
            exchange.size += len(body)

    def on_message_complete(self) -> None:
        exchange, self._arriving = self._arriving, None
        if self._ordinary:
            super().on_message_complete()
        elif exchange is None:
            return
        elif exchange.arrival is not None:
            exchange.arrival.end()
        else:
            if 0 < exchange.handler.max_bytes < exchange.size:  # the handler has to refuse it
                exchange.arrival = Arrival(exchange.pieces, complete=True)
            self._start(exchange)

    def _go_the_ordinary_way(self) -> None:
        """As if uvicorn's own methods had been called from the beginning of the request."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        self._ordinary = True
        super().on_headers_complete()

    def _start(self, exchange: Exchange) -> None:
        """Answers a request. Whether it is let in is decided before it has a task: those that wait for the
        loop count as in flight, and a refusal costs little."""
        guard = exchange.handler.guard
        eager = _EAGER
        if guard is not None:
            eager = eager and not guard.is_overloaded
            try:
                exchange.entry = guard.enter()
            except Rejected as rejection:
                self._write(
                    exchange, copy_context().run(exchange.handler.refuse, exchange.request, rejection)
                )
                return
        self._answering = exchange
        if eager:
            task = asyncio.Task(self._answer(exchange), loop=self.loop, eager_start=True)  # type: ignore
        else:
            task = self.loop.create_task(self._answer(exchange))
        exchange.task = task
        if not task.done():
            self.tasks.add(task)

    async def _answer(self, exchange: Exchange) -> None:
        request, pieces = exchange.request, exchange.pieces
        if pieces and exchange.arrival is None:
            request.body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        try:
            response = await exchange.handler(request, exchange.arrival, exchange.task, exchange.entry)
            if isinstance(response, Stream):
                await self._stream(exchange, response)
            elif not exchange.disconnected:
                self._write(exchange, response)
        except ClientGone:
            pass
        except asyncio.CancelledError:
            self.transport.abort()
            raise
        except Exception:
            _log.exception("%s %s could not be answered", request.method, request.path)
            self.transport.abort()  # nobody shall wait for an answer that does not come
        finally:
            if exchange.task is not None:
                self.tasks.discard(exchange.task)

    def _write(self, exchange: Exchange, response: Response) -> None:
        try:
            head = self._head_of(exchange, response)
        except ValueError as error:
            _log.error("%s %s failed: %s", exchange.request.method, exchange.request.path, error)
            response = self.application.render(Unknown())
            head = self._head_of(exchange, response)
        body = response.body
        if response.status in BODILESS:
            self.transport.write(b"%b\r\n" % head)
        elif exchange.request.method == "HEAD":
            self.transport.write(b"%bcontent-length: %d\r\n\r\n" % (head, len(body)))
        else:
            self.transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body))
        self._complete(exchange)

    async def _stream(self, exchange: Exchange, response: Stream) -> None:
        if exchange.disconnected:
            await response.aclose()
            return
        transport, flow = self.transport, self.flow
        has_body = response.status not in BODILESS and exchange.request.method != "HEAD"
        chunked = has_body and response.length is None and not exchange.http10

        async def write(piece: bytes) -> None:
            if flow.write_paused:
                await flow.drain()
            if not exchange.disconnected:
                transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)

        try:
            head = self._head_of(exchange, response)
        except ValueError:
            await response.aclose()
            self._write(exchange, response)  # which tells of it
            return
        if response.length is not None:
            head += b"content-length: %d\r\n" % response.length
        transport.write(head + (b"transfer-encoding: chunked\r\n\r\n" if chunked else b"\r\n"))
        if not has_body:
            await response.aclose()
        else:
            exchange.message_event = gone = asyncio.Event()
            if not await self.application.streams.send(exchange.request, response, write, gone.wait):
                transport.abort()
                return
        if not exchange.disconnected:
            if chunked:
                transport.write(b"0\r\n\r\n")
            self._complete(exchange)

    def _head_of(self, exchange: Exchange, response: Response) -> bytes:
        head, closes = self.lines.head(response.status, response.headers, self.server_state)
        if closes:
            exchange.keep_alive = False
        elif not exchange.keep_alive:
            head += b"connection: close\r\n"
        return head

    def on_response_complete(self) -> None:
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._quiet_since = self.loop.time()

    def _complete(self, exchange: Exchange) -> None:
        exchange.response_complete = True
        self._answering = None
        if not exchange.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _refuse(self, status: int, message: str) -> None:
        """Answers before a request is known, and closes the connection."""
        response = self.application.render(Refusal(status, message, headers=CLOSE))
        head, _ = self.lines.head(status, response.headers, self.server_state)
        length = b"content-length: %d\r\n\r\n" % len(response.body)
        self.transport.write(head + length + response.body)
        self.transport.close()

    def _close_if_idle(self) -> None:
        """Closes the connection if it has been idle for long enough, else looks again when it may have been.

        One timer per connection does, where uvicorn has one per request.
        """
        is_busy = self.cycle is not None and not self.cycle.response_complete
        left = self.idle if is_busy else self._quiet_since + self.idle - self.loop.time()
        if left > 0:
            self._idle_timer = self.loop.call_later(left, self._close_if_idle)
        else:
            self.transport.close()

    def _await_head(self) -> None:
        if self.arrivals is not None and not self._timed:
            self._timed = True
            self.arrivals.add(self, self.loop)

    def _untime(self) -> None:
        if self._timed and self.arrivals is not None:
            self._timed = False
            self.arrivals.discard(self)

    def expire(self) -> None:
        """The head of a request took too long to arrive."""
        self._timed = False
        if self._answering is not None or self.pipeline:
            self._await_head()  # it is early: the request ahead of it is not answered yet
        elif self._begun:
            self._refuse(408, "the request took too long to arrive")
        else:
            self.transport.close()


def fast_protocol(app: App, *, arrival: float, idle: float) -> type[FastProtocol]:
    """The protocol that serves ``app``.

    The head of a request may take ``arrival`` seconds, 0 is no limit; a connection is kept for ``idle``
    seconds without a request.
    """
    fixed = {
        (method.encode(), path.encode()): (match, method, path)
        for (method, path), match in app.router.exact.items()
    }
    members = {
        "application": app,
        "arrivals": Deadlines(arrival, FastProtocol.expire) if arrival else None,
        "idle": idle,
        "fixed": fixed,
        "lines": Lines(),
    }
    return type("ServingProtocol", (FastProtocol,), members)


def _size(url: bytes, headers: list[tuple[bytes, bytes]]) -> int:
    return len(url) + sum(len(name) + len(value) for name, value in headers)
