"""Contracts nobody would think of: good ones become good Python, bad ones are refused and nothing worse."""

from __future__ import annotations

import ast
import re
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import black
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zero_codegen.api import check, load
from zero_codegen.api.emit import emit_module
from zero_codegen.api.testing import programs
from zero_codegen.diagnostics import ContractError
from zero_codegen.source import ContractFile, read_contract

_TESTDATA = Path(__file__).with_name("testdata")
_CONTRACTS = [(_TESTDATA / name).read_text(encoding="utf-8") for name in ("shop.api", "user.api")]
_PIECES = [
    *'{}()[]`"/:,;*@=\\.',
    "/*",
    "//",
    "*/",
    "@server (",
    "type ",
    "service ",
    "time.Time",
    "[...]",
    ",string",
]
_WORDS = sorted(
    {*_CONTRACTS[0].split(), *'{}()[]`":,;*=', "any", "time.Time", "@server", "timeout:", "\n", "/*", "//"}
)
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


@settings(max_examples=30, deadline=None)
@given(_contracts())
def test_good_contracts_become_python_as_black_writes_it(text: str) -> None:
    try:
        contract = load(ContractFile("shop.api", "", text))
    except ContractError as error:
        collisions = re.compile(" both | two fields | twice, |is the route of")
        assert [each.message for each in error.diagnostics if not collisions.search(each.message)] == []
        return
    source = emit_module(contract)
    ast.parse(source)
    assert black.format_str(source, mode=_MODE) == source


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(programs())
def test_good_programs_of_every_form_are_taken(text: str) -> None:
    contract = load(ContractFile("shop.api", "", text))
    words = contract.tree.words
    assert all(text[word.start_pos : word.end_pos] == word for word in words)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_whatever_is_cut_out_or_put_in_there_is_no_other_error(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(_CONTRACTS))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 80)))
        piece = data.draw(
            st.one_of(st.text(max_size=20), st.sampled_from(_PIECES), st.just(text[end : end + 40]))
        )
        text = text[:start] + piece + text[end:]
    check([ContractFile("a.api", "", text)])


@settings(max_examples=70, deadline=None)
@given(st.binary(max_size=60), st.integers(0, len(_CONTRACTS[0])))
def test_whatever_bytes_a_file_has_there_is_no_other_error(content: bytes, at: int) -> None:
    encoded = _CONTRACTS[0].encode()
    with tempfile.TemporaryDirectory() as folder, suppress(ContractError):
        path = Path(folder, "a.api")
        path.write_bytes(encoded[:at] + content + encoded[at:])
        check([read_contract(str(path), [folder])])


@settings(max_examples=70, deadline=None)
@given(st.lists(st.sampled_from(_WORDS), max_size=40).map(" ".join))
def test_whatever_words_stand_there_is_no_other_error(text: str) -> None:
    check([ContractFile("shop.api", "", text)])


_N = 3000
_LONG = {
    "lists": "type A " + "[]" * _N + "int",
    "brackets": "type A " + "[" * _N,
    "pointers": "type A { X " + "*" * _N + "int }",
    "structs": "type A " + "{ X " * _N + "int" + " }" * _N,
    "open structs": "type A " + "{ X " * _N,
    "comments": "/**/" * _N + "x",
    "open comments": "/*\n" * _N,
    "quotes": '"' * _N,
    "back quotes": "`\n" * _N,
    "wildcards": "service A { @handler B get " + "/*" * _N + " }",
    "a path": "service A { @handler B get " + "/a\n" * _N + " }",
    "a value": "@server (a: " + "x " * _N + ")",
    "parentheses": "@server (a: x" + "(a" * _N,
    "tags": "type A { X int `" + 'a:"b" ' * _N + "` }",
    "options": 'type A { X int `json:"x,' + "[" * _N + '"` }',
    "digits": 'type A { X [9]int `json:"x,default=[' + "9" * _N + ']"` }',
    "a size": f"@server (maxBytes: {'9' * _N}k)\nservice A {{}}",
    "embedded types": "".join(f"type A{n} {{\nA{n + 1}\n}}\n" for n in range(_N)) + f"type A{_N} {{}}",
    "twice embedded types": "".join(f"type A{n} {{\nA{n + 1}\nA{n + 1}\n}}\n" for n in range(30))
    + "type A30 { X int }",
    "twice held types": "".join(f"type A{n} {{\nX, Y A{n + 1}\n}}\n" for n in range(60))
    + 'type A60 { X int `json:",optional"` }\ntype B { A A0 `json:"a"` }\nservice S { @handler A post / (B) }',
    "names of names": "".join(f"type A{n} A{n + 1}\n" for n in range(_N)) + f"type A{_N} int",
    "circles": "".join(f"type A{n} A{(n + 1) % 90}\n" for n in range(90)),
    "errors": "type A {\n[\n}\n" * _N,
}


@pytest.mark.parametrize("text", _LONG.values(), ids=_LONG)
def test_long_and_deep_texts_come_to_an_end(text: str) -> None:
    start = time.process_time()
    check([ContractFile("a.api", "", text)])
    assert time.process_time() - start < 5  # on a machine that does other things too
