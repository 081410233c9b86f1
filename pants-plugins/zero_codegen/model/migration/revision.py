"""The module of a revision."""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zero_codegen.model.settings import DIALECTS, Dialect
from zero_codegen.python import WIDTH, docstring, string
from zero_codegen.width import width

_LONGEST_SLUG = 40
"""Characters of a file's name that say what is in it; alembic's number."""


@dataclass(frozen=True, slots=True)
class Way:
    """What has to be done in one direction: finished statements for each database, and remarks for people."""

    statements: Mapping[Dialect, Sequence[str]]
    remarks: Sequence[str]

    @property
    def is_empty(self) -> bool:
        return not any(self.statements.values())


@dataclass(frozen=True, slots=True)
class Written:
    """A revision as a file."""

    name: str
    file: str
    text: str


def written(message: str, follows: str | None, up: Way, down: Way) -> Written:
    """The revision that follows `follows`. Its name is made of what it does, so the same change has the
    same."""
    upgrade, downgrade = _function("upgrade", up), _function("downgrade", down)
    content = "\0".join((follows or "", upgrade, downgrade))
    name = hashlib.sha256(content.encode()).hexdigest()[:12]
    slug = re.sub(r"\W+", "_", message.lower(), flags=re.ASCII).strip("_")[:_LONGEST_SLUG].rstrip("_")
    text = (
        f"{_title(message)}\n\n"
        "from zero_runtime.model import migrations\n\n"
        f"revision = {string(name)}\n"
        f"down_revision = {string(follows) if follows else None}\n"
        "branch_labels = None\n"
        "depends_on = None\n\n\n"
        f"{upgrade}\n\n\n{downgrade}\n"
    )
    return Written(name, f"{name}_{slug}.py" if slug else f"{name}.py", text)


def _title(message: str) -> str:
    return docstring("\n".join(textwrap.wrap(f"{message[:1].upper()}{message[1:].rstrip('.')}.", WIDTH - 6)))


def _function(name: str, way: Way) -> str:
    lines = [f"def {name}() -> None:"]
    for remark in way.remarks:
        lines += textwrap.wrap(remark, WIDTH, initial_indent="    # REVIEW: ", subsequent_indent="    #   ")
    if way.is_empty:
        return "\n".join([*lines, "    migrations.execute()"])
    lines.append("    migrations.execute(")
    for dialect in DIALECTS:
        if statements := way.statements[dialect]:
            lines += _argument(dialect, statements)
    lines.append("    )")
    return "\n".join(lines)


def _argument(name: str, statements: Sequence[str]) -> list[str]:
    """``name=(…),``, in the layout of black."""
    margin = " " * 8
    literals = [_literal(statement, len(margin) + 4) for statement in statements]
    if len(literals) == 1 and len(literals[0]) == 1:
        flat = f"{margin}{name}=({literals[0][0].strip()}),"
        if width(flat) <= WIDTH:
            return [flat]
    return [f"{margin}{name}=(", *(line for literal in literals for line in literal), f"{margin}),"]


def _literal(statement: str, indent: int) -> list[str]:
    """A member of a tuple: a literal, or one for each line of the statement."""
    margin = " " * indent
    strings = [string(line) for line in statement.splitlines(keepends=True)]
    flat = f"{margin}{strings[0]}," if len(strings) == 1 else f"{margin}({' '.join(strings)}),"
    if len(strings) == 1 or width(flat) <= WIDTH:
        return [flat]
    return [f"{margin}(", *(f"{margin}    {each}" for each in strings), f"{margin}),"]
