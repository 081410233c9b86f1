"""Messages out of the pieces in which they arrive."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime.errors import Internal, ResourceExhausted
from zero_runtime.rpc.http2.messages import Assembler


def framed(payload: bytes, packed: int = 0) -> bytes:
    return bytes((packed,)) + len(payload).to_bytes(4, "big") + payload


def deflated(payload: bytes) -> bytes:
    return zlib.compress(payload)


@given(
    st.lists(st.tuples(st.binary(max_size=50), st.booleans()), max_size=8),
    st.lists(st.integers(1, 40)),
    st.sampled_from([("gzip", gzip.compress), ("deflate", deflated)]),
)
def test_pieces_do_not_matter(
    sent: list[tuple[bytes, bool]], sizes: list[int], packing: tuple[str, object]
) -> None:
    encoding, pack = packing
    assert callable(pack)
    data = b"".join(framed(pack(payload), 1) if packed else framed(payload) for payload, packed in sent)
    total = len(data)
    assembler = Assembler(encoding, 100)
    found = []
    for size in [*sizes, len(data)]:
        found += assembler.feed(data[:size])
        data = data[size:]
    assert [payload for payload, _ in found] == [payload for payload, _ in sent]
    assert sum(size for _, size in found) == total
    assert not assembler.amid


def test_the_limit_is_known_from_the_length_alone() -> None:
    assert Assembler("identity", 10).feed(framed(bytes(10))) == [(bytes(10), 15)]
    with pytest.raises(ResourceExhausted, match="at most 10 bytes"):
        Assembler("identity", 10).feed(framed(bytes(11))[:5])
    with pytest.raises(ResourceExhausted):
        Assembler("identity", 10).feed(framed(bytes(11)))
    assert Assembler("identity", 0).feed(framed(bytes(100_000))) == [(bytes(100_000), 100_005)]


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", deflated)])
def test_the_limit_is_for_what_is_unpacked_too(encoding: str, pack: object) -> None:
    assert callable(pack)
    bomb = framed(pack(bytes(50_000_000)), 1)
    with pytest.raises(ResourceExhausted, match="at most 100000 bytes"):
        Assembler(encoding, 100_000).feed(bomb)


@pytest.mark.parametrize(
    ("encoding", "payload", "why"),
    [
        ("identity", b"x", "does not say how"),
        ("gzip", b"plain", "is not gzip"),
        ("gzip", gzip.compress(b"abc")[:-1], "cut off"),
        ("gzip", b"", "cut off"),
        ("gzip", gzip.compress(b"abc") * 2, "something follows"),
        ("deflate", deflated(b"abc") + b"d", "something follows"),
        ("deflate", gzip.compress(b"abc"), "is not deflate"),
    ],
)
def test_what_cannot_be_unpacked(encoding: str, payload: bytes, why: str) -> None:
    with pytest.raises(Internal, match=why):
        Assembler(encoding, 100).feed(framed(payload, 1))


def test_a_flag_that_grpc_does_not_have() -> None:
    with pytest.raises(Internal, match="2"):
        Assembler("gzip", 100).feed(framed(b"", 2))
