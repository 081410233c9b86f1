from __future__ import annotations

import inspect

import grpc
import pytest

from zero_runtime import errors
from zero_runtime.errors import Code, FieldError, ZeroError


def test_codes_are_those_of_grpc() -> None:
    assert {code.name: int(code) for code in Code} == {code.name: code.value[0] for code in grpc.StatusCode}


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.OK])
def test_each_code_has_its_class(code: Code) -> None:
    error = ZeroError.of(code, "why", fields=[FieldError("name", "is required")])
    assert type(error).__name__ == code.name.title().replace("_", "")
    assert (error.code, error.message) == (code, "why")
    assert error.fields == (FieldError("name", "is required"),)
    assert 400 <= code.http < 600


def test_ok_is_no_error() -> None:
    assert type(ZeroError.of(Code.OK)) is errors.Unknown


def test_http_statuses_are_go_zeros() -> None:
    assert {code.name: code.http for code in Code} == {
        "OK": 200,
        "INVALID_ARGUMENT": 400,
        "FAILED_PRECONDITION": 400,
        "OUT_OF_RANGE": 400,
        "UNAUTHENTICATED": 401,
        "PERMISSION_DENIED": 403,
        "NOT_FOUND": 404,
        "CANCELLED": 408,
        "ALREADY_EXISTS": 409,
        "ABORTED": 409,
        "RESOURCE_EXHAUSTED": 429,
        "INTERNAL": 500,
        "DATA_LOSS": 500,
        "UNKNOWN": 500,
        "UNIMPLEMENTED": 501,
        "UNAVAILABLE": 503,
        "DEADLINE_EXCEEDED": 504,
    }


def test_every_error_documents_itself() -> None:
    for _, kind in inspect.getmembers(errors, inspect.isclass):
        assert kind.__doc__
    assert str(errors.NotFound("no such user")) == "NOT_FOUND: no such user"
    assert str(errors.NotFound()) == "NOT_FOUND"


@pytest.mark.parametrize(
    ("status", "code"), [(410, Code.FAILED_PRECONDITION), (404, Code.NOT_FOUND), (507, Code.UNKNOWN)]
)
def test_other_http_statuses(status: int, code: Code) -> None:
    error = errors.HttpError(status, "why", headers=[(b"retry-after", b"5")])
    assert (error.status, error.code, error.headers) == (status, code, ((b"retry-after", b"5"),))
    assert (str(error), str(errors.HttpError(status))) == (f"{status}: why", str(status))


@pytest.mark.parametrize("status", [0, 200, 302, 399, 600])
def test_what_is_no_error_is_no_http_error(status: int) -> None:
    with pytest.raises(ValueError, match=f"{status} is not the status of an error"):
        errors.HttpError(status)


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.OK])
def test_errors_of_answers_keep_their_status(code: Code) -> None:
    fields = (FieldError("a", "is required"),)
    error = errors.error_of(code.http, "why", fields=fields)
    assert (error.status, error.message, error.fields) == (code.http, "why", fields)
    assert type(error) is not errors.HttpError
    assert type(errors.error_of(418)) is errors.HttpError
