from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime import errors, rest
from zero_runtime.errors import InvalidArgument
from zero_runtime.rest.writing import multipart


class Quoted(msgspec.Struct, kw_only=True):
    id: Annotated[rest.Int64, rest.AS_STRING]
    size: Annotated[rest.Uint64 | None, rest.AS_STRING] = None
    ratio: Annotated[float, msgspec.Meta(ge=0, lt=1), rest.AS_STRING] = 0.0
    sure: Annotated[bool, rest.AS_STRING] = False
    grade: Annotated[Literal[1, 2], rest.AS_STRING] = 1


class Range(msgspec.Struct, kw_only=True, rename={"from_": "from"}):
    from_: Annotated[int, rest.With("to")] = 0
    to: Annotated[int, rest.With("from")] = 0
    mail: Annotated[str, rest.Without("phone")] = ""
    phone: Annotated[str | None, rest.Without("mail")] = None


class Host(msgspec.Struct, kw_only=True):
    name: str
    zone: Annotated[str, rest.INHERIT] = "none"
    labels: Annotated[dict[str, str], rest.INHERIT] = {}


class Rack(msgspec.Struct, kw_only=True):
    zone: Annotated[str, rest.INHERIT]
    hosts: list[Host] = []
    spare: dict[str, Host] = {}


class Site(msgspec.Struct, kw_only=True):
    zone: str = "z"
    labels: dict[str, str] = {}
    rack: Rack | None = None


class Priced(msgspec.Struct, kw_only=True):
    at: rest.Time
    price: rest.Decimal
    was: rest.Decimal | None = None
    until: rest.Time | None = None
    note: str = ""


def read(kind: Any, text: str) -> Any:
    return rest.Body(kind).read(text.encode())


def wrong(kind: Any, text: str) -> dict[str, str]:
    with pytest.raises(InvalidArgument) as refusal:
        read(kind, text)
    return {field.field: field.message for field in refusal.value.fields}


def test_numbers_and_booleans_stand_in_quotes_or_not() -> None:
    quoted = read(
        Quoted, '{"id": "-9", "size": "18446744073709551615", "ratio": "0.5", "sure": "true", "grade": "2"}'
    )
    assert quoted == Quoted(id=-9, size=2**64 - 1, ratio=0.5, sure=True, grade=2)
    assert read(Quoted, '{"id": -9, "size": null, "ratio": 0.5}') == Quoted(id=-9, ratio=0.5)


def test_what_stands_in_quotes_is_checked() -> None:
    text = '{"id": "x", "size": "18446744073709551616", "ratio": "1", "sure": "yes", "grade": "3"}'
    assert wrong(Quoted, text) == {
        "id": "expected an integer, got a string",
        "size": "must be <= 18446744073709551615",
        "ratio": "must be < 1.0",
        "sure": "expected true or false, got a string",
        "grade": "must be one of `1`, `2`",
    }
    assert wrong(Quoted, '{"id": ""}') == {"id": "expected an integer, got a string"}
    assert wrong(Quoted, '{"id": "9223372036854775808"}') == {"id": "must be <= 9223372036854775807"}


class Loose(msgspec.Struct, kw_only=True):
    name: str
    count: int = 3
    tags: list[str] = []
    owner: Host = msgspec.field(default_factory=lambda: Host(name="nobody"))
    best: Host | None = None
    extra: Any = 1


def test_null_for_what_is_optional_is_its_absence() -> None:
    text = '{"name": "x", "count": null, "tags": null, "owner": null, "best": null, "extra": null}'
    assert read(Loose, text) == Loose(name="x", extra=None)
    assert read(list[Loose], f"[{text}]") == [Loose(name="x", extra=None)]
    assert wrong(Loose, '{"name": null, "count": null}') == {"name": "expected a string, got null"}


def test_fields_that_go_together() -> None:
    assert read(Range, '{"from": 0, "to": 0, "mail": "m"}') == Range(mail="m")
    assert read(Range, '{"phone": "1"}') == Range(phone="1")
    assert wrong(Range, '{"from": 1}') == {
        "from": "must not be given without `to`",
        "to": "must be given with `from`",
        "mail": "this or `phone` is required",
        "phone": "this or `mail` is required",
    }
    assert wrong(Range, '{"mail": "m", "phone": "1"}') == {
        "mail": "must not be given with `phone`",
        "phone": "must not be given with `mail`",
    }
    assert wrong(list[Range], '[{"mail": "m", "to": null}, {}]') == {
        "[1].mail": "this or `phone` is required",
        "[1].phone": "this or `mail` is required",
    }


