"""The comments that name statements: `-- name: take :exec`."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass

from zero_codegen import naming
from zero_codegen.diagnostics import did_you_mean
from zero_codegen.model.queries.query import Command
from zero_codegen.model.queries.values import Refused

COMMANDS: dict[str, Command] = {"one": "one", "many": "many", "stream": "stream", "exec": "exec"}
_NAME = re.compile(
    r"[ \t]*--[ \t]*name[ \t]*:[ \t]*(?P<name>[^\s:]*)[ \t]*(?P<command>:?\S*)[ \t]*(?P<rest>.*)"
)
_COMMENT = re.compile(r"[ \t]*--(.*)")


@dataclass(frozen=True, slots=True)
class Heading:
    """The comments above a statement. `start` and `end` are where the line with the name is in the file."""

    name: str
    command: Command
    comment: str
    start: int
    end: int


def heading(text: str, start: int, found: set[int]) -> Heading | None:
    """The heading of the statement at `start`: the lines of comments right above it. Raises Refused.

    Where its name is goes to `found`, even of one that is refused.
    """
    lines: list[tuple[int, str]] = []
    at = text.rfind("\n", 0, start) + 1
    while at > 0:
        begin = text.rfind("\n", 0, at - 1) + 1
        line = text[begin : at - 1]
        if not _COMMENT.fullmatch(line):
            break
        lines.insert(0, (begin, line))
        at = begin
    named = [(begin, line, match) for begin, line in lines if (match := _NAME.fullmatch(line))]
    if not named:
        return None
    begin, line, match = named[-1]
    found |= {_span(begin, line)[0] for begin, line, _ in named}
    if len(named) > 1:
        raise Refused("this statement has two names", span=_span(begin, line))
    said = [_COMMENT.fullmatch(line) for _, line in lines if not _NAME.fullmatch(line)]
    comment = "\n".join(match[1].strip() for match in said if match)
    return Heading(
        _name(begin, named[-1][2]), _command(begin, named[-1][2]), comment.strip(), *_span(begin, line)
    )


def names(text: str) -> Iterator[tuple[int, int]]:
    """Where in a file there are lines that name statements."""
    at = 0
    for line in text.split("\n"):
        if _NAME.fullmatch(line):
            yield _span(at, line)
        at += len(line) + 1


def _name(begin: int, match: re.Match[str]) -> str:
    name = match["name"]
    span = begin + match.start("name"), begin + max(match.end("name"), match.start("name") + 1) - 1
    if naming.identifier(name) != name or keyword.iskeyword(name) or not name.strip("_"):
        hint = f"write `{naming.identifier(name)}`" if name.strip("_") else "write `-- name: take :exec`"
        raise Refused(f"`{name}` is no name for a method", hint, span=span)
    return name


def _command(begin: int, match: re.Match[str]) -> Command:
    command = match["command"]
    span = begin + match.start("command"), begin + max(match.end("command"), match.start("command") + 1) - 1
    found = COMMANDS.get(command.removeprefix(":"))
    if found is None or not command.startswith(":") or match["rest"]:
        known = [f":{name}" for name in COMMANDS]
        hint = did_you_mean(command, known) or f"what it gives is one of {', '.join(known)}"
        raise Refused(f"`{command}` does not say what the statement gives", hint, span=span)
    return found


def _span(begin: int, line: str) -> tuple[int, int]:
    return begin + len(line) - len(line.lstrip()), begin + max(len(line.rstrip()), 1) - 1
