from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime import rest
from zero_runtime.errors import InvalidArgument
from zero_runtime.rest.refusal import Refusal

JSON = b"application/json"


class Address(msgspec.Struct, kw_only=True, rename={"zip_code": "zipCode"}):
    zip_code: int
    size: rest.Uint64 = 0


class Account(msgspec.Struct, kw_only=True):
    name: str
    age: rest.Uint8
    address: Address | None = None


class Search(msgspec.Struct, kw_only=True, rename={"user_id": "userId", "order_by": "orderBy"}):
    user_id: rest.Uint64
    trace: str | None = None
    page: rest.Int32 = 1
    order_by: Literal["name", "age"] = "name"
    tags: list[str] = []
    sizes: list[rest.Int8] | None = None
    ratio: Annotated[float, msgspec.Meta(ge=0, lt=1)] | None = None
    exact: bool = False
    name: str
    limits: dict[str, rest.Uint64] = {}


search = rest.Binder(
    Search,
    path={"user-id": "user_id"},
    form={
        "page": "page",
        "orderBy": "order_by",
        "tags": "tags",
        "sizes": "sizes",
        "ratio": "ratio",
        "exact": "exact",
    },
    header={"X-Trace": "trace"},
)


def request(
    body: bytes = b"", content_type: bytes | None = JSON, *, query: str = "", user: str = "7", **headers: str
) -> rest.Request:
    lines = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    if content_type is not None:
        lines.append((b"content-type", content_type))
    return rest.Request(
        "POST", "/", path_values={"user-id": user}, query=query.encode(), headers=lines, body=body
    )


def refused(bind: Callable[[rest.Request], Any], given: rest.Request) -> dict[str, str]:
    with pytest.raises(InvalidArgument) as refusal:
        bind(given)
    return {field.field: field.message for field in refusal.value.fields}


def test_body() -> None:
    account = rest.Body(Account)
    assert account(request(b'{"name": "x", "age": 3, "more": 1}')) == Account(name="x", age=3)
    assert rest.Body(list[Account])(request(b"[]")) == []
    assert rest.Body(dict[str, int])(request(b"")) == {}


@pytest.mark.parametrize(
    "content_type", [None, JSON, b"Application/JSON ; charset=utf-8", b"application/x+json"]
)
def test_content_types_that_are_json(content_type: bytes | None) -> None:
    assert rest.Body(Account)(request(b'{"name": "x", "age": 3}', content_type)).age == 3


@pytest.mark.parametrize("bind", [rest.Body(Account), rest.Binder(Account, path={"user-id": "age"})])
def test_other_content_types_are_refused(bind: Callable[[rest.Request], Account]) -> None:
    with pytest.raises(Refusal, match="application/json, got text/plain") as refusal:
        bind(request(b'{"name": "x", "age": 3}', b"text/plain"))
    assert refusal.value.status == 415


def test_an_empty_body_lacks_everything_whatever_its_type() -> None:
    assert refused(rest.Body(Account), request(b"", b"text/plain")) == {
        "name": "is required",
        "age": "is required",
    }
    assert refused(rest.Body(list[int]), request(b"")) == {"": "a JSON body is required"}


def test_all_wrong_fields_are_told_at_once() -> None:
    body = b'{"name": 1, "age": 256, "address": {"zipCode": "1"}}'
    with pytest.raises(InvalidArgument) as refusal:
        rest.Body(Account)(request(body))
    assert refusal.value.message == "3 fields are wrong"
    assert {field.field: field.message for field in refusal.value.fields} == {
        "name": "expected a string, got a number",
        "age": "must be <= 255",
        "address.zipCode": "expected an integer, got a string",
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "the body is not JSON: input data was truncated"),
        (b'{"name": "x",}', "the body is not JSON: trailing comma in object (byte 13)"),
        (b'{"name": "\xff"}', "the JSON body is not UTF-8 text"),
        (b'{"address": ' + b"[" * 100_000, "the JSON body is nested too deeply"),
        (b'{"x": ' + b"[" * 100_000, "the JSON body is nested too deeply"),
        (b"[]", "expected an object, got a list"),
    ],
)
def test_bodies_of_no_use(body: bytes, message: str) -> None:
    assert refused(rest.Body(Account), request(body)) == {"": message}


def test_numbers_that_nothing_can_hold() -> None:
    assert refused(rest.Body(Account), request(b'{"name": "x", "age": 1e999}')) == {
        "age": "expected an integer, got a number with a fraction or an exponent"
    }
    assert refused(rest.Body(dict[str, float]), request(b'{"a": 1e999, "b": 1e308}')) == {
        "a": "expected a number"
    }
    body = b'{"zipCode": 1, "size": 18446744073709551615, "unknown": 1e999}'
    assert rest.Body(Address)(request(body)).size == 2**64 - 1


def test_of_a_key_given_twice_the_last_counts() -> None:
    assert rest.Body(Account)(request(b'{"name": 1, "name": "x", "age": 1}')).name == "x"
    assert refused(rest.Body(Account), request(b'{"name": "x", "name": 1, "age": 1}')) == {
        "name": "expected a string, got a number"
    }


@pytest.mark.parametrize("size", [0, 2**63, 2**64 - 1])
def test_unsigned_64_bits_fit(size: int) -> None:
    body = b'{"zipCode": 1, "size": %d}' % size
    assert rest.Body(Address)(request(body)).size == size
    assert search(request(b'{"name": "x"}', user=str(size))).user_id == size