def test_values_of_the_objects_around() -> None:
    site = read(
        Site,
        """{"zone": "a", "labels": {"x": "1", "y": "1"}, "rack": {"hosts": [{"name": "h", "labels": {"y": "2"}},
        {"name": "i", "zone": "b", "labels": null}], "spare": {"s": {"name": "j"}}}}""",
    )
    assert site.rack == Rack(
        zone="a",
        hosts=[
            Host(name="h", zone="a", labels={"x": "1", "y": "2"}),
            Host(name="i", zone="b", labels={"x": "1", "y": "1"}),
        ],
        spare={"s": Host(name="j", zone="a", labels={"x": "1", "y": "1"})},
    )
    assert wrong(Site, '{"rack": {}}') == {"rack.zone": "is required"}


class Limits(msgspec.Struct, kw_only=True):
    most: Annotated[rest.Int8, rest.Env("ZERO_TEST_MOST")]
    page: Annotated[int, rest.Env("ZERO_TEST_PAGE")] = 5


def test_the_environment_stands_above_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    class More(msgspec.Struct, kw_only=True):
        limits: Limits | None = None

    class Wrong(msgspec.Struct):
        most: Annotated[rest.Int8, rest.Env("ZERO_TEST_MOST")]

    monkeypatch.setenv("ZERO_TEST_MOST", "7")
    monkeypatch.setenv("ZERO_TEST_PAGE", "")
    assert read(More, '{"limits": {"most": 100, "page": 6}}').limits == Limits(most=7, page=6)
    bind = rest.Binder(Limits, form={"most": "most"}, header={"X-Page": "page"})
    assert bind(rest.Request("GET", "/", query=b"most=3", headers=[(b"x-page", b"8")])) == Limits(
        most=7, page=8
    )
    monkeypatch.setenv("ZERO_TEST_MOST", "128")
    for make in (lambda: rest.Body(Wrong), lambda: rest.Binder(Wrong, form={"most": "most"})):
        with pytest.raises(ValueError, match="the environment variable ZERO_TEST_MOST: must be <= 127"):
            make()


class Many(msgspec.Struct, kw_only=True, rename={"trace_id": "traceId"}):
    id: rest.Int64
    trace_id: str
    page: int = 1
    low: Annotated[int, rest.With("high")] = 0
    high: Annotated[int, rest.With("low")] = 0
    x: Annotated[str, rest.Without("X-Y")] = ""
    y: Annotated[str, rest.Without("X-X")] = ""


MANY = rest.Binder(
    Many,
    path={"id": "id"},
    form={"id": "id", "trace": "trace_id", "page": "page", "low": "low", "high": "high"},
    header={"X-Trace": "trace_id", "X-X": "x", "X-Y": "y"},
    json=("trace_id", "page"),
)


def many(query: str = "", body: str = "", **headers: str) -> Many:
    lines = [
        (name.replace("_", "-").encode(), value.encode()) for name, value in {"x-x": "1", **headers}.items()
    ]
    request = rest.Request(
        "POST", "/", path_values={"id": "7"}, query=query.encode(), headers=lines, body=body.encode()
    )
    return MANY(request)


def test_the_last_source_that_has_a_field_gives_it() -> None:
    assert many("trace=form") == Many(id=7, trace_id="form", x="1")
    assert many("trace=form&id=8", x_trace="header").id == 8
    assert many("trace=form", x_trace="header").trace_id == "header"
    assert many("page=2", '{"traceId": "json", "page": 3}', x_trace="header") == Many(
        id=7, trace_id="json", page=3, x="1"
    )
    assert many("page=2", '{"traceId": "json", "page": null}').page == 2


def test_a_field_that_no_source_has_is_told_once() -> None:
    with pytest.raises(InvalidArgument, match="traceId: is required"):
        many()
    with pytest.raises(InvalidArgument, match="id: expected an integer"):
        many("id=x&trace=t")


def test_fields_of_forms_and_headers_go_together_too() -> None:
    assert many("trace=t&low=1&high=2").high == 2
    with pytest.raises(InvalidArgument) as refusal:
        many("trace=t&low=1", x_y="2")
    assert [(field.field, field.message) for field in refusal.value.fields] == [
        ("low", "must not be given without `high`"),
        ("high", "must be given with `low`"),
        ("X-X", "must not be given with `x-y`"),
        ("X-Y", "must not be given with `x-x`"),
    ]


class Avatar(msgspec.Struct, kw_only=True):
    name: str
    picture: rest.Upload
    thumb: rest.Upload | None = None
    more: list[rest.Upload] = []


AVATAR = rest.Binder(Avatar, form={"name": "name", "picture": "picture", "thumb": "thumb", "more": "more"})


