from __future__ import annotations

import pytest

from zero_codegen.api import describe, load
from zero_codegen.source import ContractFile
from zero_codegen.testing import assert_refused

_TYPES = """
type (
	Json { X int `json:"x"` }
	OfPath { Id int `path:"id"` }
	Query { Q string `form:"q,optional"` }
	Both { X int `json:"x" form:"x"`
	Skipped int `json:"-"` }
	File { F []byte `form:"f"` }
	FileAndJson { F [][]byte `form:"f"`
	X int `json:"x"` }
	Ids []int64
	Bytes []byte
)
"""
_ADD = 'add a field tagged `path:"id"`'
_MOVE = "tag it `json`, or move it to a request type"
_CSV = '@doc (produces: «"text/csv"»)\n'


def service(*routes: str, server: str = "", doc: str = "") -> str:
    """A service with the handlers A, B, … for routes in lines 1, 3, …"""
    handlers = "".join(f"@handler {chr(65 + n)}\n{doc}{route}\n" for n, route in enumerate(routes))
    return f"{server}service S {{ {handlers}}}\n"


@pytest.mark.parametrize(
    ("marked", "message", "hint"),
    [
        (
            service("get /x («Json»)"),
            "a `get` request has no body to bring `X` in",
            "tag them `form` (query), `path` or `header` instead of `json`",
        ),
        (service("head /x («[»]int)"), "a `head` request has no body", "use a struct with `form` fields"),
        (service("get /x («string»)"), "a `get` request has no body", "use a struct with `form` fields"),
        (service("get /x/:«id»"), "no field of the request takes the parameter `:id`", _ADD),
        (service("get /x/:«id» (Query)"), "no field of `Query` takes the parameter `:id`", _ADD),
        (
            service("get /x (Query)", server="@server (prefix: /:«id»)\n"),
            "no field of `Query` takes the parameter `:id`",
            _ADD,
        ),
        (
            service("get /x («File»)"),
            "a `get` request has no body for the file `F`",
            "use `post` or `put`",
        ),
        (
            service("post /x («FileAndJson»)"),
            "a request that brings the file `F` is a form, and has no JSON for `X`",
            "tag them `form` too",
        ),
        (
            service("get «/x»", server="@server (sse: true)\n"),
            "a stream of events (`sse: true`) has no type for them",
            "say what an event is: `returns (Event)`",
        ),
        (
            service("«head» /x returns (Json)", server="@server (sse: true)\n"),
            "a `head` response has no body, so no events",
            "use `get`",
        ),
        (
            service("get /x returns (Json)", doc=_CSV),
            "a response of `text/csv` is bytes or text, not `Json`",
            "write `returns ([]byte)` or `returns (string)`",
        ),
    ],
)
def test_refusals(marked: str, message: str, hint: str | None) -> None:
    assert_refused(describe, marked + _TYPES, (message, hint))


def test_path_fields_and_parameters_are_the_same() -> None:
    assert_refused(
        describe,
        service("get /x/:«user» (A)") + 'type A {\nUserId int `path:"«userr»"`\nZ int `path:"«z»"`\n}',
        ("no field of `A` takes the parameter `:user`", "did you mean `userr`?"),
        ("`get /x/:user` has no parameter `:userr`", "did you mean `user`?"),
        ("`get /x/:user` has no parameter `:z`", "add `:z` to its path"),
    )


def test_fields_that_no_message_can_bring() -> None:
    assert_refused(
        describe,
        service("post /x (A) returns (C)")
        + 'type A {\n«X» int\nB B `json:"b"`\n}\ntype B {\nY int `form:"«y»"`\nUntagged int\n}\n'
        + 'type C {\nD []D\n}\ntype D {\nZ int `header:"z"`\n}',
        ("`X` has no tag, so no request can set it", 'tag it: `json:"x"`'),
        ("only a request itself, not a struct within it, has `form` fields", _MOVE),
    )


def test_no_mistake_is_told_of_twice() -> None:
    assert_refused(describe, service("get /x/:id («B»)"), ("unknown type `B`", None))
    assert_refused(
        describe,
        service("get /x/:id (A)") + 'type A {\nId int `«pat»:"id"`\n}',
        ("unknown tag key `pat`", "did you mean `path`?"),
    )


@pytest.mark.parametrize(
    "text",
    [
        service(
            "get /x (Query) returns ([]Json)", "delete /x (Json)", "post /x ([]*Json)", "put /x (string)"
        ),
        service("post /x ([][]Json) returns ([3]int)", "put /x (map[string]Ids) returns (Ids)"),
        service("post /x (any) returns (any)", "put /x (time.Time) returns (*decimal)"),
        service("get /x (Both) returns ([]Both)", "post /x (File)", "post /y ([]{ X int })"),
    ],
)
def test_good_bodies(text: str) -> None:
    describe(ContractFile("a.api", "", text + _TYPES))


@pytest.mark.parametrize(
    ("produces", "response", "content"),
    [
        ("text/csv", "returns ([]byte)", "text/csv"),
        ("text/csv", "returns (Bytes)", "text/csv"),
        ("text/plain", "returns (string)", "text/plain"),
        ("application/json", "returns ([]byte)", None),
        ("application/json; charset=utf-8", "returns (Json)", None),
        ("text/csv", "", None),
    ],
)
def test_content(produces: str, response: str, content: str | None) -> None:
    text = service(f"get /x {response}", doc=f'@doc (produces: "{produces}")\n') + _TYPES
    contract = load(ContractFile("a.api", "", text))
    assert contract.content(contract.endpoints[0]) == content


def test_a_response_has_fields_from_elsewhere_under_their_own_names_as_in_go() -> None:
    text = (
        service("put /x/:id (Request) returns ([]Request)", "post /x (Other)")
        + 'type Base { BaseId int `header:"base"` }\ntype Request {\nBase\nUserId int `path:"id" json:"uid"`\n'
        'OwnId int `form:"own"` }\ntype Other { OwnId int `form:"own"` }'
    )
    contract = load(ContractFile("a.api", "", text))
    encoded = {
        record.class_name: [member.encoded for member in contract.members(record.struct)]
        for record in contract.records
    }
    assert encoded == {"Base": ["BaseId"], "Request": ["BaseId", "uid", "OwnId"], "Other": ["own_id"]}