@pytest.mark.parametrize("size", [2**64, 10**30])
def test_more_than_64_bits_do_not(size: int) -> None:
    message = "must be <= 18446744073709551615"
    assert refused(rest.Body(Address), request(b'{"zipCode": 1, "size": %d}' % size)) == {"size": message}
    body = b'{"name": "x", "limits": {"a": %d, "b": 1}}' % size
    assert refused(search, request(body, user=str(size))) == {"user-id": message, "limits.a": message}


def test_long_digits_in_text_are_text() -> None:
    body = b'{"name": "123456789012345678901234567890", "age": 1, "address": {"zipCode": 1}}'
    assert rest.Body(Account)(request(body)).name == "123456789012345678901234567890"


def test_fields_from_everywhere() -> None:
    given = request(
        b'{"name": "x", "limits": {"a": 1}, "page": 9, "userId": 9, "trace": "body"}',
        query="page=2&orderBy=age&tags=a&tags=b,c&sizes[]=1&sizes[]=-2&ratio=0.5&exact=true",
        x_trace="t",
    )
    assert search(given) == Search(
        user_id=7,
        trace="t",
        page=2,
        order_by="age",
        tags=["a", "b,c"],
        sizes=[1, -2],
        ratio=0.5,
        exact=True,
        name="x",
        limits={"a": 1},
    )


def test_defaults_stand_where_nothing_is_given() -> None:
    assert search(request(b'{"name": "x"}', query="page=&tags=")) == Search(user_id=7, name="x")
    assert search(request(b'{"name": "x"}')).tags is not search(request(b'{"name": "x"}')).tags


def test_wrong_fields_from_everywhere_are_told_in_the_order_of_binding() -> None:
    query = "page=x&orderBy=size&sizes=1&sizes=300&sizes=a&ratio=nan&exact=maybe"
    wrong = refused(search, request(b'{"limits": 1}', query=query, user="-1"))
    assert list(wrong.items()) == [
        ("user-id", "must be >= 0"),
        ("page", "expected an integer"),
        ("orderBy", "must be one of `name`, `age`"),
        ("sizes[1]", "must be <= 127"),
        ("sizes[2]", "expected an integer"),
        ("ratio", "must be >= 0.0"),
        ("exact", "expected true or false"),
        ("name", "is required"),
        ("limits", "expected an object, got a number"),
    ]


def test_a_form_may_be_the_body() -> None:
    class Form(msgspec.Struct, kw_only=True):
        name: str
        size: int | None = None
        note: str = ""

    form = rest.Binder(Form, form={"name": "name", "size": "size"})
    given = request(b"name=x&size=null", b"application/x-www-form-urlencoded")
    assert refused(form, given) == {"size": "expected an integer"}
    given = request(b"name=x&size=3&note=from+a+form", b"application/x-www-form-urlencoded")
    assert form(given) == Form(name="x", size=3)
    with pytest.raises(Refusal, match="application/json or a form, got text/plain"):
        form(request(b"name=x", b"text/plain"))


def test_headers_may_be_lists() -> None:
    class Headers(msgspec.Struct, kw_only=True):
        accept: list[str]
        sizes: list[int] = []

    bind = rest.Binder(Headers, header={"Accept": "accept", "X-Sizes": "sizes"})
    lines = [(b"accept", b"a, b,"), (b"accept", b"\xe9"), (b"x-sizes", b"")]
    assert bind(rest.Request("GET", "/", headers=lines)) == Headers(accept=["a", "b", "é"])
    assert refused(bind, request(b"not JSON, and nobody looks", b"text/plain")) == {"Accept": "is required"}


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "1,5", "x", "0x1"])
def test_floats_in_text_are_numbers(text: str) -> None:
    class Form(msgspec.Struct, kw_only=True):
        rate: float

    bind = rest.Binder(Form, form={"rate": "rate"})
    assert bind(request(query="rate=-1.5e3")).rate == -1500
    assert refused(bind, request(query=urlencode({"rate": text}))) == {"rate": "expected a number"}


FIELDS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "page": (rest.Int32, st.integers(-(2**31), 2**31 - 1)),
    "ratio": (float, st.floats(0, 1, exclude_max=True)),
    "exact": (bool, st.booleans()),
    "orderBy": (str, st.sampled_from(["name", "age"])),
}


@given(
    st.integers(0, 2**64 - 1),
    st.fixed_dictionaries({}, optional={name: values for name, (_, values) in FIELDS.items()}),
    st.lists(st.text(st.characters(codec="utf-8"), min_size=1), max_size=3),
    st.text(st.characters(codec="utf-8")),
)
def test_what_is_sent_is_what_is_bound(user: int, form: dict[str, Any], tags: list[str], name: str) -> None:
    query = urlencode({**form, "tags": tags}, doseq=True)
    bound = search(request(msgspec.json.encode({"name": name}), query=query, user=str(user)))
    names = {"orderBy": "order_by"}
    expected = {names.get(key, key): value for key, value in form.items()}
    assert bound == Search(user_id=user, name=name, tags=tags, **expected)


@given(
    st.binary(max_size=30) | st.text(st.sampled_from('{}[]",:0az\\'), max_size=20).map(str.encode), st.text()
)
def test_nothing_but_a_refusal_comes_of_garbage(body: bytes, text: str) -> None:
    try:
        search(request(body, query=urlencode({"page": text, "ratio": text, "sizes": text}), user=text))
    except InvalidArgument as refusal:
        assert refusal.fields
