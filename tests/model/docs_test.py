"""docs/model.md holds: its contracts are good or bad as it says, and its examples run, on every database.

A block of `sql` is a contract, named behind the word, with the fields of its target. A block of `text` right
below it is what the generator prints of it; to write that anew: `python -m tests.model.docs_test`. The blocks
of `python` in its section are run one after the other with its module and a `database`; a comment behind an
expression is what it gives.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import re
import sys
import tempfile
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.model import generated
from tests.model.places import KINDS, new_source
from zero_codegen.model.settings import Settings
from zero_runtime import model

PAGE = Path(__file__).resolve().parents[2] / "docs/model.md"

_PIECE = re.compile(
    r"^(?P<heading>#+ [^\n]*)$|^```(?P<language>[a-z]*) ?(?P<words>[^\n]*)\n(?P<text>.*?)^```$", re.M | re.S
)
_COMMENT = re.compile(r"  # (.*)$")


class Example(NamedTuple):
    line: int
    name: str
    settings: dict[str, Any]
    contract: str
    told: str | None = None
    """What is printed of a bad contract."""
    told_at: int = 0
    """Where that begins in the page."""
    python: tuple[tuple[int, str], ...] = ()
    """Programs with their first lines."""


def examples() -> Iterator[Example]:
    text = PAGE.read_text("utf-8")
    example: Example | None = None
    end = 0
    for piece in _PIECE.finditer(text):
        right_below = text[end : piece.start()].strip() == ""
        end = piece.end()
        line = text.count("\n", 0, piece.start()) + 1
        if piece["heading"] or piece["language"] == "sql":
            if example:
                yield example
            example = None
        if piece["language"] == "sql":
            name, *words = piece["words"].split()
            settings: dict[str, Any] = dict(word.split("=", 1) for word in words)
            if "cached" in settings:
                settings["cached"] = tuple(settings["cached"].split(","))
            example = Example(line, name, settings, piece["text"])
        elif example and right_below and piece["language"] == "text":
            example = example._replace(told=piece["text"], told_at=piece.start("text"))
        elif example and piece["language"] == "python":
            example = example._replace(python=(*example.python, (line, piece["text"])))
    if example:
        yield example


class _Shown(ast.NodeTransformer):
    """Compares each expression that a comment stands behind with it."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.count = 0

    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        if comment := _COMMENT.search(self.lines[(node.end_lineno or 1) - 1]):
            self.count += 1
            shown = ast.Call(ast.Name("_shown", ast.Load()), [node.value, ast.Constant(comment[1])], [])
            return ast.copy_location(ast.Expr(shown), node)
        return node


async def run(example: Example, module: types.ModuleType, database: model.Database) -> None:
    def shown(value: object, text: str) -> None:
        assert repr(value) == text

    names: dict[str, Any] = {"database": database, "model": model, "_shown": shown}
    count = 0
    for line, text in example.python:
        program = "\n" * line + text
        transformer = _Shown(program.splitlines())
        tree = ast.fix_missing_locations(transformer.visit(ast.parse(program, str(PAGE))))
        code = compile(tree, str(PAGE), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if (coroutine := eval(code, names)) is not None:
            await coroutine
        count += transformer.count
    assert count or not example.python, "an example that shows nothing"


EXAMPLES = list(examples())
GOOD = [example for example in EXAMPLES if example.told is None]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("example", GOOD, ids=lambda example: f"{example.name}:{example.line}")
def test_examples_run(
    example: Example,
    kind: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = generated.load(
        generated.generate(tmp_path, example.contract, Settings(**example.settings), example.name)
    )
    monkeypatch.setitem(sys.modules, example.name.replace(".sql", "_model"), module)

    async def scenario() -> None:
        async with model.open_database(new_source(kind, request)) as database:
            await database.create(module.SCHEMA)
            await run(example, module, database)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "example",
    [example for example in EXAMPLES if example.told is not None],
    ids=lambda example: f"{example.name}:{example.line}",
)
def test_mistakes_are_told(example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert printed(example) == example.told


def printed(example: Example) -> str:
    """What the generator prints of a contract in the working directory."""
    told = generated.told(Path(), example.contract, Settings(**example.settings), example.name)
    return "".join(f"{mistake}\n" for mistake in told)


def write() -> None:
    """Replaces what the page says is printed by what is."""
    text = PAGE.read_text("utf-8")
    for example in reversed(EXAMPLES):
        if example.told is not None:
            with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
                end = example.told_at + len(example.told)
                text = text[: example.told_at] + printed(example) + text[end:]
    PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    write()
