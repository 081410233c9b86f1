from __future__ import annotations

from typing import Any

import pytest

from zero_runtime import config, rest
from zero_runtime.rest.cors import Cors


def asked(origin: str, **conf: Any) -> dict[bytes, bytes]:
    """The headers of a response to a page of ``origin``."""
    cors = Cors(config.CorsConf(**conf))
    headers = ((b"origin", origin.encode()),) if origin else ()
    given = rest.Response(200, b"x", ((b"a", b"b"),))
    response = cors(rest.Request("GET", "/", headers=headers), given)
    assert given.headers == ((b"a", b"b"),)
    found = dict(response.headers)
    assert found.pop(b"a") == b"b"
    return found


@pytest.mark.parametrize(
    ("allowed", "origin", "is_allowed"),
    [
        ("https://example.com", "https://example.com", True),
        ("https://Example.com", "https://example.com", True),
        ("https://example.com", "http://example.com", False),
        ("https://example.com", "https://example.com:8443", False),
        ("https://example.com", "https://www.example.com", False),
        ("example.com", "https://example.com", True),
        ("example.com", "http://www.shop.example.com", True),
        ("example.com", "https://badexample.com", False),
        ("example.com", "https://example.com.evil.org", False),
        ("example.com:8080", "http://www.example.com:8080", True),
        ("example.com", "null", False),
        ("example.com", "", False),
    ],
)
def test_origins(allowed: str, origin: str, is_allowed: bool) -> None:
    headers = asked(origin, origins=["other.org", allowed])
    assert headers.pop(b"vary") == b"Origin"
    assert headers == ({b"access-control-allow-origin": origin.encode()} if is_allowed else {})


def test_every_origin() -> None:
    assert asked("https://example.com", origins=["*"]) == {b"access-control-allow-origin": b"*"}
    assert asked("", origins=["*"]) == {b"access-control-allow-origin": b"*"}


def test_what_a_page_may_do_with_a_response() -> None:
    headers = asked("https://a.org", origins=["a.org"], expose_headers=["X-A", "X-B"], credentials=True)
    assert headers[b"access-control-expose-headers"] == b"X-A, X-B"
    assert headers[b"access-control-allow-credentials"] == b"true"
    assert b"access-control-allow-credentials" not in asked(
        "https://b.org", origins=["a.org"], credentials=True
    )


def test_credentials_need_names() -> None:
    with pytest.raises(ValueError, match=r"excludes Credentials"):
        config.CorsConf(origins=["*"], credentials=True)


def preflight(origin: str, *, method: str = "POST") -> dict[bytes, bytes] | None:
    cors = Cors(config.CorsConf(origins=["a.org"], headers=["X-A", "X-B"], max_age=60))
    headers = [(b"origin", origin.encode())]
    if method:
        headers.append((b"access-control-request-method", method.encode()))
    found = cors.preflight(rest.Request("OPTIONS", "/", headers=headers), ["GET", "POST"])
    return None if found is None else dict(found)


def test_preflight() -> None:
    vary = {b"vary": b"Access-Control-Request-Method, Access-Control-Request-Headers"}
    assert preflight("https://a.org") == {
        **vary,
        b"access-control-allow-methods": b"GET, POST",
        b"access-control-allow-headers": b"X-A, X-B",
        b"access-control-max-age": b"60",
    }
    assert preflight("https://b.org") == vary
    assert preflight("https://a.org", method="") is None
