from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from datetime import UTC
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime import errors, rest
from zero_runtime.rest.problems import RENDERERS
from zero_runtime.testing import HttpClient


class Line(msgspec.Struct, kw_only=True, rename={"line_id": "lineId"}):
    line_id: Annotated[rest.Int64, rest.AS_STRING]
    low: Annotated[int, rest.With("high")] = 0
    high: Annotated[int, rest.With("low")] = 0


class Order(msgspec.Struct, kw_only=True, rename={"order_id": "orderId"}):
    order_id: rest.Uint64
    shop: str
    page: rest.Int32 = 1
    kind: Literal["a", "b"] = "a"
    tags: list[str] = []
    ratio: float | None = None
    at: rest.Time | None = None
    sure: bool = False
    trace: str = ""
    sizes: list[rest.Int8] = []
    voucher: str = ""
    pin: Annotated[str, rest.With("voucher")] = ""
    name: str
    lines: list[Line] = []
    count: Annotated[int, rest.OMIT_EMPTY] = 5
    price: rest.Decimal | None = None
    version: rest.Int64 = 0


ORDER = rest.Binder(
    Order,
    path={"order-id": "order_id", "shop": "shop"},
    form={
        "page": "page",
        "kind": "kind",
        "tag": "tags",
        "ratio": "ratio",
        "at": "at",
        "sure": "sure",
        "version": "version",
        "voucher": "voucher",
        "pin": "pin",
    },
    header={"X-Trace": "trace", "X-Sizes": "sizes"},
    json=("version",),
)


class Search(msgspec.Struct, kw_only=True):
    text: str
    size: int = 5


class Avatar(msgspec.Struct, kw_only=True):
    name: str
    picture: rest.Upload
    more: list[rest.Upload] = []


class Album(msgspec.Struct, kw_only=True):
    pictures: list[rest.Upload] = []
    title: str = ""
    note: str = ""


class Empty(msgspec.Struct, kw_only=True):
    pass


SEARCH = rest.Binder(Search, form={"text": "text", "size": "size"})
AVATAR = rest.Binder(Avatar, form={"name": "name", "picture": "picture", "more": "more"})
ALBUM = rest.Binder(Album, form={"pictures": "pictures", "title": "title"}, json=("title",))
LINES = rest.Body(list[Line])
EMPTY = rest.Body(Empty)

seen: list[rest.Request] = []
bound: list[Any] = []


def keeps(bind: Callable[[rest.Request], Any]) -> rest.Endpoint:
    """An endpoint that binds its requests and answers with nothing."""

    async def endpoint(request: rest.Request) -> rest.Response:
        seen.append(request)
        bound.append(bind(request))
        return rest.empty_response()

    return endpoint


def answers(response: rest.Response) -> rest.Endpoint:
    async def endpoint(request: rest.Request) -> rest.Response:
        return response

    return endpoint


def fails(error: Exception) -> rest.Endpoint:
    async def endpoint(request: rest.Request) -> rest.Response:
        raise error

    return endpoint


PATH = "/v1/:shop/orders/:order-id"
CLIENT = HttpClient(
    [
        rest.Route("POST", PATH, keeps(ORDER)),
        rest.Route("GET", "/search", keeps(SEARCH)),
        rest.Route("POST", "/search", keeps(SEARCH)),
        rest.Route("PUT", "/avatar", keeps(AVATAR)),
        rest.Route("PUT", "/album", keeps(ALBUM)),
        rest.Route("PUT", "/lines", keeps(LINES)),
        rest.Route("DELETE", "/empty", keeps(EMPTY)),
    ]
)


def sent(call: rest.Call[None], request: Any, **options: Any) -> Any:
    """What a request becomes on the other side."""
    asyncio.run(call(CLIENT, request, **options))
    return bound.pop()


