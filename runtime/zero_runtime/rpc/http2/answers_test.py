"""Answers, as the libraries of others read them."""

from __future__ import annotations

import base64
from urllib.parse import unquote

import hyperframe.frame
import pytest
from google.rpc.status_pb2 import Status
from hpack import Decoder
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime.errors import FieldError, InvalidArgument, Unavailable
from zero_runtime.rpc.http2 import answers


def frames_of(data: bytes) -> list[hyperframe.frame.Frame]:
    found = []
    while data:
        frame, length = hyperframe.frame.Frame.parse_frame_header(memoryview(data[:9]))
        frame.parse_body(memoryview(data[9 : 9 + length]))
        found.append(frame)
        data = data[9 + length :]
    return found


def fields_of(frame: hyperframe.frame.Frame) -> dict[str, str]:
    assert isinstance(frame, hyperframe.frame.HeadersFrame)
    return {str(name): str(value) for name, value in Decoder().decode(frame.data)}


@given(st.integers(0, 2**30 - 1).map(lambda n: 2 * n + 1), st.binary(max_size=16379))
def test_a_whole_answer(stream: int, payload: bytes) -> None:
    answer = answers.whole(stream, payload)
    head, data, trailers = frames_of(answer)
    assert {frame.stream_id for frame in (head, data, trailers)} == {stream}
    assert fields_of(head) == {":status": "200", "content-type": "application/grpc"}
    assert isinstance(data, hyperframe.frame.DataFrame)
    assert data.data == b"\0" + len(payload).to_bytes(4, "big") + payload
    assert fields_of(trailers) == {"grpc-status": "0"}
    assert [set(frame.flags) for frame in (head, data, trailers)] == [
        {"END_HEADERS"},
        set(),
        {"END_HEADERS", "END_STREAM"},
    ]
    assert answers.head(stream) == answer[: len(answers.head(stream))]
    assert answer.endswith(answers.message(payload) + answers.ok(stream))


def test_an_error_with_details() -> None:
    error = InvalidArgument("100 % wrong: 错误", fields=[FieldError("mobile", "is required")])
    (frame,) = frames_of(answers.failed(7, error))
    fields = fields_of(frame)
    assert fields["grpc-status"] == "3"
    assert fields["grpc-message"] == "100 %25 wrong: %E9%94%99%E8%AF%AF"
    details = fields["grpc-status-details-bin"]
    assert Status.FromString(base64.b64decode(details + "=" * (-len(details) % 4))).code == 3


@pytest.mark.parametrize("status", [200, 405, 415])
def test_an_error_at_once(status: int) -> None:
    (frame,) = frames_of(answers.failed_at_once(1, Unavailable("away"), status, answers.FORGET))
    fields = fields_of(frame)
    assert fields[":status"] == str(status)
    assert (fields["grpc-status"], fields["grpc-message"]) == ("14", "away")
    assert set(frame.flags) == {"END_HEADERS", "END_STREAM"}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_messages_are_percent_encoded(text: str) -> None:
    encoded = answers.percent_encoded(text)
    assert all(0x20 <= byte < 0x7F for byte in encoded)
    assert unquote(encoded.decode()) == text
