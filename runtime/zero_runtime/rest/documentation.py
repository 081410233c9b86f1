"""The documentation page: the OpenAPI document of a service for people, who can send requests from it.

The page is our own, in one file without dependencies. The Swagger UI that PyPI has (4.15) does not know
OpenAPI 3.1, and pages that load theirs from elsewhere do not open where developers have no way out.
"""

from __future__ import annotations

import base64
import hashlib
import pkgutil
import re
from functools import cache

from zero_runtime.rest.message import Response


@cache
def page() -> Response:
    """The page. It reads ``openapi.json`` beside its own path: ``/docs`` reads ``/openapi.json``.

    Its policy lets nothing run but the script in it, and nothing be asked but the server it came from.
    """
    html = pkgutil.get_data(__name__, "documentation.html")
    assert html is not None  # it lies beside this module
    policy = (
        "default-src 'none'",
        f"script-src {_digest(html, b'script')}",
        f"style-src {_digest(html, b'style')}",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    headers = (
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", "; ".join(policy).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-cache"),
    )
    return Response(200, html, headers)


def _digest(html: bytes, tag: bytes) -> str:
    """The one element ``tag`` of the page, as a source of a content security policy."""
    element = re.search(rb"<%b>(.*?)</%b>" % (tag, tag), html, re.DOTALL)
    assert element is not None
    return f"'sha256-{base64.b64encode(hashlib.sha256(element[1]).digest()).decode()}'"
