"""docs/api.md and docs/api-errors.md hold: their contracts are good or bad as they say, and this is what is told.

A block of `api` is a file, named behind the word or else `shop.api`; the files of a section see each other. A block of
`text` right below it is what the generator prints of it, a block of `python` shows parts of its module. To write what
is printed anew: `python -m zero_codegen.api.docs_test`.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from zero_codegen import api
from zero_codegen.diagnostics import in_order
from zero_codegen.source import Output, read_contracts

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGES = ("api.md", "api-errors.md")

_PIECE = re.compile(
    r"^(?P<heading>#+ [^\n]*)$|^```(?P<language>[a-z]*) ?(?P<name>[^\n]*)\n(?P<text>.*?)^```$", re.M | re.S
)


class Example(NamedTuple):
    """A contract of a page, and what the page says of it."""

    page: str
    line: int
    name: str
    files: Mapping[str, str]
    """The contract and the others of its section, by path."""

    told: str = ""
    """What is printed; nothing for a good contract."""

    told_at: int | None = None
    """Where that begins in the page."""

    python: str = ""


def examples(page: str) -> Iterator[Example]:
    text = (DOCS / page).read_text("utf-8")
    files: dict[str, str] = {}
    example: Example | None = None
    end = 0
    for piece in _PIECE.finditer(text):
        right_below = text[end : piece.start()].strip() == ""
        end = piece.end()
        if piece["heading"]:
            files = {}
        elif piece["language"] == "api":
            if example:
                yield example
            name = piece["name"] or "shop.api"
            files = {**files, name: piece["text"]}
            example = Example(page, text.count("\n", 0, piece.start()) + 1, name, files)
        elif example and right_below and piece["language"] == "text":
            example = example._replace(told=piece["text"], told_at=piece.start("text"))
        elif example and right_below and piece["language"] == "python":
            example = example._replace(python=piece["text"])
    if example:
        yield example


def printed(example: Example, folder: Path) -> str:
    """What the generator prints of a contract, having written its modules to `folder`."""
    for name, text in example.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    files, unread = read_contracts([example.name], ["."])
    diagnostics = in_order([*unread, *api.generate(files, Output(Path("out")))])
    return "".join(f"{diagnostic.render()}\n" for diagnostic in diagnostics)


@pytest.mark.parametrize(
    "example",
    [each for page in PAGES for each in examples(page)],
    ids=lambda example: f"{example.page}:{example.line}",
)
def test_the_documentation_is_true(example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert printed(example, tmp_path) == example.told
    if example.python:
        module = (tmp_path / "out" / example.name.replace(".api", "_api.py")).read_text("utf-8")
        assert all(part.strip() in module for part in example.python.split("\n\n"))


def write(page: str) -> None:
    """Replaces what a page says is printed by what is."""
    text = (DOCS / page).read_text("utf-8")
    for example in reversed(list(examples(page))):
        if example.told_at is not None:
            with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
                told = printed(example, Path(folder))
            text = text[: example.told_at] + told + text[example.told_at + len(example.told) :]
    (DOCS / page).write_text(text, "utf-8")


if __name__ == "__main__":
    for page in PAGES:
        write(page)
