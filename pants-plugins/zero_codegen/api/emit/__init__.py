"""From a checked contract to what it becomes: a Python module, an OpenAPI document, a TypeScript client."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set

from zero_codegen import templates
from zero_codegen.api.contract import Contract
from zero_codegen.api.emit.classes import classes_of
from zero_codegen.api.emit.methods import client_methods, logic_methods
from zero_codegen.api.emit.openapi import emit_openapi
from zero_codegen.api.emit.routes import routes_of
from zero_codegen.api.emit.typescript import emit_typescript
from zero_codegen.api.emit.wire import wire_of
from zero_codegen.python import import_from

__all__ = ["emit_module", "emit_openapi", "emit_typescript"]

_TYPING = ("Annotated", "Any", "Literal", "TypeAlias")

_NAME = re.compile(
    r'"""(?:\\.|[^\\])*?"""'  # strings, whose words are no names
    r'|"(?:\\.|[^"\\])*"'
    r"|'(?:\\.|[^'\\])*'"
    r"|(?<![.\w])([^\W\d]\w*)",  # not behind a dot
    re.DOTALL,
)


def emit_module(contract: Contract) -> str:
    """The text of `<stem>_api.py`: the types and, where there is a service, what serves and what calls it."""
    body = templates.render(__file__, "types.py.jinja", declared=classes_of(contract))
    if contract.service:
        body += _service(contract)
    return templates.render(
        __file__, "module.py.jinja", contract=contract, imports=_imports(contract, body), body=body
    )


def _service(contract: Contract) -> str:
    handlers, constants = wire_of(contract)
    return templates.render(
        __file__,
        "service.py.jinja",
        contract=contract,
        logic=list(logic_methods(handlers, contract)),
        constants=constants,
        routes=routes_of(handlers, contract),
        client=list(client_methods(handlers, contract)),
    )


def _imports(contract: Contract, body: str) -> list[list[str]]:
    """The statements that import what a text uses: of the standard library, then of others."""
    used = set(_NAME.findall(body))
    standard = [f"import {module}" for module in ("abc", "builtins") if module in used]
    standard += _from({"collections.abc": ("AsyncGenerator", "AsyncIterator"), "typing": _TYPING}, used)
    others = ["import msgspec"] if "msgspec" in used else []
    others += _from({**contract.imports, "zero_runtime": ("rest",)}, used)
    return [block for block in (standard, others) if block]


def _from(modules: Mapping[str, Sequence[str]], used: Set[str]) -> list[str]:
    wanted = {module: used & set(names) for module, names in sorted(modules.items())}
    return [import_from(module, names) for module, names in wanted.items() if names]
