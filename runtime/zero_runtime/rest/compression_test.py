from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime import rest
from zero_runtime.config import GzipConf
from zero_runtime.rest.compression import Gzip, accepts_gzip, gunzip
from zero_runtime.rest.refusal import Refusal

JSON = (b"content-type", b"application/json")


def request(body: bytes = b"", encoding: bytes = b"gzip") -> rest.Request:
    return rest.Request("POST", "/", headers=((b"content-encoding", encoding),), body=body)


def compressed(response: rest.Response, accept: bytes = b"gzip", *, min_bytes: int = 10) -> rest.Response:
    asked = rest.Request("GET", "/", headers=((b"accept-encoding", accept),))
    return Gzip(GzipConf(level=6, min_bytes=min_bytes))(asked, response)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_what_was_compressed_is_unpacked(one: bytes, other: bytes) -> None:
    assert gunzip(request(gzip.compress(one)), 0) == one
    assert gunzip(request(gzip.compress(one) + gzip.compress(other)), 600) == one + other


@given(st.binary(min_size=1, max_size=200))
def test_whatever_is_sent_is_unpacked_or_refused(body: bytes) -> None:
    try:
        gunzip(request(body), 1000)
    except Refusal as refusal:
        assert refusal.status in (400, 413)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 100_000_000)
    with pytest.raises(Refusal) as refused:
        gunzip(request(bomb), 1000)
    assert refused.value.status == 413


def test_the_members_of_a_body_are_limited() -> None:
    assert gunzip(request(gzip.compress(b"x") * 64), 0) == b"x" * 64
    with pytest.raises(Refusal) as refused:
        gunzip(request(gzip.compress(b"") * 65), 0)
    assert refused.value.status == 400


@pytest.mark.parametrize("encoding", [b"", b"identity", b" Identity "])
def test_plain_bodies_stay_as_they_are(encoding: bytes) -> None:
    assert gunzip(request(b"x", encoding), 1) == b"x"


@pytest.mark.parametrize("encoding", [b"br", b"deflate", b"gzip, gzip"])
def test_other_encodings_are_refused(encoding: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        gunzip(request(b"x", encoding), 1)
    assert (refused.value.status, list(refused.value.headers)) == (415, [(b"accept-encoding", b"gzip")])


def test_a_body_that_breaks_off_is_refused() -> None:
    with pytest.raises(Refusal, match="breaks off"):
        gunzip(request(gzip.compress(b"x" * 100)[:-4]), 0)


@pytest.mark.parametrize(
    ("values", "accepted"),
    [
        ([], False),
        (["gzip"], True),
        (["deflate, GZIP;q=0.5"], True),
        (["br", "x-gzip"], True),
        (["*"], True),
        (["*;q=0"], False),
        (["gzip;q=0, *"], False),
        (["gzip;q=0.000"], False),
        (["gzip; q=0.001"], True),
        (["gzip;q=1.000"], True),
        (["identity"], False),
        (["gzip;q=high"], False),
        (["gzip;level=1;q=0"], False),
    ],
)
def test_who_accepts_gzip(values: list[str], accepted: bool) -> None:
    assert accepts_gzip(values) is accepted


@given(st.lists(st.text(max_size=30)))
def test_any_header_can_be_read(values: list[str]) -> None:
    assert accepts_gzip(values) in (True, False)


def test_responses_are_compressed() -> None:
    given = rest.Response(200, b"x" * 100, (JSON, (b"etag", b'"1"')))
    response = compressed(given)
    assert zlib.decompress(response.body, 31) == b"x" * 100
    assert list(response.headers) == [
        JSON,
        (b"etag", b'W/"1"'),
        (b"content-encoding", b"gzip"),
        (b"vary", b"Accept-Encoding"),
    ]
    assert given.body == b"x" * 100


def test_responses_that_could_be_compressed_say_so() -> None:
    response = compressed(rest.Response(200, b"x" * 100, (JSON,)), b"br")
    assert response.body == b"x" * 100
    assert list(response.headers) == [JSON, (b"vary", b"Accept-Encoding")]


@pytest.mark.parametrize(
    "response",
    [
        rest.Response(200, b"x" * 9, (JSON,)),
        rest.Response(200, b"x" * 100),
        rest.Response(200, b"x" * 100, ((b"content-type", b"image/png"),)),
        rest.Response(200, b"x" * 100, (JSON, (b"content-encoding", b"br"))),
        rest.Response(206, b"x" * 100, (JSON, (b"content-range", b"bytes 0-99/200"))),
        rest.Response(204, headers=(JSON,)),
        rest.Response(304, headers=(JSON,)),
    ],
)
def test_responses_that_stay_as_they_are(response: rest.Response) -> None:
    assert compressed(response) is response


@pytest.mark.parametrize(
    ("kind", "is_worth_it"),
    [
        (b"text/html; charset=utf-8", True),
        (b"Application/JSON", True),
        (b"application/problem+json", True),
        (b"image/svg+xml", True),
        (b"application/octet-stream", False),
        (b"text/event-stream", False),
        (b"image/jpeg", False),
    ],
)
def test_kinds_of_content(kind: bytes, is_worth_it: bool) -> None:
    response = compressed(rest.Response(200, b"x" * 100, ((b"content-type", kind),)))
    assert (b"content-encoding" in dict(response.headers)) is is_worth_it
