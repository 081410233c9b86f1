"""Files with comments and line ends in the oddest places: nothing is lost, nothing changes its meaning."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lark import Token

from zero_codegen.api import tree
from zero_codegen.api.format import formatted
from zero_codegen.api.parser import parse
from zero_codegen.api.tags import Tag
from zero_codegen.api.testing import programs
from zero_codegen.diagnostics import ContractError
from zero_codegen.source import ContractFile

_RICH = (Path(__file__).with_name("testdata") / "unformatted.api").read_text(encoding="utf-8")
_DISTURBANCES = st.sampled_from(
    [
        *("// line\n", "//\n", "\n// own  \n\n", "\n\n\t// own\n", "\n    /* one\n     * two */\n"),
        *(" /* 用户 */ ", "/**/", "/* a\nb */", "\n/* a */ /* b */", "\n\n\n", "\n", "  "),
    ]
)


def _parsed(text: str) -> tree.File:
    return parse(ContractFile("a/b.api", "", text))


@st.composite
def _disturbed(draw: st.DrawFn) -> str:
    """A file with comments and space put before some of its words, which still is one."""
    text = draw(st.one_of(st.just(_RICH), programs()))
    words = _parsed(text).words
    places = draw(st.lists(st.sampled_from(words), max_size=6, unique_by=id))
    for word in sorted(places, key=lambda word: -(word.start_pos or 0)):
        text = text[: word.start_pos] + draw(_DISTURBANCES) + text[word.start_pos :]
    try:
        _parsed(text)
    except ContractError:
        assume(False)
    return text


@settings(max_examples=80, deadline=None)
@given(_disturbed())
def test_nothing_but_the_layout_changes_and_that_at_once(text: str) -> None:
    result = formatted("a/b.api", text)
    assert formatted("a/b.api", result) == result
    before, after = _parsed(text), _parsed(result)
    assert _meaning(after.statements) == _meaning(before.statements)
    assert _words(after) == _words(before)


def _words(file: tree.File) -> list[str]:
    """Words and comments in their order, but for what says nothing (`;`, and `()` of routes)."""
    words = (_meaning(word) for word in file.words if word not in ("(", ")", ";", "returns"))
    return ["\n".join(line.strip() for line in word.split("\n")) for word in words]


def _meaning(part: Any) -> Any:
    """A part of a tree without the places of its words."""
    if isinstance(part, Token):
        return "".join(part.split()) if part.type in ("ANY", "PATH", "SERVICE_NAME") else str(part)
    if isinstance(part, Tag):
        return str(part.at)
    if isinstance(part, tree.Body) and part.type is None:
        return None
    if isinstance(part, tuple):
        return (type(part).__name__, *map(_meaning, part))
    if dataclasses.is_dataclass(part):
        return (
            type(part).__name__,
            *(_meaning(getattr(part, field.name)) for field in dataclasses.fields(part)),
        )
    return part
