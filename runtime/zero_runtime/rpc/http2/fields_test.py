"""Header fields, held against those that the library hpack reads and writes."""

from __future__ import annotations

import pytest
from hpack import Decoder as Reference
from hpack import Encoder, HPACKError
from hpack.exceptions import OversizedHeaderListError
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime.rpc.http2.fields import OVERHEAD, TABLE_SIZE, Decoder, Field, literal
from zero_runtime.rpc.http2.frames import Broken

LIMIT = 4096

names = st.sampled_from([b":path", b"te", b"x-a", b"x-b", b"content-type", b"user-agent"]) | st.binary(
    min_size=1, max_size=20
)
values = st.sampled_from([b"trailers", b"application/grpc", b"1999m"]) | st.binary(max_size=300)
fields = st.lists(st.tuples(names, values, st.booleans()), max_size=12)


@given(st.lists(st.tuples(fields, st.booleans(), st.none() | st.integers(0, TABLE_SIZE)), max_size=8))
def test_what_hpack_writes_is_read(
    blocks: list[tuple[list[tuple[bytes, bytes, bool]], bool, int | None]],
) -> None:
    encoder, decoder = Encoder(), Decoder(100_000)
    for block, huffman, table in blocks:
        if table is not None:
            encoder.header_table_size = table
        encoded = encoder.encode(block, huffman=huffman)
        assert decoder.decode(encoded) == [(name, value) for name, value, _ in block]
        if not decoder.changed:
            assert decoder.decode(encoded) == [(name, value) for name, value, _ in block]


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_whatever_comes_is_read_as_hpack_reads_it(blocks: list[bytes]) -> None:
    reference, decoder = Reference(LIMIT), Decoder(LIMIT)
    for block in blocks:
        expected: list[Field] | None
        try:
            expected = [(bytes(name), bytes(value)) for name, value in reference.decode(block, raw=True)]
        except OversizedHeaderListError:
            return
        except HPACKError:
            with pytest.raises(Broken, match="COMPRESSION_ERROR"):
                decoder.decode(block)
            return
        except IndexError:  # hpack's own slip on a string without a length
            expected = None
        if expected is None:
            with pytest.raises(Broken):
                decoder.decode(block)
            return
        assert decoder.decode(block) == expected


def test_a_block_that_is_too_large_still_changes_the_table() -> None:
    encoder, decoder = Encoder(), Decoder(LIMIT)
    assert decoder.decode(encoder.encode([(b"kept", b"v"), (b"large", b"x" * LIMIT, True)])) is None
    assert decoder.decode(encoder.encode([(b"kept", b"v")])) == [(b"kept", b"v")]


def test_the_limit_counts_as_http2_does() -> None:
    field = (b"name", b"v" * (LIMIT - 4 - OVERHEAD))
    assert Decoder(LIMIT).decode(literal(*field)) == [field]
    assert Decoder(LIMIT).decode(literal(field[0], field[1] + b"v")) is None


@pytest.mark.parametrize(
    "block",
    [
        b"\x80",  # index 0
        b"\xbe",  # an index beyond the tables
        b"\xff\xff\xff\xff\xff\xff\xff\x0f",  # an integer without measure
        b"\x82\x20",  # a change of the table's size after a field
        b"\x3f\xe2\x1f",  # a table of 4097 bytes
        b"\x00\x05abc",  # a string that is cut off
        b"\x00\x81\xff\x00",  # padding of Huffman's code that is a whole byte
        b"\x41",
    ],
)
def test_what_is_no_block(block: bytes) -> None:
    with pytest.raises(Broken, match="COMPRESSION_ERROR"):
        Decoder(LIMIT).decode(block)


@given(st.binary(min_size=1, max_size=400), st.binary(max_size=20_000))
def test_literals_are_read_by_hpack(name: bytes, value: bytes) -> None:
    ((found, content),) = Reference(65536).decode(literal(name, value), raw=True)
    assert (found, content) == (name, value)