TEXT = st.text(st.characters(codec="utf-8"), max_size=5)
SEGMENT = TEXT.filter(lambda text: text not in ("", ".", "..") and "/" not in text)
WORD = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=4).map(str.strip)
LINE = st.builds(Line, line_id=st.integers(-(2**63), 2**63 - 1)) | st.builds(
    Line, line_id=st.just(0), low=st.integers(1, 9), high=st.integers(1, 9)
)
ORDERS = st.builds(
    Order,
    order_id=st.integers(0, 2**64 - 1),
    shop=SEGMENT,
    page=st.integers(-(2**31), 2**31 - 1),
    kind=st.sampled_from(["a", "b"]),
    tags=st.lists(TEXT.filter(bool), max_size=3),
    ratio=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    at=st.none() | st.datetimes(timezones=st.just(UTC)),
    sure=st.booleans(),
    trace=WORD,
    sizes=st.lists(st.integers(-128, 127), max_size=3),
    name=TEXT,
    lines=st.lists(LINE, max_size=2),
    count=st.integers(0, 1),
    price=st.none() | st.decimals(allow_nan=False, allow_infinity=False),
    version=st.integers(-(2**63), 2**63 - 1),
)


@given(ORDERS)
def test_what_is_sent_is_what_is_bound(order: Order) -> None:
    assert sent(rest.Call("POST", PATH, request=ORDER), order) == order


def test_where_fields_go() -> None:
    order = Order(order_id=1, shop="a b", name="n", tags=["x,y"], version=3, pin="1", voucher="v")
    assert sent(rest.Call("POST", PATH, request=ORDER), order, token="t") == order
    request = seen.pop()
    assert request.query == b"page=1&kind=a&tag=x%2Cy&sure=false&voucher=v&pin=1"
    assert msgspec.json.decode(request.body) == {"name": "n", "lines": [], "count": 5, "version": 3}
    assert request.header(b"authorization") == b"Bearer t"
    assert request.header(b"x-trace") is None
    search = Search(text="ä", size=6)
    assert sent(rest.Call("GET", "/search", request=SEARCH), search) == search
    assert (seen[-1].query, seen.pop().body) == (b"text=%C3%A4&size=6", b"")
    assert sent(rest.Call("POST", "/search", request=SEARCH), search) == search
    assert (seen[-1].query, seen.pop().body) == (b"", b"text=%C3%A4&size=6")
    assert sent(rest.Call("DELETE", "/empty", request=EMPTY), Empty()) == Empty()
    assert (seen[-1].body, seen.pop().header(b"content-type")) == (b"", None)
    assert sent(rest.Call("PUT", "/lines", request=LINES), [Line(line_id=1)]) == [Line(line_id=1)]
    assert seen.pop().body == b'[{"lineId":"1"}]'


@given(
    st.builds(
        Avatar,
        name=TEXT.filter(bool),
        picture=st.builds(
            rest.Upload,
            filename=st.text(
                st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="/\\")
            ).filter(lambda name: name not in (".", "..")),
            content_type=st.sampled_from(["image/png", "text/plain; charset=utf-8"]),
            content=st.binary(max_size=20),
        ),
        more=st.lists(
            st.builds(rest.Upload, st.just("f"), st.just("a/b"), st.binary(max_size=9)), max_size=2
        ),
    )
)
def test_uploads_arrive(avatar: Avatar) -> None:
    assert sent(rest.Call("PUT", "/avatar", request=AVATAR), avatar) == avatar


def test_what_json_has_no_room_for_beside_files_goes_with_them() -> None:
    album = Album(pictures=[rest.Upload("a", "b/c", b"1")], title="t")
    assert sent(rest.Call("PUT", "/album", request=ALBUM), album) == album
    assert sent(rest.Call("PUT", "/album", request=ALBUM), Album(title="t")) == Album(title="t")


@pytest.mark.parametrize(
    ("change", "field", "why"),
    [
        ({"shop": "a/b"}, "shop", "cannot be part of a path"),
        ({"shop": ".."}, "shop", "cannot be part of a path"),
        ({"shop": ""}, "shop", "cannot be part of a path"),
        ({"trace": "a\r\nhost: b"}, "X-Trace", "cannot be a header"),
        ({"trace": "é"}, "X-Trace", "cannot be a header"),
        ({"trace": " a"}, "X-Trace", "cannot be a header"),
    ],
)
def test_what_cannot_be_written_is_told_at_once(change: dict[str, Any], field: str, why: str) -> None:
    order = Order(**{"order_id": 1, "shop": "a", "name": "n", **change})
    with pytest.raises(errors.InvalidArgument) as refusal:
        sent(rest.Call("POST", PATH, request=ORDER), order)
    assert refusal.value.fields == (errors.FieldError(field, why),)


def ask(call: rest.Call[Any], endpoint: rest.Endpoint, **client: Any) -> Any:
    return asyncio.run(call(HttpClient([rest.Route("GET", "/x", endpoint)], **client)))


