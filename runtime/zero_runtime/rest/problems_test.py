from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest

from zero_runtime import errors, rest
from zero_runtime.errors import Code, FieldError, HttpError, ZeroError
from zero_runtime.rest.problems import RENDERERS, as_problem
from zero_runtime.rest.refusal import InvalidToken, Refusal, TokenRequired


def problem(error: ZeroError) -> tuple[int, dict[str, Any], dict[bytes, bytes]]:
    response = as_problem(error)
    return response.status, msgspec.json.decode(response.body), dict(response.headers)


def text(error: ZeroError) -> tuple[int, str, dict[bytes, bytes]]:
    response = RENDERERS["text"](error)
    return response.status, response.body.decode(), dict(response.headers)


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.OK])
def test_problems(code: Code) -> None:
    fields = (FieldError("a.b[0]", "is required"),)
    status, body, headers = problem(ZeroError.of(code, "why", fields=fields))
    assert status == body["status"] == code.http
    assert body["type"] == "about:blank"
    assert headers[b"content-type"] == b"application/problem+json"
    if status < 500:
        assert body["detail"] == "why"
        assert body["errors"] == [{"field": "a.b[0]", "message": "is required"}]
    else:
        assert body.keys() == {"type", "title", "status"}


def test_problems_of_other_statuses() -> None:
    error = HttpError(410, "it is over", headers=[(b"x-since", b"may")])
    status, body, headers = problem(error)
    assert (status, body["title"], body["detail"]) == (410, "Gone", "it is over")
    assert headers[b"x-since"] == b"may"
    assert problem(HttpError(499, ""))[1] == {"type": "about:blank", "title": "Error", "status": 499}
    assert problem(HttpError(507, "disk sda1 is full"))[1].keys() == {"type", "title", "status"}
    assert problem(Refusal(503, "the service stops"))[1]["detail"] == "the service stops"
    assert problem(Refusal(413, "too large"))[1]["title"] == "Content Too Large"


def test_challenges() -> None:
    assert problem(TokenRequired("x"))[2][b"www-authenticate"] == b"Bearer"
    assert problem(errors.Unauthenticated("x"))[2][b"www-authenticate"] == b"Bearer"
    assert problem(InvalidToken("x"))[2][b"www-authenticate"] == b'Bearer error="invalid_token"'
    assert b"www-authenticate" not in problem(errors.NotFound("x"))[2]


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (errors.NotFound("no such user"), 404, "rpc error: code = NotFound desc = no such user\n"),
        (errors.Cancelled("gone"), 408, "rpc error: code = Canceled desc = gone\n"),
        (errors.Unauthenticated("who?"), 401, "rpc error: code = Unauthenticated desc = who?\n"),
        (errors.InvalidArgument("no such day"), 400, "no such day\n"),
        (HttpError(410, "it is over"), 410, "it is over\n"),
        (TokenRequired("a token is required"), 401, ""),
        (InvalidToken("the token has expired"), 401, ""),
        (Refusal(404, "nothing", text="404 page not found"), 404, "404 page not found\n"),
        (Refusal(405, "not allowed"), 405, ""),
        (Refusal(503, "too long", text="Request Timeout"), 503, "Request Timeout\n"),
        (errors.Internal("password=hunter2"), 500, ""),
        (HttpError(502, "password=hunter2"), 502, ""),
    ],
)
def test_plain_text_is_go_zeros(error: ZeroError, status: int, body: str) -> None:
    given_status, given_body, headers = text(error)
    assert (given_status, given_body) == (status, body)
    if body:
        assert headers[b"content-type"] == b"text/plain; charset=utf-8"


def test_headers_go_out_with_plain_text() -> None:
    assert text(Refusal(405, "x", headers=[(b"allow", b"GET")]))[2] == {b"allow": b"GET"}
    assert text(TokenRequired("x"))[2] == {b"www-authenticate": b"Bearer"}


class Inner(msgspec.Struct, kw_only=True):
    count: rest.Int8


class Form(msgspec.Struct, kw_only=True):
    id: rest.Int64 = 0
    size: rest.Uint8 = 0
    rate: float = 0.0
    sure: bool = False
    kind: Literal["a", "b"] = "a"
    level: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1
    low: Annotated[int, rest.With("high")] = 0
    high: int = 0
    one: Annotated[str, rest.Without("two")] = "x"
    two: str = ""


class Json(msgspec.Struct, kw_only=True):
    name: str = "x"
    inner: Inner | None = None
    items: list[Inner] = []
    kind: Literal["a", "b"] = "a"
    level: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1


class Required(msgspec.Struct, kw_only=True):
    name: str


class RequiredList(msgspec.Struct, kw_only=True):
    names: list[str]


FORM = rest.Binder(Form, form={name: name for name in Form.__struct_fields__})


@pytest.mark.parametrize(
    ("bind", "query", "body", "text_of_it"),
    [
        (FORM, "one=1&id=x", "", 'strconv.ParseInt: parsing "x": invalid syntax'),
        (FORM, "one=1&size=-", "", 'strconv.ParseUint: parsing "-": invalid syntax'),
        (FORM, "one=1&rate=x", "", 'strconv.ParseFloat: parsing "x": invalid syntax'),
        (FORM, "one=1&sure=x", "", 'type mismatch for field "sure"'),
        (FORM, "one=1&kind=c", "", 'value "c" for field "kind" is not defined in options "[a b]"'),
        (FORM, "one=1&level=6", "", "wrong number range setting"),
        (FORM, "one=1&low=6", "", 'values for "high" and "low" should be both provided or both not in "low"'),
        (FORM, "two=1&one=6", "", 'set value for either "two" or "one" in "one"'),
        (rest.Body(Json), "", '{"name": 1}', 'type mismatch for field "name"'),
        (rest.Body(Required), "", "", 'field "name" is not set'),
        (rest.Body(Required), "", '{"name": null}', 'field "name" mustn\'t be nil'),
        (rest.Body(RequiredList), "", "", 'type mismatch for field "names"'),
        (rest.Body(Json), "", '{"inner": {}}', 'field "inner.count" is not set'),
        (
            rest.Body(Json),
            "",
            '{"items": [{"count": 1}, {"count": "1"}]}',
            'type mismatch for field "items[1].count"',
        ),
        (rest.Body(Json), "", '{"kind": "c", "name": 1}', 'type mismatch for field "name"'),
        (rest.Body(Json), "", '{"kind": "c"}', 'error: value "c" is not defined in options "[a b]"'),
        (rest.Body(Json), "", '{"level": 0}', "wrong number range setting"),
    ],
)
def test_the_first_wrong_field_is_told_as_go_zero_does(
    bind: Any, query: str, body: str, text_of_it: str
) -> None:
    with pytest.raises(errors.InvalidArgument) as refusal:
        bind(rest.Request("POST", "/", query=query.encode(), body=body.encode()))
    assert text(refusal.value)[:2] == (400, f"{text_of_it}\n")


def test_bodies_of_no_use_are_told_in_plain_text_too() -> None:
    with pytest.raises(errors.InvalidArgument) as refusal:
        rest.Body(Json)(rest.Request("POST", "/", body=b"{"))
    assert text(refusal.value)[1] == "the body is not JSON: input data was truncated\n"
    with pytest.raises(HttpError) as other:
        rest.Body(Json)(rest.Request("POST", "/", body=b"{", headers=[(b"content-type", b"text/csv")]))
    assert text(other.value)[:2] == (415, "expected a body of the type application/json, got text/csv\n")
