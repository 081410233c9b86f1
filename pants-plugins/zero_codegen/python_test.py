from __future__ import annotations

import ast

import black
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_codegen.python import (
    WIDTH,
    Bracketed,
    bracketed,
    docstring,
    free,
    joined,
    layout,
    string,
    tuple_literal,
)

_MODE = black.Mode(line_length=WIDTH)


@given(st.text())
def test_string_is_a_literal_of_the_value_as_black_writes_it(value: str) -> None:
    source = f"x = {string(value)}\n"
    assert ast.literal_eval(string(value)) == value
    assert black.format_str(source, mode=_MODE) == source


@given(st.text())
def test_docstring_is_as_black_writes_it(text: str) -> None:
    source = f"def f() -> None:\n    {docstring(f'a {text}', 4)}\n"
    assert black.format_str(source, mode=_MODE) == source


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("a", '"""a"""'),
        ("a\n\n  b ", '"""a\n\n      b\n    """'),
        ('say "hi"', '"""say "hi" """'),
        ('"hi"', '""" "hi" """'),
        ('a """ b', '"""a \\"\\"\\" b"""'),
        ("a\\", '"""a\\\\"""'),
        ("a\x00", '"""a\\x00"""'),
        (f"{'word ' * 30}", f'"""{"word " * 17}word\n    {"word " * 11}word\n    """'),
    ],
)
def test_docstring(text: str, literal: str) -> None:
    assert docstring(text, 4) == literal


_NAMES = st.integers(1, 60).map("x".__mul__)
# A wide character takes two columns.
_TEXTS = st.builds(str.__mul__, st.sampled_from("x名"), st.integers(1, 30)).map(string)
_CALLS = st.recursive(
    _NAMES,
    lambda inner: st.builds(
        lambda name, items: Bracketed(f"{name}(", tuple(items), ")"), _NAMES, st.lists(inner, max_size=5)
    ),
    max_leaves=12,
)


@given(_CALLS, st.integers(0, 2))
def test_calls_are_laid_out_as_black_does(piece: str | Bracketed, depth: int) -> None:
    head = "".join(f"{'    ' * level}if x:\n" for level in range(depth))
    source = f"{head}{'    ' * depth}{layout(Bracketed('call(', (piece, 'y'), ')'), depth * 4)}\n"
    assert black.format_str(source, mode=_MODE) == source


@given(st.lists(_NAMES | _TEXTS, max_size=6), st.sampled_from(["{}", "[]"]))
def test_literals_are_laid_out_as_black_does(items: list[str], brackets: str) -> None:
    pairs = [f"{item}: 1" if brackets == "{}" else item for item in items]
    source = bracketed(f"x = {brackets[0]}", pairs, brackets[1]) + "\n"
    assert black.format_str(source, mode=_MODE) == source


@given(st.lists(st.one_of(_NAMES, _CALLS), max_size=3))
def test_tuples_are_laid_out_as_black_does(items: list[str | Bracketed]) -> None:
    source = layout(joined("x = ", tuple_literal(items))) + "\n"
    assert black.format_str(source, mode=_MODE) == source
    plain = f"x = ({''.join(f'{item}, ' for item in items)})"
    assert ast.dump(ast.parse(source)) == ast.dump(ast.parse(plain))


@given(st.lists(_NAMES, min_size=1, max_size=6, unique=True))
def test_definitions_are_laid_out_as_black_does(parameters: list[str]) -> None:
    source = bracketed("async def name_of_the_function(", parameters, ") -> None:") + "\n    pass\n"
    assert black.format_str(source, mode=_MODE) == source


@pytest.mark.parametrize("piece", ["x", Bracketed("f(", ("x",), ")"), Bracketed("f(", ("x" * 99,), ")")])
def test_what_is_joined_to_a_piece_is_right_before_and_behind_it(piece: str | Bracketed) -> None:
    assert layout(joined("a = ", piece, ".b")) == f"a = {layout(piece)}.b"


def test_a_free_name_is_taken_from_then_on() -> None:
    taken = {"a"}
    assert [free("a", taken), free("a", taken), free("b", taken)] == ["a_", "a__", "b"]
