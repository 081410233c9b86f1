"""What people have: files that goctl takes, and those that it should."""

from __future__ import annotations

import time

import pytest

from zero_codegen.api import load
from zero_codegen.api.contract import Contract
from zero_codegen.source import ContractFile

_TAKEN_BY_GOCTL = {
    "statements in any order": 'service A { }\ntype A1 { }\ninfo ( )\nsyntax = "v1"\nimport ( )\ntype ( )',
    "any version": 'syntax = "v9"\ntype A {}',
    "an info of every value": 'info (a: "x" b: `y\nz` c: word)\ntype A {}',
    "everything in one line": "@server (jwt: Auth group: a) service A { @handler B get /b @handler C get /c }",
    "fields without a separator": "type A { X int Y string }",
    "several names": "type A { X, Y, Z int }",
    "embedded": "type A {\nB\n*C\n}\ntype B { X int }\ntype C { Y int }",
    "tags of others": 'type A { X int `json:"x" validate:"required,gt=1" gorm:"column:x"` }',
    "no tags in responses": "type A { X int }\nservice S { @handler H get / returns (A) }",
    "fields from elsewhere in responses": 'type A { X int `form:"x"` }\nservice S { @handler H get / returns (A) }',
    "keywords as handlers": "service S { @handler type get /a @handler map get /b @handler default get /c }",
    "keywords of the language as fields": "type A { info string\nservice int\nsyntax bool\nget int\nreturns int }",
    "values": "@server (prefix: /v1/user-info group: a/b-c middleware: A, B timeout: 1h10m10s10ms10µs10ns\n"
    "maxBytes: 100 sse: false signature: true tags: x-y summary: word)\nservice S {}",
    "several blocks": "service S-api { @handler A get /a }\n@server (prefix: /x)\nservice S-api { @handler B get /a }",
    "bodies": 'type A { X int `json:"x"` }\nservice S { @handler B1 post /1 () returns () @handler B2 post /2 (A)\n'
    "@handler B3 post /3 (*A) returns ([]*A); @handler B4 post /4 returns (A);\n"
    "@handler B5 put /5 ([]A) @handler B6 post /6 (string) returns (string) }",
    "paths": "service S { @handler A get / @handler B get /a/ @handler C get /3d/2fa @handler D get /v1/a-b.c\n"
    "@handler E get /a b }",
    "comments": '/* a */ type /* b */ A /* c */ { // d\n/* e */ X /* f */ int /* g */ `json:"x"` // h\n}\n// i',
    "duplicate of a static path": "service S { @handler A get /a/:id (Id) @handler B get /a/b }\n"
    'type Id { Id int `path:"id"` }',
    "the same handler in another group": "@server (group: a)\nservice S { @handler A get /a }\n"
    "@server (group: b)\nservice S { @handler A get /b }",
    "any": "type A { X *any\nY interface{}\nZ []interface{}\nU map[string]interface{} }",
    "fields that hide embedded ones": 'type Base { Code int `json:"code"`\nData string `json:"data"` }\n'
    'type A {\nBase\nData []int `json:"data"`\n}',
    "embedded types with names": 'type B { X int }\ntype A {\nB `json:"b"`\n}',
    "examples": 'type A { X int `form:"x,range=[1:10],example=5"`\nY bool `json:"y,options=true|false"` }',
    "tags of others alone": 'type A { X int `db:"x"` }\nservice S { @handler H post / (A) }',
    "anything in a form": 'type A { X any `form:"x"` }\nservice S { @handler H get / (A) }',
    "empty values": '@server (prefix: "" group: "" jwt: "")\nservice S { @handler A get /a }',
}
_REFUSED_BY_GOCTL = {
    "the struct keyword": "type A struct {}\ntype ( B struct { X struct { Y int } } )",
    "aliases": "type A int\ntype B = string\ntype C []A\ntype D = map[B]C\ntype E = F\ntype F {}",
    "any anywhere": "type A { X any\nY []any\nZ map[string]any\nU [2]any }",
    "time and decimals": "type A { X time.Time\nY decimal.Decimal\nZ *decimal\nU []time.Time }",
    "structs within types": "type A { X []{ Y int }\nZ map[string]struct { U int } }",
    "empty structs": "type A { X {} }",
    "bodies of any type": "service S { @handler A post /a ([3]int) returns (map[string]int)\n"
    "@handler B post /b (any) }",
    "hyphenated services": "service a-b-c-d {}",
    "values without quotes": "@server (prefix: /a-b-c/1 timeout: 1.5s)\nservice S { @handler A get /a }",
    "parameters in prefixes": "@server (prefix: /v1/:id)\nservice S { @handler A get /a (Id) }\n"
    'type Id { Id int `path:"id"` }',
    "a prefix of nothing": "@server (prefix: /)\nservice S { @handler A get /a }",
    "text in back quotes": "@server (prefix: `/v1`)\nservice S { @doc `text` @handler A get /a }",
    "documentation in parentheses": 'service S { @doc ("text") @handler A get /a }',
    "settings of a route": "service S { @server (timeout: 1s) @handler A get /a }",
    "handlers in settings": 'service S { @doc (summary: text)\n@server (\nhandler: "A"\n)\nget /a }',
    "info in any script": "info (\ntitle: 用户服务\ndesc: 用户 服务 (v1), und mehr\ndate: 2020\n)\ntype A {}",
    "rest-of-line values": "@server (\nsummary: all about users\ntags: a b\n)\nservice S {}",
    "keys without values": "info (\ntitle:\ndesc: x\nauthor:\n)\ntype A {}",
    "keys of old files": "@server (\nhost: 0.0.0.0\nport: 8080\nfolder: user\n)\nservice S {}",
    "numbers in paths": "service S { @handler A get /v1-2/v1.2/1h/5s }",
    "comments with slashes": "/** see http://x.io/a*b */\ntype A {}\n/* a * b / c */",
}


