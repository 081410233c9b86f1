"""Contracts nobody would think of: good ones become good Python, bad ones are refused and nothing worse."""

from __future__ import annotations

import ast
import re
from contextlib import suppress
from pathlib import Path

import black
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zero_codegen.api import describe
from zero_codegen.api.check import check_contract
from zero_codegen.api.contract import Contract
from zero_codegen.api.emit import emit_module
from zero_codegen.api.parser import parse
from zero_codegen.diagnostics import ContractError
from zero_codegen.source import ContractFile

_SHOP = (Path(__file__).with_name("testdata") / "shop.api").read_text(encoding="utf-8")
_MODE = black.Mode(line_length=100)

_COMMENTS = st.text(st.characters(exclude_characters="\n\r\x1c\x1d\x1e\x85\u2028\u2029"), max_size=120)
_NAMES = st.from_regex(r"F[a-z]{0,8}([A-Z][a-z]{1,12}){0,2}", fullmatch=True)
"""Up to 35 letters; black breaks lines of still longer names in ways of its own."""

_TYPES = st.recursive(
    st.sampled_from(
        ["string", "bool", "int8", "int64", "uint32", "float64", "byte", "any", "Other", "*Other"]
    ),
    lambda inner: st.one_of(
        inner.map("[]{}".format), inner.map("map[string]{}".format), inner.map("[4]{}".format)
    ),
    max_leaves=3,
)
_TAGS = st.sampled_from(
    [
        '`json:"{wire}"`',
        '`json:"{wire},optional"`',
        '`json:",optional"`',
        "",
    ]
)
_SCALARS = st.sampled_from(
    [
        ("int", "range=[-3:],default=4"),
        ("uint16", "options=1|2|3,optional"),
        ("string", f"options=[{','.join(f'the option {n}' for n in range(9))}],default=the option 3"),
        ("float32", "range=(0.5:1e3]"),
        ("string", "default=it's \u00fc 用户 'x'"),
        ("bool", "default=true"),
        ("[]string", "optional"),
    ]
)


_ROUTES = st.builds(
    "@handler {}\npost /{} {} {}".format,
    _NAMES,
    _NAMES,
    st.sampled_from(["", "()", "(Other)", "([]*Other)"]),
    st.sampled_from(["", "returns (Other)", "returns ([]Other)", "returns (string)"]),
)


@st.composite
def _fields(draw: st.DrawFn) -> str:
    name, wire = draw(_NAMES), draw(_NAMES)
    comment = draw(st.sampled_from(["", f"// {draw(_COMMENTS)}\n"]))
    if draw(st.booleans()):
        return f"{comment}{name} {draw(_TYPES)} {draw(_TAGS).format(wire=wire)}"
    type_, options = draw(_SCALARS)
    source = draw(st.sampled_from(["json", "form", "header"]))
    return f'{comment}{name} {type_} `{source}:"{wire},{options}"`'


@st.composite
def _contracts(draw: st.DrawFn) -> str:
    """A contract that is good but for names that may collide."""
    fields = draw(st.lists(_fields(), max_size=8))
    routes = draw(st.lists(_ROUTES, max_size=3))
    server = draw(st.sampled_from(["", "@server (jwt: Auth)\n", "@server (prefix: /v1\ngroup: a/b)\n"]))
    service = f"{server}service Shop {{\n{chr(10).join(routes)}\n}}"
    other = 'type Other { Id int64 `json:"id"` }'
    return "\n".join(["type Subject {", *fields, "}", other, service])


@settings(max_examples=40, deadline=None)
@given(_contracts())
def test_good_contracts_become_python_as_black_writes_it(text: str) -> None:
    try:
        file = ContractFile("shop.api", "", text)
        contract = Contract(file, parse(file))
        check_contract(contract)
    except ContractError as error:
        collisions = re.compile(" both | two fields | twice, |is the route of")
        assert [each.message for each in error.diagnostics if not collisions.search(each.message)] == []
        return
    source = emit_module(contract)
    ast.parse(source)
    assert black.format_str(source, mode=_MODE) == source


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_is_cut_out_or_put_in_there_is_no_other_error(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(_SHOP)))
    end = data.draw(st.integers(start, min(len(_SHOP), start + 80)))
    piece = data.draw(st.one_of(st.text(max_size=20), st.sampled_from([*'{}()[]`"/:,;*@=\\.', "/*", "//"])))
    with suppress(ContractError):
        describe(ContractFile("shop.api", "", _SHOP[:start] + piece + _SHOP[end:]))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(sorted({*_SHOP.split(), *'{}()[]`":,;*'})), max_size=30).map(" ".join))
@example("type A { X " + "[]" * 5000 + "int }\nservice A {}")
@example("type A " + "{ X " * 1000 + "int" + " }" * 1000 + "\nservice A {}")
def test_whatever_words_stand_there_is_no_other_error(text: str) -> None:
    with suppress(ContractError):
        describe(ContractFile("shop.api", "", text))
