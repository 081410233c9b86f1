"""What heads of requests say."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from google.protobuf.wrappers_pb2 import BytesValue
from hpack import Encoder

from zero_runtime import rpc
from zero_runtime.deadline import Alarms
from zero_runtime.errors import Code
from zero_runtime.rpc.http2.conftest import HEAD, echo, head_of
from zero_runtime.rpc.http2.heads import Head, Heads, Malformed, Refusal
from zero_runtime.rpc.server.pipeline import Handler

PATH = "/test.Wire/Say"


@pytest.fixture
def handlers() -> Iterator[dict[bytes, Handler]]:
    loop = asyncio.new_event_loop()
    method = rpc.unary_unary("Say", echo, BytesValue, BytesValue)
    yield {PATH.encode(): Handler(PATH, method, Alarms(loop))}
    loop.close()


def read(handlers: dict[bytes, Handler], *fields: tuple[str, str]) -> Head | Refusal:
    return Heads(handlers).read(Encoder().encode(fields))


def test_a_call(handlers: dict[bytes, Handler]) -> None:
    head = read(
        handlers,
        *HEAD,
        ("grpc-timeout", "1500m"),
        ("grpc-encoding", "gzip"),
        ("user-agent", "test"),
        ("x-key-bin", "AAE, Ag=="),
        ("x-text", "a"),
        ("x-text", "b"),
    )
    assert isinstance(head, Head)
    assert head.handler is handlers[PATH.encode()]
    assert head.timeout == 1.5
    assert head.encoding == "gzip"
    assert head.length is None
    assert head.metadata == (
        ("user-agent", "test"),
        ("x-key-bin", b"\0\1"),
        ("x-key-bin", b"\2"),
        ("x-text", "a"),
        ("x-text", "b"),
    )


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1H", 3600),
        ("2M", 120),
        ("3S", 3),
        ("4m", 0.004),
        ("5u", 5e-6),
        ("6n", 6e-9),
        ("99999999S", 99999999),
    ],
)
def test_timeouts(handlers: dict[bytes, Handler], written: str, seconds: float) -> None:
    head = read(handlers, *HEAD, ("grpc-timeout", written))
    assert isinstance(head, Head)
    assert head.timeout == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("fields", "code", "status", "why"),
    [
        (head_of("/test.Wire/Sing"), Code.UNIMPLEMENTED, 200, "there is no method /test.Wire/Sing here"),
        ((*HEAD, ("grpc-timeout", "1")), Code.INTERNAL, 200, "'1' is no grpc-timeout"),
        ((*HEAD, ("grpc-timeout", "123456789S")), Code.INTERNAL, 200, "is no grpc-timeout"),
        ((*HEAD, ("grpc-encoding", "br")), Code.UNIMPLEMENTED, 200, "compressed by 'br'"),
        ((*HEAD, ("x-bin", "a!")), Code.INTERNAL, 200, "the value of x-bin is not base64"),
        ((*HEAD[:4], HEAD[5]), Code.INTERNAL, 200, "te: trailers"),
        (((":method", "GET"), *HEAD[1:]), Code.INTERNAL, 405, "this is GET"),
        (HEAD[:5], Code.INTERNAL, 415, "this has nothing"),
        ((*HEAD[:5], ("content-type", "application/json")), Code.INTERNAL, 415, "this has application/json"),
        ((*HEAD[:5], ("content-type", "application/grpcx")), Code.INTERNAL, 415, "application/grpcx"),
    ],
)
def test_requests_that_are_no_calls(
    handlers: dict[bytes, Handler], fields: tuple[tuple[str, str], ...], code: Code, status: int, why: str
) -> None:
    refusal = read(handlers, *fields)
    assert isinstance(refusal, Refusal)
    assert (refusal.error.code, refusal.status) == (code, status)
    assert why in refusal.error.message


@pytest.mark.parametrize("kind", ["application/grpc+proto", "application/grpc;charset=utf-8"])
def test_kinds_of_content(handlers: dict[bytes, Handler], kind: str) -> None:
    assert isinstance(read(handlers, *HEAD[:5], ("content-type", kind)), Head)


@pytest.mark.parametrize(
    "fields",
    [
        HEAD[1:],
        (HEAD[0], *HEAD[2:]),
        head_of(""),
        (*HEAD, (":authority", "late")),
        (HEAD[0], *HEAD),
        ((":status", "200"), *HEAD),
        ((":protocol", "x"), *HEAD),
        (*HEAD, ("X-Upper", "a")),
        (*HEAD, ("", "a")),
        (*HEAD, ("x y", "a")),
        (*HEAD, ("x", "a\nb")),
        (*HEAD, ("x", "a\0")),
        (*HEAD, ("connection", "close")),
        (*HEAD, ("transfer-encoding", "chunked")),
        (*HEAD[:4], ("te", "gzip"), HEAD[5]),
        (*HEAD, ("content-length", "-1")),
        (*HEAD, ("content-length", "9" * 5000)),
    ],
)
def test_heads_that_are_none(handlers: dict[bytes, Handler], fields: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(Malformed):
        read(handlers, *fields)


def test_heads_are_known_again_until_their_meaning_changes(handlers: dict[bytes, Handler]) -> None:
    encoder, heads = Encoder(), Heads(handlers)

    def value(x: str) -> object:
        head = heads.read(encoder.encode([*HEAD, ("x", x)]))
        assert isinstance(head, Head)
        return head.metadata[-1][1]

    assert value("a") == "a"
    block = encoder.encode([*HEAD, ("x", "a")])
    known = heads.read(block)
    assert heads.read(block) is known
    # The same bytes mean something else, here nothing, once the table has moved on by one more field.
    assert value("b") == "b"
    with pytest.raises(Malformed):
        heads.read(block)


def test_known_heads_do_not_pile_up(handlers: dict[bytes, Handler]) -> None:
    encoder, heads = Encoder(), Heads(handlers)
    heads.read(encoder.encode(HEAD))
    for number in range(2000):
        heads.read(encoder.encode([*HEAD, ("x", str(number), True)]))  # never indexed
    assert len(heads._blocks) <= 256 and len(heads._heads) <= 256


@pytest.mark.parametrize("never_indexed", [True, False])
def test_what_varies_from_call_to_call(handlers: dict[bytes, Handler], never_indexed: bool) -> None:
    encoder, heads = Encoder(), Heads(handlers)
    for number in range(300):
        varying = [("grpc-timeout", f"{number + 1}m"), ("traceparent", f"00-{number:032x}-{1:016x}-01")]
        fields = [(*field, never_indexed) for field in (*HEAD, varying[0], ("x", "a"), varying[1])]
        head = heads.read(encoder.encode(fields))
        assert isinstance(head, Head)
        assert head.timeout == pytest.approx((number + 1) / 1000)
        assert head.metadata == (("x", "a"), varying[1])
    assert len(heads._heads) == 1


@pytest.mark.parametrize(
    "fields",
    [
        (HEAD[0], ("traceparent", "a"), *HEAD[1:]),
        (*HEAD, ("traceparent", "a\n")),
        (*HEAD, ("grpc-timeout", "1m\0")),
    ],
)
def test_what_varies_may_be_malformed_too(
    handlers: dict[bytes, Handler], fields: tuple[tuple[str, str], ...]
) -> None:
    with pytest.raises(Malformed):
        Heads(handlers).read(Encoder().encode(fields))


def test_a_timeout_that_is_none(handlers: dict[bytes, Handler]) -> None:
    refusal = Heads(handlers).read(Encoder().encode([*HEAD, ("grpc-timeout", "soon")]))
    assert isinstance(refusal, Refusal)
    assert "'soon' is no grpc-timeout" in refusal.error.message


def test_metadata_that_is_too_large(handlers: dict[bytes, Handler]) -> None:
    refusal = Heads(handlers).read(Encoder().encode([*HEAD, ("x", "v" * 20_000)]))
    assert isinstance(refusal, Refusal)
    assert refusal.error.code is Code.RESOURCE_EXHAUSTED
