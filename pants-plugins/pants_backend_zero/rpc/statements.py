"""What a `.proto` says at its top level, found without compiling it: a contract with errors has dependencies too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterator

_TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/|" + r'"(?:\\.|[^"\\\n])*"' + r"|'(?:\\.|[^'\\\n])*'" + r"|[\w.]+|\S", re.DOTALL
)

_NAMED = ("package", "service", "message", "enum")


@dataclass(frozen=True)
class Statement:
    """`import`, `package`, `service`, `message` or `enum`, what it names, and the place of that, from 1."""

    keyword: str
    name: str
    line: int
    column: int


def statements(text: str) -> Iterator[Statement]:
    """https://protobuf.dev/reference/protobuf/proto3-spec/ and the specifications of proto2 and the editions."""
    depth = 0
    words: list[str] = []
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token.startswith(("//", "/*")):
            continue
        if token in "{}":
            depth = max(0, depth + (1 if token == "{" else -1))
            words = []
        elif token == ";":
            words = []
        elif not depth:
            # `import "a.proto"`, but also `import public "a.proto"`, `import weak`, `import option`.
            if words[:1] == ["import"] and re.fullmatch("(['\"]).+\\1", token):
                yield _at(text, match.start(), "import", token[1:-1])
            elif len(words) == 1 and words[0] in _NAMED:
                yield _at(text, match.start(), words[0], token)
            words.append(token)


def _at(text: str, offset: int, keyword: str, name: str) -> Statement:
    start = text.rfind("\n", 0, offset) + 1
    return Statement(keyword, name, text.count("\n", 0, offset) + 1, offset - start + 1)


def imported_paths(text: str) -> Iterator[str]:
    """The paths below a source root that it imports, as they are written."""
    return (statement.name for statement in statements(text) if statement.keyword == "import")


def declares_service(text: str) -> bool:
    return any(statement.keyword == "service" for statement in statements(text))


def package_of(text: str) -> str:
    """Its package; that without a name is the empty string."""
    return next((statement.name for statement in statements(text) if statement.keyword == "package"), "")
