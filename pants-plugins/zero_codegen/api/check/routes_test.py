from __future__ import annotations

import pytest

from zero_codegen.api import describe
from zero_codegen.source import ContractFile
from zero_codegen.testing import assert_refused

_TYPES = """
type (
	Json { X int `json:"x"` }
	OfPath { Id int `path:"id"` }
	Query { Q string `form:"q,optional"` }
)
"""


def service(*routes: str, server: str = "") -> str:
    """A service with the handlers A, B, … for routes in lines 1, 3, …"""
    handlers = "".join(f"@handler {chr(65 + n)}\n{route}\n" for n, route in enumerate(routes))
    return f"{server}service S {{ {handlers}}}\n"


@pytest.mark.parametrize(
    ("marked", "message", "hint"),
    [
        (
            "service S {\n@handler A\nget /a\n@handler «A»\nget /b\n}",
            "the handler `A` is here twice, first in line 2",
            None,
        ),
        (
            "service S {\n@handler UserInfo\nget /a\n@handler «userInfo»\nget /b\n}",
            "`userInfo` and `UserInfo` in line 2 both become `user_info` in Python",
            "rename one of the two",
        ),
        (
            "@server (group: user)\nservice S {\n@handler UserInfo\nget /a\n@handler «Info»\nget /b\n}",
            "`Info` and `UserInfo` in line 3 both become `user_info` in Python",
            "rename one of the two",
        ),
        (service("get /x", "get «/x»"), "`get /x` is the route of `A` in line 1", None),
        (service("get /x/", "get «/x»"), "`get /x` is the route of `A` in line 1", None),
        (
            service("get /v1/x") + "@server (prefix: /v1/)\nservice S {\n@handler B\nget «/x»\n}",
            "`get /v1/x` is the route of `A` in line 1",
            None,
        ),
        (
            service("«connect» /x"),
            "no route can have the method `connect`",
            "use one of get, head, post, put, patch, delete, options",
        ),
        (service("«POST» /x"), "unknown HTTP method `POST`", "did you mean `post`?"),
        (service("«copy» /x"), "unknown HTTP method `copy`", None),
        (service("get /a/«{id}»"), "`{id}` cannot be part of a path", "write a parameter as `:id`"),
        (service("get /a/«*»"), "`*` cannot be part of a path", None),
        (service("get /a/«..»/b"), "`..` cannot be part of a path", None),
        (service("get /a/«b%20c»"), "`b%20c` cannot be part of a path", None),
        (service("get /a/«:»"), "`:` cannot be part of a path", None),
        (
            service("get /x", server='@server (prefix: "/a/«b c»")\n'),
            "`b c` cannot be part of a path",
            None,
        ),
        (
            service("get /:id/«:id» (OfPath)"),
            "the parameter `:id` is in the path twice",
            None,
        ),
    ],
)
def test_refusals(marked: str, message: str, hint: str | None) -> None:
    assert_refused(describe, marked + _TYPES, (message, hint))


def test_same_requests_under_other_parameter_names() -> None:
    types = 'type A { X int `path:"a"` }\ntype B { X int `path:"b"` }\n'
    assert_refused(
        describe,
        service("get /x/:a (A)", "get «/x/:b» (B)", "post /x/:b (B)", "get /x/c") + types,
        ("`get /x/:b` is the route of `A` in line 1 too: `/x/:a` takes the same requests", None),
    )


@pytest.mark.parametrize(
    "text",
    [
        service("get /x", "post /x", "get /x/y", "get /x/:id (OfPath)", "head /x"),
        service("get / returns (Json);", "options /a/b-c.d_~1/2fa"),
        service("get /a b", "get /ab/c -\td", "get /ab/c"),
        service("get /x (OfPath)", server="@server (prefix: /v1/:id)\n"),
        service("get /a", server="@server (group: a)\n") + service("get /b", server="@server (group: b)\n"),
    ],
)
def test_good_routes(text: str) -> None:
    describe(ContractFile("a.api", "", text + _TYPES))


def test_routes_whose_settings_could_not_be_read_are_not_compared() -> None:
    assert_refused(
        describe,
        'type A {\n\tId int `path:"id"`\n}\n'
        "@server (\n\tprefix «/»:id\n)\nservice S {\n@handler X\nget /x (A)\n}\n"
        "@server (\n\tgroup: b\n)\nservice S {\n@handler X\nget /x («Strng»)\n}\n",
        ("expected `:`, got `/`", None),
        ("unknown type `Strng`", "did you mean `string`?"),
    )
