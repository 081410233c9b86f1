"""Pieces of generated modules that depend on more than one part of a contract."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zero_codegen.api import generate, load
from zero_codegen.api.emit import emit_module
from zero_codegen.source import ContractFile, Output


def module(text: str) -> str:
    return emit_module(load(ContractFile("shop.api", "", text)))


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ('Reply { A int `json:"a"` }', "return rest.json_response(await logic.get())"),
        ('Reply { A int `json:"a,omitempty"` }', "return _REPLY_RESPONSE(await logic.get())"),
        ('Reply { A string `json:"a,string"` }', "return rest.json_response(await logic.get())"),
        (
            'Reply = map[string]Shelf\n Shelf []Item\n Item { A int `json:"a,string"` }',
            "return _REPLY_RESPONSE(await logic.get())",
        ),
        (
            'Reply { Next *Reply `json:"next,optional"`\n Inner { A int `json:"a,string"` } `json:"inner"` }',
            "return _REPLY_RESPONSE(await logic.get())",
        ),
    ],
)
def test_a_response_is_written_by_an_encoder_where_tags_ask_for_it(types: str, expected: str) -> None:
    text = module(f"type (\n{types}\n)\nservice shop {{\n@handler Get\nget / returns (Reply)\n}}")
    assert expected in text
    assert ("_REPLY_RESPONSE = rest.Encoder(Reply)" in text) == ("_REPLY" in expected)


def test_a_class_stands_behind_those_that_its_defaults_are_made_of() -> None:
    text = module("""type (
            A { B Other `json:"b"` }
            Other = B
            B { C C `json:"c"` }
            C { D int `json:"d,optional"`\n E *A `json:"e,optional"` }
        )""")
    assert [line.split("(")[0] for line in text.split("\n") if line.startswith("class ")] == [
        "class C",
        "class B",
        "class A",
    ]
    assert "    b: Other = msgspec.field(default_factory=B)\n" in text


def test_groups_of_one_name_are_told_apart_by_their_first_route() -> None:
    text = module("""@server (
            group: order
            timeout: 1s
        )
        service shop {
            @handler List
            get /orders
            @handler Add
            @server (
                timeout: 2s
            )
            post /orders
            @handler Remove
            delete /orders
        }""")
    assert "    order_group = rest.Group(timeout=1.0)\n" in text
    assert "    order_add_group = rest.Group(timeout=2.0)\n" in text
    assert 'rest.Route("DELETE", "/orders", order_remove, order_group)' in text


def test_only_names_of_code_are_imported() -> None:
    text = module("""type Reply {
            A string `json:"abc"` // Any builtins, "Literal" or Annotated
            B string `json:"b,default=TypeAlias"`
            C string `json:"c,default=it's \\\\ Any"`
        }
        @server (
            group: abc
        )
        service shop {
            @handler AsyncIterator
            get / returns (Reply)
        }""")
    (imports,) = re.findall(r"annotations\n(.*?)\n\n\nclass", text, re.DOTALL)
    assert imports.split() == "import abc import msgspec from zero_runtime import rest".split()


def test_a_constant_is_not_called_as_a_type() -> None:
    text = module('type _GET { A int `json:"a"` }\nservice shop {\n@handler Get\nget / returns (_GET)\n}')
    assert '_GET_ = rest.Call("GET", "/", response=_GET)' in text


def test_the_client_of_a_fixed_array_has_types() -> None:
    text = module("service shop {\n@handler Get\nget / returns ([3]int)\n}")
    assert 'rest.Call("GET", "/", response=list[rest.Int64])' in text


def test_the_module_of_a_part_says_where_its_types_are(tmp_path: Path) -> None:
    file = ContractFile("part.api", "", 'type A { B Missing `json:"b"` }')
    assert generate([file], Output(tmp_path), {"part.api"}) == []
    assert "Empty: the types" in (tmp_path / "part_api.py").read_text(encoding="utf-8")
