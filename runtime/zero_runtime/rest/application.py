"""The application that a configuration describes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from zero_runtime import observability
from zero_runtime.config import RestConf
from zero_runtime.resilience import Governor
from zero_runtime.rest.app import App
from zero_runtime.rest.compression import Gzip
from zero_runtime.rest.cors import Cors
from zero_runtime.rest.message import Endpoint, Request, Response
from zero_runtime.rest.pipeline import Finish, Options
from zero_runtime.rest.problems import RENDERERS
from zero_runtime.rest.routing import Route

_JSON = ((b"content-type", b"application/json"),)


def application(conf: RestConf, routes: Iterable[Route], openapi: Callable[[], bytes] | None = None) -> App:
    """The routes with all that ``conf`` says of them; in the mode ``dev`` also what they are documented by.

    Raises ValueError when two routes answer the same requests.
    """
    routes = [*routes]
    if conf.mode == "dev" and openapi is not None:
        taken = {(route.method, route.path) for route in routes}
        pages = (Route("GET", "/openapi.json", _document_of(openapi)), Route("GET", "/docs", _documentation))
        routes += [page for page in pages if (page.method, page.path) not in taken]
    on = conf.middlewares
    cors = Cors(conf.cors) if conf.cors.origins else None
    finish: list[Finish] = [Gzip(conf.gzip)] if conf.gzip.level else []
    if cors is not None:
        finish.append(cors)
    options = Options(
        timeout=conf.timeout / 1000 if on.timeout else 0,
        max_bytes=conf.max_bytes if on.max_bytes else 0,
        gunzip=on.gunzip,
        render=RENDERERS[conf.error_format],
        finish=tuple(finish),
    )
    governor = Governor(conf, breaker=on.breaker, shedding=on.shedding, concurrency=on.max_conns)
    return App(routes, options, cors=cors, observer=observability.http_observer(conf), governor=governor)


def _document_of(openapi: Callable[[], bytes]) -> Endpoint:
    async def document(request: Request) -> Response:
        return Response(200, openapi(), _JSON)

    return document


async def _documentation(request: Request) -> Response:
    from zero_runtime.rest import documentation  # reads a file, which only development needs

    return documentation.page()
