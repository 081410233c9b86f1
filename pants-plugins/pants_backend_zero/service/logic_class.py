"""Whether a class of logic implements its contract, as far as its text tells.

A handler that is new in a contract and missing in the logic would else be found when the service starts. Nothing is
imported or run. What a class inherits from another module cannot be seen here, and neither can a file in syntax newer
than the Python that runs Pants: about these nothing is claimed.
"""

from __future__ import annotations

import ast
import re
from typing import Iterable, Mapping

from pants_backend_zero.errors import nearest

Signatures = Mapping[str, str]
"""Abstract methods: their names and the lines that define them."""


def mistakes_in_logic(path: str, text: str, class_name: str, generated: str) -> list[str]:
    """What keeps the class from being the logic of a contract, whose generated module is given; all at once."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return _missing_class(path, class_name, re.findall(r"^class\s+(\w+)", text, re.MULTILINE))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    if class_name in _imported(tree) | _assigned(tree.body):
        return []
    if class_name not in classes:
        return _missing_class(path, class_name, classes)
    return _mistakes_in_class(path, classes[class_name], classes, _abstract_classes(generated))


def _missing_class(path: str, class_name: str, known: Iterable[str]) -> list[str]:
    known = list(known)
    if class_name in known:
        return []
    close = nearest(class_name, known)
    hint = f"\n  = hint: did you mean `{close}`?" if close else ""
    return [f"{path}: there is no class `{class_name}`{hint}"]


def _imported(tree: ast.Module) -> set[str]:
    return {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _abstract_classes(generated: str) -> dict[str, Signatures]:
    """The classes of a generated module that logic implements, with their methods."""
    return {
        node.name: {
            method.name: _signature(method)
            for method in node.body
            if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)) and _is_abstract(method)
        }
        for node in ast.parse(generated).body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "abc.ABC" for base in node.bases)
    }


def _is_abstract(method: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(decorator) == "abc.abstractmethod" for decorator in method.decorator_list)


def _signature(method: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """As logic writes it: what gives an iterator is an async generator there, abstract methods of which are plain."""
    returns = f" -> {ast.unparse(method.returns)}" if method.returns else ""
    return f"async def {method.name}({ast.unparse(method.args)}){returns}"


def _mistakes_in_class(
    path: str, logic: ast.ClassDef, classes: Mapping[str, ast.ClassDef], abstract: Mapping[str, Signatures]
) -> list[str]:
    place = f"{path}:{logic.lineno}:{logic.col_offset + 1}"
    defined: set[str] = set()
    wanted: dict[str, tuple[str, str]] = {}
    seen: set[str] = set()
    pending = [logic]
    while pending:
        node = pending.pop()
        seen.add(node.name)
        defined |= _names_of_body(node)
        for base in node.bases:
            name = ast.unparse(base).rpartition(".")[2]
            if name in abstract:
                wanted.update({method: (name, text) for method, text in abstract[name].items()})
            elif name not in classes:
                return []
            elif name not in seen:
                pending.append(classes[name])
    if not wanted:
        bases = " or ".join(f"`{name}`" for name in abstract)
        return [f"{place}: `{logic.name}` does not extend {bases}, which the contract's logic does"]
    return [
        f"{place}: `{logic.name}` does not implement `{method}` of `{base}`\n  = hint: add `{signature}`"
        for method, (base, signature) in wanted.items()
        if method not in defined
    ]


def _names_of_body(node: ast.ClassDef) -> set[str]:
    """What a class defines: methods, and names that are assigned."""
    methods = {
        child.name for child in node.body if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    return methods | _assigned(node.body)


def _assigned(body: Iterable[ast.stmt]) -> set[str]:
    """The names that statements give a value."""
    names: set[str] = set()
    for node in body:
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            names.add(node.target.id)
    return names
