"""Which addresses a registry is spoken to at, and which it may send us on to."""

from __future__ import annotations

import pytest

from zero_image.errors import ImageError
from zero_image.registry.client import Registry

URL = "https://registry.example/v2/shop/api/blobs/uploads/"


@pytest.mark.parametrize(
    ("host", "plain_http", "url"),
    [
        ("registry.example:5000", False, "https://registry.example:5000/v2/x"),
        ("registry.example:5000", True, "http://registry.example:5000/v2/x"),
        ("localhost:5000", False, "http://localhost:5000/v2/x"),
        ("127.0.0.1", False, "http://127.0.0.1/v2/x"),
        ("127.0.0.1.example", False, "https://127.0.0.1.example/v2/x"),
        ("docker.io", False, "https://registry-1.docker.io/v2/x"),
    ],
)
def test_plain_http_is_spoken_to_this_machine_and_where_it_is_said(
    host: str, plain_http: bool, url: str
) -> None:
    assert Registry(host, [], None, plain_http=plain_http).url("x") == url


@pytest.mark.parametrize(
    ("location", "followed"),
    [
        (
            "/v2/shop/api/blobs/uploads/1?state=x",
            "https://registry.example/v2/shop/api/blobs/uploads/1?state=x",
        ),
        ("http://registry.example/uploads/1", "https://registry.example/uploads/1"),
        ("https://storage.example/1", "https://storage.example/1"),
    ],
)
def test_what_a_registry_sends_to_is_reached_by_tls(location: str, followed: str) -> None:
    registry = Registry("registry.example", [], None)
    assert registry.follow(URL, location) == followed


def test_nothing_is_sent_elsewhere_without_tls() -> None:
    registry = Registry("registry.example", [], None)
    with pytest.raises(ImageError, match="sends to http://storage.example/1, which is not safe"):
        registry.follow(URL, "http://storage.example/1")
