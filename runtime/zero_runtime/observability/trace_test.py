from __future__ import annotations

import contextvars
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime.observability.trace import Sampler, Span, current_span, trace_headers

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def is_valid(span: Span) -> bool:
    flags = "01" if span.sampled else "00"
    return re.fullmatch(rf"00-[0-9a-f]{{32}}-[0-9a-f]{{16}}-{flags}", span.traceparent.decode()) is not None


def test_a_new_trace() -> None:
    first, second = Sampler(1.0).begin(), Sampler(1.0).begin()
    assert is_valid(first)
    assert first.traceparent == f"00-{first.trace_id}-{first.span_id}-01".encode()
    assert (first.parent, first.tracestate) == ("", "")
    assert first.trace_id != second.trace_id
    assert first.span_id != second.span_id


def test_workers_draw_other_ids_than_their_siblings() -> None:
    end, fd = os.pipe()
    for _ in range(2):
        child = os.fork()
        if child == 0:
            os.write(fd, Sampler(1.0).begin().trace_id.encode())
            os._exit(0)
        os.waitpid(child, 0)
    first, second = os.read(end, 32), os.read(end, 32)
    assert len(first) == len(second) == 32
    assert first != second
    os.close(end)
    os.close(fd)


@pytest.mark.parametrize("flags", ["00", "01", "02", "ff"])
@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_a_trace_is_gone_on_with_as_its_caller_decided(flags: str, ratio: float) -> None:
    span = Sampler(ratio).resume(f"00-{TRACE}-{PARENT}-{flags}".encode(), b"vendor=1")
    assert is_valid(span)
    assert (span.trace_id, span.parent, span.tracestate) == (TRACE, PARENT, "vendor=1")
    assert span.span_id != PARENT
    assert span.sampled == (int(flags, 16) % 2 == 1)


def test_later_versions_may_say_more() -> None:
    later = f"cc-{TRACE}-{PARENT}-01-what.the.future-will-be".encode()
    assert Sampler(1.0).resume(later).trace_id == TRACE


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        TRACE,
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE[1:]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-0g",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{PARENT}-01",
        f"cc-{TRACE}-{PARENT}-01.more",
        f"00-{TRACE}-{PARENT}-01\n",
    ],
)
def test_what_makes_no_sense_begins_a_new_trace(traceparent: str) -> None:
    span = Sampler(1.0).resume(traceparent.encode(), b"vendor=1")
    assert is_valid(span)
    assert (span.parent, span.tracestate) == ("", "")
    assert span.trace_id != TRACE


@given(st.binary(max_size=80), st.binary(max_size=600))
def test_whatever_comes_goes_on_as_a_valid_trace(traceparent: bytes, tracestate: bytes) -> None:
    span = Sampler(0.5).resume(traceparent, tracestate)
    assert is_valid(span)


def test_a_tracestate_that_others_would_refuse_is_not_carried_on() -> None:
    traceparent = f"00-{TRACE}-{PARENT}-01".encode()
    assert Sampler(1.0).resume(traceparent, b"x" * 512).tracestate
    assert not Sampler(1.0).resume(traceparent, b"x" * 513).tracestate
    assert not Sampler(1.0).resume(traceparent, b"a=\xe4").tracestate
    assert not Sampler(1.0).resume(traceparent, b"a=\x01").tracestate


@pytest.mark.parametrize(("ratio", "least", "most"), [(0.0, 0, 0), (0.25, 400, 600), (1.0, 2000, 2000)])
def test_the_share_of_new_traces(ratio: float, least: int, most: int) -> None:
    sampler = Sampler(ratio)
    assert least <= sum(sampler.begin().sampled for _ in range(2000)) <= most


def test_the_headers_for_calls_to_others() -> None:
    assert trace_headers() == {}
    context = contextvars.copy_context()
    span = Sampler(1.0).begin()
    context.run(current_span.set, span)
    assert context.run(trace_headers) == {"traceparent": span.traceparent.decode()}
    span = Sampler(1.0).resume(span.traceparent, b"vendor=1")
    context.run(current_span.set, span)
    assert context.run(trace_headers) == {"traceparent": span.traceparent.decode(), "tracestate": "vendor=1"}
