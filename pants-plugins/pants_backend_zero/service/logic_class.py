"""Whether a class of logic implements its contract, or is that of a job, as far as its text tells.

A handler that is new in a contract and missing in the logic would else be found when the service starts. Nothing is
imported or run. What a class inherits from another module cannot be seen here, and neither can a file in syntax newer
than the Python that runs Pants: about these nothing is claimed.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Callable, Iterable, Iterator, Mapping, Optional, Sequence, Tuple, Union

from pants_backend_zero.errors import nearest

Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]

Signatures = Mapping[str, "Signature"]
"""Abstract methods by their names."""


@dataclass(frozen=True)
class Signature:
    """An abstract method: the line that defines it in logic, its return annotation, and whether it gives a stream.

    A stream is what an async generator gives, so its abstract method is a plain `def` that returns an iterator.
    """

    text: str
    returns: str
    streams: bool


_Check = Callable[[ast.ClassDef, Mapping[str, ast.ClassDef]], "list[str]"]
"""Given a class, and all classes of its file by their names."""

_RUN = Signature("async def run(self) -> None", "None", streams=False)


def mistakes_in_logic(
    path: str, text: str, class_name: str, generated: str, service: str | None = None
) -> list[str]:
    """What keeps the class from being the logic of a contract, whose generated module is given; all at once.

    `service` is the one of the proto that it serves; without, it serves all of the contract. About one that the
    proto does not have, the generator tells.
    """
    contract = ast.parse(generated)
    abstract = _abstract_classes(contract)
    wanted = list(abstract) if service is None else _bases_of(service, contract)
    return _mistakes(
        path,
        text,
        class_name,
        lambda logic, classes: _mistakes_in_class(path, logic, classes, abstract, wanted),
    )


def mistakes_in_job(path: str, text: str, class_name: str) -> list[str]:
    """What keeps the class from being the logic of a job; all at once."""
    return _mistakes(
        path, text, class_name, lambda logic, classes: list(_mistakes_in_run(path, logic, classes))
    )


def _mistakes(path: str, text: str, class_name: str, check: _Check) -> list[str]:
    """What `check` finds in the class, if that is defined in this text."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return _missing_class(path, class_name, re.findall(r"^class\s+(\w+)", text, re.MULTILINE))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    if class_name in _imported(tree) | _assigned(tree.body):
        return []
    if class_name not in classes:
        return _missing_class(path, class_name, classes)
    return check(classes[class_name], classes)


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


def _abstract_classes(contract: ast.Module) -> dict[str, Signatures]:
    """The classes of a generated module that logic implements, with their methods."""
    return {
        node.name: {
            method.name: _signature(method)
            for method in node.body
            if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)) and _is_abstract(method)
        }
        for node in contract.body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "abc.ABC" for base in node.bases)
    }