def contract(text: str) -> Contract:
    return load(ContractFile("a.api", "", text))


@pytest.mark.parametrize("text", _TAKEN_BY_GOCTL.values(), ids=_TAKEN_BY_GOCTL)
def test_what_goctl_takes_is_taken(text: str) -> None:
    contract(text)


@pytest.mark.parametrize("text", _REFUSED_BY_GOCTL.values(), ids=_REFUSED_BY_GOCTL)
def test_the_natural_forms_that_goctl_refuses_are_taken_too(text: str) -> None:
    contract(text)


def test_they_mean_what_they_say() -> None:
    info = contract(_REFUSED_BY_GOCTL["info in any script"])
    assert (info.info("title"), info.info("date")) == ("用户服务", "2020")
    assert info.info("desc") == "用户 服务 (v1), und mehr"
    (route,) = contract(_REFUSED_BY_GOCTL["handlers in settings"]).endpoints
    assert (route.attribute, route.docs) == ("a", {"summary": "text"})
    (prefixed,) = contract(_REFUSED_BY_GOCTL["values without quotes"]).endpoints
    assert (prefixed.path, prefixed.timeout) == ("/a-b-c/1/a", 1.5)
    paths = [endpoint.path for endpoint in contract(_TAKEN_BY_GOCTL["paths"]).endpoints]
    assert paths == ["/", "/a", "/3d/2fa", "/v1/a-b.c", "/ab"]
    one_line = contract(_TAKEN_BY_GOCTL["everything in one line"]).endpoints
    assert [(endpoint.attribute, endpoint.jwt, endpoint.path) for endpoint in one_line] == [
        ("a_b", "Auth", "/b"),
        ("a_c", "Auth", "/c"),
    ]


def test_five_thousand_lines_are_read_and_checked_in_under_a_second() -> None:
    struct = (
        'R{n} {{\n// doc\nId int64 `path:"id"` // of R{n}\nA string `json:"a,optional"`\n'
        'B map[string][]*Other `json:"b"`\n}}\n'
    )
    routes = "@handler H{n}\npost /h/{n}/:id (R{n}) returns (Other)\n\n"
    text = (
        'type Other { X int `json:"x"` }\ntype (\n' + "".join(struct.format(n=n) for n in range(600)) + ")\n"
    )
    text += "service A {\n" + "".join(routes.format(n=n) for n in range(600)) + "}\n"
    assert text.count("\n") >= 5000
    start = time.process_time()
    assert len(contract(text).endpoints) == 600
    assert time.process_time() - start < 1