def test_uploads() -> None:
    body = (
        b'--x\r\ncontent-disposition: form-data; name="name"\r\n\r\nme\r\n'
        b'--x\r\ncontent-disposition: form-data; name="picture"; filename="a.png"\r\n'
        b"content-type: image/png\r\n\r\n1\r\n"
        b'--x\r\ncontent-disposition: form-data; name="more"; filename="b"\r\n\r\n2\r\n'
        b'--x\r\ncontent-disposition: form-data; name="more[]"; filename="c"\r\n\r\n3\r\n--x--'
    )
    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    avatar = AVATAR(rest.Request("POST", "/", headers=headers, body=body))
    assert avatar.picture == rest.Upload("a.png", "image/png", b"1")
    assert (avatar.thumb, [file.content for file in avatar.more]) == (None, [b"2", b"3"])
    with pytest.raises(InvalidArgument) as refusal:
        AVATAR(rest.Request("POST", "/"))
    assert [field.field for field in refusal.value.fields] == ["name", "picture"]


def test_a_file_is_no_text_and_text_no_file() -> None:
    content_type, body = multipart([("name", rest.Upload("a", "", b"1")), ("picture", "x"), ("thumb", "x")])
    with pytest.raises(InvalidArgument) as refusal:
        AVATAR(rest.Request("POST", "/", headers=[(b"content-type", content_type)], body=body))
    assert {field.field: field.message for field in refusal.value.fields} == {
        "name": "expected text, got a file",
        "picture": "expected a file, got text",
        "thumb": "expected a file, got text",
    }


def test_times_and_decimals() -> None:
    priced = read(Priced, '{"at": "2026-01-31T12:00:00.5+02:00", "price": "12.30", "was": 1.10}')
    assert priced.at.isoformat() == "2026-01-31T12:00:00.500000+02:00"
    assert (priced.price, priced.was, priced.until) == (Decimal("12.30"), Decimal("1.10"), None)
    digits = "12345678901234567890.123456789012345678901234567890"
    for note in ("", ', "note": null'):
        price = read(Priced, f'{{"at": "2026-01-31T12:00:00Z", "price": {digits}{note}}}').price
        assert price == Decimal(digits)


@pytest.mark.parametrize("price", ['"NaN"', '"\\u006eaN"', '"-Infinity"', '"sNaN"', '"1,5"', "true"])
@pytest.mark.parametrize("at", ['"2026-01-31"', '"2026-01-31T12:00:00"', '"2026-02-30T12:00:00Z"', "5"])
def test_what_is_no_time_and_no_decimal(price: str, at: str) -> None:
    wrongs = wrong(Priced, f'{{"at": {at}, "price": {price}}}')
    assert wrongs["price"].startswith("expected a decimal number")
    assert wrongs["at"].startswith("expected a time such as 2026-01-31T12:00:00Z")


@pytest.mark.parametrize("text", ["NaN", "inf", "x", "1e", ""])
def test_times_and_decimals_in_text(text: str) -> None:
    bind = rest.Binder(Priced, form={"price": "price", "at": "at", "was": "was"}, header={"X-Until": "until"})
    query = b"at=2026-01-31T12:00:00Z&price=1.50&was=3"
    bound = bind(rest.Request("GET", "/", query=query, headers=[(b"x-until", b"2026-01-31T12:00:00+01:00")]))
    assert (bound.price, bound.was, bound.until and bound.until.hour) == (Decimal("1.50"), Decimal(3), 12)
    with pytest.raises(InvalidArgument) as refusal:
        bind(rest.Request("GET", "/", query=f"at={text}&price={text}".encode()))
    told = {field.field: field.message for field in refusal.value.fields}
    assert told["price"] == ("expected a decimal number" if text else "is required")
    assert told["at"] == ("expected a time such as 2026-01-31T12:00:00Z" if text else "is required")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["id", "zone", "labels", "rack", "hosts", "name", "from", "to", "at", "price"]),
        inner,
        max_size=5,
    ),
    max_leaves=12,
)


def test_what_is_inherited_is_limited() -> None:
    def read(zone: int, hosts: int) -> int:
        body = msgspec.json.encode({"rack": {"zone": "z" * zone, "hosts": [{"name": "a"}] * hosts}})
        site = rest.Body(Site).read(body)
        assert site.rack is not None
        return len({host.zone for host in site.rack.hosts})

    assert read(1000, 1000) == 1
    with pytest.raises(errors.HttpError) as refused:
        read(100_000, 100)
    assert refused.value.status == 413


@given(JSON, st.sampled_from([Quoted, Range, Site, Priced, Loose, list[Site], dict[str, Range]]))
def test_nothing_but_a_refusal_comes_of_any_json(value: Any, kind: Any) -> None:
    try:
        read(kind, msgspec.json.encode(value).decode())
    except InvalidArgument as refusal:
        assert refusal.fields


@given(st.binary(max_size=40))
def test_nothing_but_a_refusal_comes_of_any_bytes(body: bytes) -> None:
    for kind in (Quoted, Site, Priced):
        try:
            rest.Body(kind).read(body)
        except InvalidArgument as refusal:
            assert refusal.fields
