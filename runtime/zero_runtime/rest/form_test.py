from __future__ import annotations

from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime.errors import HttpError, InvalidArgument
from zero_runtime.rest.form import Upload, form_of
from zero_runtime.rest.message import Request


def request(query: str = "", body: bytes = b"", content_type: str = "") -> Request:
    headers = [(b"content-type", content_type.encode())] if content_type else []
    return Request("POST", "/", query=query.encode(), headers=headers, body=body)


def values_of(given: Request) -> dict[str, list[str]]:
    return form_of(given).values


def test_query_strings() -> None:
    assert values_of(request("a=1&b=x%20y&a=2&list[]=3&empty=&none&c=1,2&u=%C3%A9&bad=%ff")) == {
        "a": ["1", "2"],
        "b": ["x y"],
        "list": ["3"],
        "c": ["1,2"],
        "u": ["é"],
        "bad": ["\N{REPLACEMENT CHARACTER}"],
    }


def test_body_goes_before_query() -> None:
    body = b"a=1&b=2"
    values = values_of(request("a=0&c=3", body, "application/x-www-form-urlencoded; charset=utf-8"))
    assert values == {"a": ["1", "0"], "b": ["2"], "c": ["3"]}


def test_other_bodies_are_no_forms() -> None:
    assert values_of(request("", b"a=1", "text/plain")) == {}
    assert values_of(request("", b"a=1")) == {}


def test_multipart() -> None:
    body = (
        b"preamble\r\n--xx\r\n"
        b'Content-Disposition: form-data; name="a"\r\n\r\n1\r\n2\r\n--xx\r\n'
        b'content-type: text/plain\r\nCONTENT-DISPOSITION: form-data; name="q\\"[]"\r\n\r\nx\r\n--xx\r\n'
        b'Content-Disposition: form-data; name="f"; filename="n.png"\r\nContent-Type: image/png\r\n\r\n'
        b"\x00\r\n\xff\r\n--xx\r\n"
        b'Content-Disposition: form-data; name="h"; filename=""\r\n\r\n\r\n--xx\r\n'
        b'Content-Disposition: form-data; filename="C:\\n/m.txt"; name=f\r\n\r\n\r\n--xx\r\n'
        b"Content-Disposition: form-data; name=\"g\"; filename*=UTF-8''n\r\n\r\nfile\r\n--xx\r\n"
        b'Content-Disposition: form-data; name="g"; filename="../.."\r\n\r\nfile\r\n--xx\r\n'
        b"Content-Disposition: form-data\r\n\r\nnameless\r\n--xx--\r\nepilogue"
    )
    form = form_of(request("", body, 'multipart/form-data; boundary="xx"'))
    assert form.values == {"a": ["1\r\n2"], 'q"': ["x"]}
    assert form.files == {
        "f": [Upload("n.png", "image/png", b"\x00\r\n\xff"), Upload("m.txt", "", b"")],
        "g": [Upload("", "", b"file"), Upload("", "", b"file")],
        "h": [Upload("", "", b"")],
    }


def test_multipart_is_limited() -> None:
    with pytest.raises(HttpError, match="413: a multipart form may have at most 33554432 bytes"):
        form_of(request("", bytes(32 * 2**20 + 1), "multipart/form-data; boundary=x"))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (request("&".join(["a=1"] * 2049)), "the form holds more than 2048 values"),
        (
            request("", b"&".join([b"a=1"] * 2049), "application/x-www-form-urlencoded"),
            "the form holds more than 2048 values",
        ),
        (request("", b"--x" * 1, "multipart/form-data"), "the form has no boundary in its Content-Type"),
        (request("", b"--x\r\n\r\n", "multipart/form-data; boundary=x"), "the form ends early"),
        (
            request("", b"--x\r\n" * 5000, "multipart/form-data; boundary=x"),
            "the form holds more than 2048 values",
        ),
    ],
)
def test_bad_forms_are_refused(given: Request, why: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        values_of(given)
    assert refusal.value.message == refusal.value.fields[0].message == why


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters='"\\'), min_size=1, max_size=5
).filter(lambda name: not name.endswith("[]"))
VALUES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
FORMS = st.dictionaries(NAMES, st.lists(VALUES, min_size=1, max_size=3), max_size=4)


@given(FORMS)
def test_urlencoded_forms_come_back(form: dict[str, list[str]]) -> None:
    assert values_of(request(urlencode(form, doseq=True))) == form


@given(FORMS)
def test_multipart_forms_come_back(form: dict[str, list[str]]) -> None:
    files = [(name, (None, value.encode())) for name, values in form.items() for value in values]
    sent = httpx.Request("POST", "http://x", files=files or [("f", ("n", b""))])
    assert values_of(request("", sent.read(), sent.headers["content-type"])) == form
