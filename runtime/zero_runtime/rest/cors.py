"""Which pages of other origins may use a service (the fetch standard's CORS protocol)."""

from __future__ import annotations

from collections.abc import Iterable

from zero_runtime.config import CorsConf
from zero_runtime.rest.headers import with_headers
from zero_runtime.rest.message import Request, Response

_Header = tuple[bytes, bytes]
_VARY_ORIGIN = (b"vary", b"Origin")
_VARY_PREFLIGHT = (b"vary", b"Access-Control-Request-Method, Access-Control-Request-Headers")


class Cors:
    """Adds to responses what browsers want to know. As in go-zero, a domain stands for its sub-domains too."""

    def __init__(self, conf: CorsConf) -> None:
        self._any = "*" in conf.origins
        allowed = [origin.lower() for origin in conf.origins]
        self._origins = {origin.encode() for origin in allowed if "://" in origin}
        self._domains = {origin.encode() for origin in allowed if "://" not in origin}
        self._suffixes = tuple(b"." + domain for domain in self._domains)
        self._answer = [*_header("access-control-expose-headers", conf.expose_headers)]
        self._preflight = [
            *_header("access-control-allow-headers", conf.headers),
            (b"access-control-max-age", b"%d" % conf.max_age),
        ]
        if conf.credentials:
            self._answer.append((b"access-control-allow-credentials", b"true"))

    def __call__(self, request: Request, response: Response) -> Response:
        """The response with what its origin is allowed."""
        return with_headers(response, *self._permission(request))

    def preflight(self, request: Request, methods: Iterable[str]) -> list[_Header] | None:
        """What a browser is told that asks whether it may send a request; None when nobody asks that."""
        if request.header(b"origin") is None or request.header(b"access-control-request-method") is None:
            return None
        allowed = [(b"access-control-allow-methods", ", ".join(methods).encode()), *self._preflight]
        return [_VARY_PREFLIGHT, *(allowed if self._allows(request) else ())]

    def _permission(self, request: Request) -> list[_Header]:
        if self._any:
            return [(b"access-control-allow-origin", b"*"), *self._answer]
        if not self._allows(request):
            return [_VARY_ORIGIN]
        origin = request.header(b"origin") or b""
        return [(b"access-control-allow-origin", origin), *self._answer, _VARY_ORIGIN]

    def _allows(self, request: Request) -> bool:
        origin = (request.header(b"origin") or b"").lower()
        host = origin.partition(b"://")[2]
        return (
            self._any
            or origin in self._origins
            or (host != b"" and (host in self._domains or host.endswith(self._suffixes)))
        )


def _header(name: str, values: list[str]) -> list[_Header]:
    return [(name.encode(), ", ".join(values).encode())] if values else []
