"""The revisions that there are: modules of alembic, read without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from zero_codegen.diagnostics import ContractError, Diagnostic

_HINT = 'a module of alembic has `revision = "…"` and `down_revision = "…"` (or None, of the first)'


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision and those that it follows."""

    path: str
    name: str
    down: tuple[str, ...]


def head(versions: Path) -> str | None:
    """The last revision of a folder; None when there is none.

    Raises ContractError when a module cannot be read, or when not all revisions lead to one.
    """
    revisions: list[Revision] = []
    mistakes: list[Diagnostic] = []
    for path in sorted(versions.glob("*.py")):
        try:
            revisions.append(_read(path))
        except ContractError as error:
            mistakes += error.diagnostics
    if mistakes:
        raise ContractError(mistakes)
    known = {revision.name for revision in revisions}
    for revision in revisions:
        for down in revision.down:
            if down not in known:
                hint = "a revision is missing in this folder"
                mistakes.append(
                    Diagnostic(revision.path, 0, 0, f"there is no revision `{down}` to follow", hint)
                )
    followed = {down for revision in revisions for down in revision.down}
    heads = [revision for revision in revisions if revision.name not in followed]
    if not heads and revisions:
        mistakes.append(Diagnostic(versions.as_posix(), 0, 0, "the revisions follow each other in a circle"))
    mistakes += _several(heads, versions)
    if mistakes:
        raise ContractError(mistakes)
    return heads[0].name if heads else None


def _several(heads: Iterable[Revision], versions: Path) -> list[Diagnostic]:
    names = [f"`{revision.name}` ({Path(revision.path).name})" for revision in heads]
    if len(names) < 2:
        return []
    hint = "let one of them follow the other (`down_revision`), or join them with `alembic merge heads`"
    return [
        Diagnostic(
            versions.as_posix(), 0, 0, f"there are {len(names)} last revisions: {', '.join(names)}", hint
        )
    ]


def _read(path: Path) -> Revision:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ContractError([Diagnostic(path.as_posix(), 1, 1, f"cannot be read: {error}")]) from error
    except SyntaxError as error:
        place = (error.lineno or 1, error.offset or 1)
        raise ContractError([Diagnostic(path.as_posix(), *place, f"is no Python: {error.msg}")]) from error
    values = dict(_assigned(tree))
    name, down = values.get("revision"), values.get("down_revision", ...)
    downs = (down,) if isinstance(down, str) else () if down is None else down
    if (
        not isinstance(name, str)
        or not isinstance(downs, tuple | list)
        or not all(isinstance(d, str) for d in downs)
    ):
        raise ContractError([Diagnostic(path.as_posix(), 1, 1, "is no revision of alembic", _HINT)])
    return Revision(path.as_posix(), name, tuple(downs))


def _assigned(tree: ast.Module) -> Iterable[tuple[str, object]]:
    """The constants that a module gives names to."""
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets: list[ast.expr] = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        else:
            continue
        if len(targets) == 1 and isinstance(targets[0], ast.Name) and statement.value is not None:
            try:
                yield targets[0].id, ast.literal_eval(statement.value)
            except ValueError:
                continue
