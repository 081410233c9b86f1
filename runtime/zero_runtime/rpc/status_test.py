from __future__ import annotations

import grpc
import pytest
from google.rpc.status_pb2 import Status
from hypothesis import example, given
from hypothesis import strategies as st

from zero_runtime.errors import Code, FieldError, InvalidArgument, Unavailable, Unknown, ZeroError
from zero_runtime.rpc.status import error_of_wire, wire_status

TRAILERS_LIMIT = 8192
"""gRPC's soft limit for the metadata that a peer accepts."""


def crossed(error: ZeroError) -> ZeroError:
    return error_of_wire(*wire_status(error))


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.OK])
def test_every_code_crosses(code: Code) -> None:
    error = crossed(ZeroError.of(code, "as it is"))
    assert isinstance(error, type(ZeroError.of(code)))
    assert (error.code, error.message, error.fields) == (code, "as it is", ())


def test_the_numbers_are_those_of_grpc() -> None:
    assert {code.name: code.value for code in Code} == {
        status.name: status.value[0] for status in grpc.StatusCode
    }


def test_fields_cross_as_googles_bad_request() -> None:
    fields = (FieldError("address.city", "is required"), FieldError("", "too much"))
    error = InvalidArgument("2 fields are wrong", fields=fields)
    assert crossed(error).fields == fields
    details = wire_status(error).details
    assert details is not None
    status = Status.FromString(details)
    assert (status.code, status.message) == (3, "2 fields are wrong")
    assert status.details[0].type_url == "type.googleapis.com/google.rpc.BadRequest"


TEXTS = st.text(st.characters(codec="utf-8"), max_size=3000)


@example("很" * 2000, [FieldError("name", "is too long")] * 500)
@given(TEXTS, st.lists(st.builds(FieldError, TEXTS, TEXTS), max_size=30))
def test_what_crosses_is_a_prefix_that_every_peer_accepts(message: str, fields: list[FieldError]) -> None:
    error = InvalidArgument(message, fields=fields)
    _, told, details = wire_status(error)
    percent_encoded = 3 * len(told.encode())
    base64 = len(details or b"") * 4 // 3 + 4
    assert percent_encoded + base64 < TRAILERS_LIMIT - 512
    there = crossed(error)
    assert message.startswith(there.message.removesuffix("…"))
    assert tuple(fields[: len(there.fields)]) == there.fields


@pytest.mark.parametrize("junk", [b"\xff\xff", b"", None, Status(code=3).SerializeToString()])
def test_details_of_other_makes_are_ignored(junk: bytes | None) -> None:
    there = error_of_wire(14, "gone", junk)
    assert isinstance(there, Unavailable)
    assert (there.message, there.fields) == ("gone", ())


def test_codes_that_grpc_does_not_have_are_unknown() -> None:
    assert isinstance(error_of_wire(99, "?"), Unknown)


def test_what_is_no_unicode_crosses_all_the_same() -> None:
    error = crossed(InvalidArgument("file \udcff", fields=[FieldError("a", "\udcff")]))
    assert (error.message, error.fields) == ("file ?", (FieldError("a", "?"),))