def _bases_of(service: str, contract: ast.Module) -> list[str]:
    """What the logic of a proto's service extends: what the function takes that binds it. Nothing if there is none."""
    return [
        ast.unparse(function.args.args[0].annotation)
        for function in contract.body
        if isinstance(function, ast.FunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "rpc.Service"
        if call.args[0].value.rpartition(".")[2] == service
    ]


def _is_abstract(method: Function) -> bool:
    return any(ast.unparse(decorator) == "abc.abstractmethod" for decorator in method.decorator_list)


def _signature(method: Function) -> Signature:
    returns = ast.unparse(method.returns) if method.returns else ""
    arrow = f" -> {returns}" if returns else ""
    text = f"async def {method.name}({ast.unparse(method.args)}){arrow}"
    return Signature(text, returns, streams=isinstance(method, ast.FunctionDef))


def _mistakes_in_class(
    path: str,
    logic: ast.ClassDef,
    classes: Mapping[str, ast.ClassDef],
    abstract: Mapping[str, Signatures],
    wanted: Sequence[str],
) -> list[str]:
    """A proto has an abstract class for each of its services; `wanted` are those that the class implements."""
    place = f"{path}:{logic.lineno}:{logic.col_offset + 1}"
    found = _definitions(logic, classes, abstract)
    if found is None:
        return []
    defined, extended = found
    mistakes = []
    for base in wanted:
        if base not in extended:
            mistakes.append(
                f"{place}: `{logic.name}` does not extend `{base}`, which the contract's logic does"
                f"\n  = hint: write `class {logic.name}({', '.join(wanted)})`"
            )
            continue
        for name, signature in abstract[base].items():
            if name not in defined:
                mistakes.append(
                    f"{place}: `{logic.name}` does not implement `{name}` of `{base}`\n  = hint: add `{signature.text}`"
                )
            else:
                mistakes += _mistakes_in_method(path, signature, defined[name])
    return mistakes


def _mistakes_in_run(path: str, logic: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> Iterator[str]:
    found = _definitions(logic, classes, ())
    if found is None:
        return
    defined, _ = found
    if "run" not in defined:
        place = f"{path}:{logic.lineno}:{logic.col_offset + 1}"
        yield f"{place}: `{logic.name}` has no `run`, which is what a job does\n  = hint: add `{_RUN.text}`"
        return
    run = defined["run"]
    yield from _mistakes_in_method(path, _RUN, run)
    if run is not None and _required(run.args) > 1:
        place = f"{path}:{run.lineno}:{run.col_offset + 1}"
        yield (
            f"{place}: `run` is called without arguments"
            "\n  = hint: the context comes with `def __init__(self, context: Context) -> None`"
        )


def _required(arguments: ast.arguments) -> int:
    """How many arguments have no default."""
    positional = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return positional + arguments.kw_defaults.count(None)


def _definitions(
    logic: ast.ClassDef, classes: Mapping[str, ast.ClassDef], abstract: Iterable[str]
) -> Optional[Tuple[dict[str, Function | None], set[str]]]:
    """What a class and its bases define, and the abstract classes that they extend. None where a base is from
    elsewhere."""
    defined: dict[str, Function | None] = {}
    extended: set[str] = set()
    seen: set[str] = set()
    pending = [logic]
    while pending:
        node = pending.pop(0)
        seen.add(node.name)
        for name, method in _names_of_body(node).items():
            defined.setdefault(name, method)
        for base in node.bases:
            name = ast.unparse(base).rpartition(".")[2]
            if name in abstract:
                extended.add(name)
            elif name not in classes:
                return None
            elif name not in seen:
                pending.append(classes[name])
    return defined, extended


def _mistakes_in_method(path: str, signature: Signature, method: Function | None) -> Iterator[str]:
    """A stream is given by an async generator or an iterator, a single answer by neither.

    A plain `def` may return an iterator or an awaitable. About that nothing is claimed, unless it is a generator, or
    its annotation says that it returns the answer itself.
    """
    if method is None:
        return
    place = f"{path}:{method.lineno}:{method.col_offset + 1}: `{method.name}`"
    asynchronous, yields = isinstance(method, ast.AsyncFunctionDef), _yields(method)
    if signature.streams:
        if yields and not asynchronous:
            yield f"{place} yields, but is not async\n  = hint: write `{signature.text}`"
        elif asynchronous and not yields:
            yield (
                f"{place} gives a stream, but never yields"
                "\n  = hint: `yield` each message, or make it a plain `def` that returns an async iterator"
            )
    elif yields:
        yield f"{place} gives one answer, but yields\n  = hint: `return` it, as in `{signature.text}`"
    elif not asynchronous and method.returns and ast.unparse(method.returns) == signature.returns:
        yield f"{place} is not async\n  = hint: write `{signature.text}`"


def _yields(method: Function) -> bool:
    """Whether it is a generator: has a `yield` of its own, outside of the functions and classes within it."""
    pending: list[ast.AST] = list(method.body)
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            pending.extend(ast.iter_child_nodes(node))
    return False


def _names_of_body(node: ast.ClassDef) -> dict[str, Function | None]:
    """What a class defines: methods, and names that are assigned. A decorator may make anything of a method."""
    methods = {
        child.name: None if child.decorator_list else child
        for child in node.body
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    return {**methods, **dict.fromkeys(_assigned(node.body))}


def _assigned(body: Iterable[ast.stmt]) -> set[str]:
    """The names that statements give a value."""
    names: set[str] = set()
    for node in body:
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            names.add(node.target.id)
    return names
