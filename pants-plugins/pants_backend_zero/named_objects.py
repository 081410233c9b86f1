"""Whether a module has what the setting of a contract names in it, as far as its text tells.

A name that is not there would else be found when a service starts. Nothing is imported or run. About a file
in syntax newer than the Python that runs Pants, and one that takes all names of another, nothing is claimed.
"""

from __future__ import annotations

import ast
from typing import Iterator, Union

from pants_backend_zero.errors import nearest

_DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_IMPORTS = (ast.Import, ast.ImportFrom)


def mistake_in_name(path: str, text: str, name: str) -> str | None:
    """What is wrong with a name that the module at the path, with this text, ought to have."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return None
    known = set(_names(tree))
    if name in known or "*" in known:
        return None
    close = nearest(name, sorted(known))
    hint = f"\n  = hint: did you mean `{close}`?" if close else ""
    return f"{path}: there is no `{name}`{hint}"


def _names(tree: ast.Module) -> Iterator[str]:
    """All names that anything outside of functions and classes binds."""
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, _DEFINITIONS):
            yield node.name
        elif isinstance(node, _IMPORTS):
            yield from _imported(node)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        else:
            pending += ast.iter_child_nodes(node)


def _imported(node: Union[ast.Import, ast.ImportFrom]) -> Iterator[str]:
    for alias in node.names:
        yield alias.asname or alias.name.partition(".")[0]