GET: rest.Call[Line] = rest.Call("GET", "/x", response=Line)


def test_answers() -> None:
    answer = rest.Encoder(Line)(Line(line_id=2**60))
    assert ask(GET, answers(answer)) == Line(line_id=2**60)
    assert ask(rest.Call("GET", "/x", response=list[int]), answers(rest.json_response([1]))) == [1]
    assert ask(rest.Call("GET", "/x"), answers(rest.Response(204))) is None
    content: rest.Call[None] = rest.Call("GET", "/x")
    client = HttpClient([rest.Route("GET", "/x", answers(rest.Response(200, b"a,b")))])
    assert asyncio.run(content.content(client)) == b"a,b"


def test_answers_that_do_not_fit_the_contract() -> None:
    with pytest.raises(errors.Internal, match="GET /x answered what it should not: lineId: is required"):
        ask(GET, answers(rest.json_response({"line": 1})))
    with pytest.raises(errors.Unknown, match="GET /x was answered with status 302"):
        ask(GET, answers(rest.Response(302)))


@pytest.mark.parametrize("code", [code for code in errors.Code if code is not errors.Code.OK])
def test_errors_come_through(code: errors.Code) -> None:
    fields = (errors.FieldError("a", "is required"),)
    with pytest.raises(errors.ZeroError) as refusal:
        ask(GET, fails(errors.ZeroError.of(code, "why", fields=fields)))
    error = refusal.value
    assert error.status == code.http
    if code.http < 500:
        assert (error.message, error.fields) == ("why", fields)
    else:
        assert "why" not in error.message


def test_errors_of_other_statuses_and_forms() -> None:
    with pytest.raises(errors.HttpError, match="410: it is over") as gone:
        ask(GET, fails(errors.HttpError(410, "it is over")))
    assert (gone.value.status, gone.value.code) == (410, errors.Code.FAILED_PRECONDITION)
    plain = rest.Options(render=RENDERERS["text"])
    with pytest.raises(errors.InvalidArgument, match="no such day"):
        ask(GET, fails(errors.InvalidArgument("no such day")), options=plain)
    with pytest.raises(errors.HttpError, match="502: <h1>"):
        ask(GET, answers(rest.Response(502, b"<h1>" + b"x" * 5000)))
    problem = ((b"content-type", b"application/problem+json"),)
    with pytest.raises(errors.NotFound, match="{"):
        ask(GET, answers(rest.Response(404, b"{", problem)))


async def events(call: rest.Call[Any], endpoint: rest.Endpoint, most: int = 99) -> list[Any]:
    client = HttpClient([rest.Route("GET", "/x", endpoint, rest.Group(sse=True))])
    received: list[Any] = []
    try:
        async for event in call.events(client):
            received.append(event)
            if len(received) == most:
                break
    except errors.ZeroError as error:
        received.append(error)
    return received


def test_events() -> None:
    async def endpoint(request: rest.Request) -> rest.Response:
        async def lines() -> AsyncIterator[Line]:
            yield Line(line_id=1)
            yield Line(line_id=2)
            raise errors.Aborted("enough")

        return await rest.event_stream(lines(), rest.Encoder(Line))

    *lines, error = asyncio.run(events(GET, endpoint))
    assert lines == [Line(line_id=1), Line(line_id=2)]
    assert (error.status, error.message) == (409, "enough")
    assert asyncio.run(events(GET, endpoint, most=1)) == [Line(line_id=1)]


def test_a_stream_may_be_refused() -> None:
    (error,) = asyncio.run(events(GET, fails(errors.PermissionDenied("not you"))))
    assert (type(error), error.message) == (errors.PermissionDenied, "not you")


def test_a_response_may_be_read_as_it_comes() -> None:
    left = asyncio.Event()

    async def endpoint(request: rest.Request) -> rest.Response:
        async def numbers() -> AsyncIterator[float]:
            try:
                yield 1
                yield math.pi
                await asyncio.sleep(60)
            finally:
                left.set()

        return await rest.event_stream(numbers())

    async def test() -> None:
        client = HttpClient([rest.Route("GET", "/x", endpoint, rest.Group(sse=True))])
        async with client.stream("GET", "/x") as response:
            assert response.status == 200
            assert (await anext(response.chunks)).startswith(b"data: 1\n\n")
        assert left.is_set()

    asyncio.run(test())
