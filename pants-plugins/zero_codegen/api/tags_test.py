from __future__ import annotations

import pytest
from lark import Token

from zero_codegen.api.problem import Word, word
from zero_codegen.api.tags import read_tag
from zero_codegen.source import ContractFile


def raw(text: str) -> Word:
    return word(ContractFile("a.api", "", ""), Token("RAW", f"`{text}`", line=3, column=10))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('json:"a"', [("json", "a", [])]),
        (' json:"a,optional"  form:"b" ', [("json", "a", [("optional", None)]), ("form", "b", [])]),
        ('json:""', [("json", "", [])]),
        ('json:",optional"', [("json", "", [("optional", None)])]),
        ('json:"a, default = 5 "', [("json", "a", [("default", "5")])]),
        ('json:"a,options=[x,y],default=x"', [("json", "a", [("options", "[x,y]"), ("default", "x")])]),
        ('json:"a,range=[1:5)"', [("json", "a", [("range", "[1:5)")])]),
        (r'json:"a" validate:"regexp=^\d+\"$"', [("json", "a", []), ("validate", r"regexp=^\d+\"$", [])]),
        ('json:"a,options=x|y"\nform:"b"', [("json", "a", [("options", "x|y")]), ("form", "b", [])]),
    ],
)
def test_tags(text: str, expected: list[tuple[str, str, list[tuple[str, str | None]]]]) -> None:
    tag = read_tag(raw(text))
    keys = [(key.key, key.name, [(option.name, option.value) for option in key.options]) for key in tag.keys]
    assert (keys, tag.problems) == (expected, ())


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("", "empty tag", 10),
        ("  ", "empty tag", 10),
        ("json", "malformed tag", 11),
        ("json:a", "malformed tag", 11),
        ('json: "a"', "malformed tag", 11),
        ('json:"a', "malformed tag", 11),
        ('json:"a" form', "malformed tag", 20),
        ('json:"a",form:"b"', "malformed tag", 19),
        ('json:"a"form:"b"', "malformed tag", 19),
        ('json:"a\\"', "malformed tag", 11),
    ],
)
def test_malformed_tags(text: str, message: str, column: int) -> None:
    (problem,) = read_tag(raw(text)).problems
    assert (problem.message, problem.at.line, problem.at.column) == (message, 3, column)


def test_places_in_a_tag_of_several_lines() -> None:
    json, form = read_tag(raw('json:"a,optional"\n\t form:"b, default=1"')).keys
    assert (json.key.line, json.key.column) == (3, 11)
    assert (json.options[0].at.line, json.options[0].at.column) == (3, 19)
    assert (form.key.line, form.key.column) == (4, 3)
    assert (form.options[0].at.line, form.options[0].at.column) == (4, 12)
