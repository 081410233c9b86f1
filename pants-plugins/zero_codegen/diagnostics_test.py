from __future__ import annotations

import json

import pytest

from zero_codegen.diagnostics import ContractError, Diagnostic, did_you_mean, in_order


def test_render_shows_place_line_caret_and_hint() -> None:
    line = '\tMobile strng `json:"mobile"`'
    diagnostic = Diagnostic(
        "services/user/user.api", 3, 9, "unknown type `strng`", "did you mean `string`?", line, 5
    )
    assert diagnostic.render() == (
        "services/user/user.api:3:9: unknown type `strng`\n"
        '  |     Mobile strng `json:"mobile"`\n'
        "  |            ^^^^^\n"
        "  = hint: did you mean `string`?"
    )


@pytest.mark.parametrize(
    ("source_line", "column", "length", "caret"),
    [
        ("用户 x", 4, 1, "     ^"),  # wide characters take two columns
        ("x 用户", 3, 2, "  ^^^^"),
        ("e\u0301x", 3, 1, " ^"),  # a combining accent takes none
        ("abc", 4, 1, "   ^"),  # right behind the line
        ("abc", 2, 99, " ^^"),  # never beyond the line
    ],
)
def test_caret_is_below_what_it_marks(source_line: str, column: int, length: int, caret: str) -> None:
    rendered = Diagnostic("p", 1, column, "m", None, source_line, length).render()
    assert rendered.split("\n")[2] == f"  | {caret}"


@pytest.mark.parametrize(
    ("column", "shown", "caret"),
    [
        (1, "0123456789" * 20 + "…", "^"),
        (5001, "…" + "0123456789" * 20 + "…", " " * 101 + "^"),
        (9991, "…" + "0123456789" * 11, " " * 101 + "^"),
    ],
)
def test_of_a_very_long_line_the_part_around_the_mark_is_shown(column: int, shown: str, caret: str) -> None:
    rendered = Diagnostic("p", 1, column, "m", None, "0123456789" * 1000).render()
    assert rendered.split("\n")[1:] == [f"  | {shown}", f"  | {caret}"]


def test_line_zero_is_the_whole_thing() -> None:
    assert (
        Diagnostic("services/user:user-api", 0, 0, "no logic").render() == "services/user:user-api: no logic"
    )


def test_blank_lines_are_not_shown() -> None:
    assert Diagnostic("p", 1, 1, "m", None, "\t ").render() == "p:1:1: m"


def test_json_has_the_rendered_text() -> None:
    members = json.loads(json.dumps(Diagnostic("p", 1, 2, "m").as_json()))
    assert members == {
        "path": "p",
        "line": 1,
        "column": 2,
        "message": "m",
        "hint": None,
        "rendered": "p:1:2: m",
    }


def test_error_carries_each_diagnostic_once_and_in_order() -> None:
    first, second = Diagnostic("p", 1, 9, "a"), Diagnostic("p", 2, 1, "b")
    error = ContractError([second, first, second])
    assert error.diagnostics == (first, second)
    assert str(error) == "p:1:9: a\np:2:1: b"
    assert in_order([]) == ()


def test_nearest_name() -> None:
    assert did_you_mean("strng", ["bool", "string"]) == "did you mean `string`?"
    assert did_you_mean("USERINFO", ["userInfo"]) == "did you mean `userInfo`?"
    assert did_you_mean("x", ["string"]) is None
