from __future__ import annotations

from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime.errors import InvalidArgument
from zero_runtime.rest.form import form_values
from zero_runtime.rest.message import Request


def request(query: str = "", body: bytes = b"", content_type: str = "") -> Request:
    headers = [(b"content-type", content_type.encode())] if content_type else []
    return Request("POST", "/", query=query.encode(), headers=headers, body=body)


def test_query_strings() -> None:
    assert form_values(request("a=1&b=x%20y&a=2&list[]=3&empty=&none&c=1,2&u=%C3%A9&bad=%ff")) == {
        "a": ["1", "2"],
        "b": ["x y"],
        "list": ["3"],
        "c": ["1,2"],
        "u": ["é"],
        "bad": ["\N{REPLACEMENT CHARACTER}"],
    }


def test_body_goes_before_query() -> None:
    body = b"a=1&b=2"
    values = form_values(request("a=0&c=3", body, "application/x-www-form-urlencoded; charset=utf-8"))
    assert values == {"a": ["1", "0"], "b": ["2"], "c": ["3"]}


def test_other_bodies_are_no_forms() -> None:
    assert form_values(request("", b"a=1", "text/plain")) == {}
    assert form_values(request("", b"a=1")) == {}


def test_multipart_without_its_files() -> None:
    body = (
        b"preamble\r\n--xx\r\n"
        b'Content-Disposition: form-data; name="a"\r\n\r\n1\r\n2\r\n--xx\r\n'
        b'content-type: text/plain\r\nCONTENT-DISPOSITION: form-data; name="q\\"[]"\r\n\r\nx\r\n--xx\r\n'
        b'Content-Disposition: form-data; name="f"; filename="n"\r\n\r\nfile\r\n--xx\r\n'
        b'Content-Disposition: form-data; filename="n"; name="g"\r\n\r\nfile\r\n--xx\r\n'
        b"Content-Disposition: form-data\r\n\r\nnameless\r\n--xx--\r\nepilogue"
    )
    assert form_values(request("", body, 'multipart/form-data; boundary="xx"')) == {
        "a": ["1\r\n2"],
        'q"': ["x"],
    }


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
        (request("", b"", "multipart/form-data; boundary=x"), "the form ends early"),
        (
            request("", b"--x\r\n" * 5000, "multipart/form-data; boundary=x"),
            "the form holds more than 2048 values",
        ),
    ],
)
def test_bad_forms_are_refused(given: Request, why: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        form_values(given)
    assert refusal.value.message == refusal.value.fields[0].message == why


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters='"\\'), min_size=1, max_size=5
).filter(lambda name: not name.endswith("[]"))
VALUES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
FORMS = st.dictionaries(NAMES, st.lists(VALUES, min_size=1, max_size=3), max_size=4)


@given(FORMS)
def test_urlencoded_forms_come_back(form: dict[str, list[str]]) -> None:
    assert form_values(request(urlencode(form, doseq=True))) == form


@given(FORMS)
def test_multipart_forms_come_back(form: dict[str, list[str]]) -> None:
    files = [(name, (None, value.encode())) for name, values in form.items() for value in values]
    sent = httpx.Request("POST", "http://x", files=files or [("f", ("n", b""))])
    assert form_values(request("", sent.read(), sent.headers["content-type"])) == form
