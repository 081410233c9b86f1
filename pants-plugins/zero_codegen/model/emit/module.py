"""The `_model.py` of a contract."""

from __future__ import annotations

import re
import sys
from collections.abc import Container, Iterable, Iterator

from zero_codegen.model.emit.literals import literal, literals
from zero_codegen.model.emit.table import TableView
from zero_codegen.model.queries.emit import View
from zero_codegen.model.schema import Contract, EnumClass
from zero_codegen.model.types import Enum
from zero_codegen.python import import_from, layout, string
from zero_codegen.templates import render

_MODULES = {"dt": "datetime as dt", "decimal": "decimal", "enum": "enum", "uuid": "uuid"}
"""Modules that annotations and expressions of generated code name, with how they are imported."""

_ALWAYS = (
    ("collections.abc", "Iterable"),
    ("typing", "ClassVar"),
    ("typing", "Final"),
    ("zero_runtime", "model"),
)
_STREAM = (("contextlib", "AbstractAsyncContextManager"), ("collections.abc", "AsyncIterator"))
"""What a repository with a statement that streams its rows names."""


def source(name: str, contract: Contract) -> str:
    """The Python source of the rows, the repositories and the schema of a contract called `name`."""
    views = [TableView(contract, table) for table in contract.tables]
    queries = View(contract)
    used = {*queries.used, *(text for view in views for text in view.used())}
    if contract.enums:
        used.add("enum.StrEnum")
    named = {word for text in used for word in re.findall(r"\b(\w+)\.", text)}
    standard, others = _imports(views, queries, used)
    return render(
        __file__,
        "model.py.jinja",
        name=name,
        modules=[module for word, module in _MODULES.items() if word in named],
        standard=standard,
        others=others,
        enums=[
            (enum, ", ".join(f"``{place}``" for place in _places(contract, enum))) for enum in contract.enums
        ],
        views=views,
        queries=queries,
        string=string,
        literal=literal,
        literals=literals,
        layout=layout,
    )


def _places(contract: Contract, enum: EnumClass) -> Iterator[str]:
    """The columns that hold its values."""
    for table in contract.tables:
        for column in table.columns:
            type_ = column.type.stored
            if isinstance(type_, Enum) and type_.class_name == enum.name:
                yield f"{table.name}.{column.name}"


def _imports(views: Iterable[TableView], queries: View, used: Container[str]) -> tuple[list[str], list[str]]:
    """What is imported of modules, the standard library's and other ones, in the order of isort."""
    columns = [column for view in views for column in view.table.columns]
    found = {
        *(source for column in columns for source in column.type.imports),
        *queries.imports,
        *((module, name) for module, name in _STREAM if name in used),
        *_ALWAYS,
    }
    modules: dict[str, set[str]] = {}
    for module, name in found:
        modules.setdefault(module, set()).add(name)
    standard: list[str] = []
    others: list[str] = []
    for module in sorted(modules):
        is_standard = module.partition(".")[0] in sys.stdlib_module_names
        (standard if is_standard else others).append(import_from(module, modules[module]))
    return standard, others
