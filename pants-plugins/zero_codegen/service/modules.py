"""The Python modules of a service: `_service.py`, what its logic imports, and `_main.py`, which starts it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from zero_codegen.python import Bracketed, Piece, import_from, tuple_literal
from zero_codegen.service.wiring import Served, Wiring
from zero_codegen.templates import render

_OPENAPI = "openapi"
"""The function of a generated HTTP module that gives its OpenAPI document."""

_SCHEMA = "SCHEMA"
"""What the module of every SQL contract calls its schema."""

_CONFIGURATIONS = {"api": "RestConf", "rpc": "RpcServerConf", "job": "JobConf"}
"""What the configuration extends, by what is served."""

_RUNNERS = {"api": "service", "rpc": "service", "job": "job"}
"""The module of the runtime that starts it, and says what `wire` has to make."""


def modules(wiring: Wiring) -> dict[str, str]:
    """The modules, by path."""
    schemas = _schemas(wiring)
    return {
        wiring.spec.output("_service"): render(
            __file__,
            "service.py.jinja",
            wiring=wiring,
            spec=wiring.spec,
            imports=_service_imports(wiring),
            base=_CONFIGURATIONS[wiring.spec.kind],
        ),
        wiring.spec.output("_main"): render(
            __file__,
            "main.py.jinja",
            wiring=wiring,
            spec=wiring.spec,
            imports=_main_imports(wiring, schemas),
            runner=_RUNNERS[wiring.spec.kind],
            made=_made(wiring),
            resources=_resources(wiring),
            schemas=list(schemas.values()),
            checked=["database", *(f"context.{model.attribute}" for model in wiring.models)],
        ),
    }


def _resources(wiring: Wiring) -> Iterator[Bracketed]:
    """What the models stand on, opened."""
    if wiring.caches:
        workers = ("processes=config.workers",) if wiring.spec.kind == "api" else ()
        yield _opened(
            "cache", "open_cache", "config.cache", "config.redis", "source=config.data_source", *workers
        )
    if wiring.models:
        cache = ("cache=cache",) if wiring.caches else ()
        yield _opened("database", "open_database", "config.data_source", "config.database", *cache)


def _opened(variable: str, function: str, *arguments: str) -> Bracketed:
    call = Bracketed(f"model.{function}(", arguments, ")")
    return Bracketed(f"{variable} = await resources.enter_async_context(", (call,), ")")


def _made(wiring: Wiring) -> Bracketed:
    """What is run: the server, with what it serves bound to the logic; or the logic of a job."""
    if wiring.served is None:
        (logic,) = wiring.spec.logic
        return Bracketed(f"{logic.class_}(", ("context",), ")")
    bound = list(_bound(wiring, wiring.served))
    served: tuple[Piece, ...] = (tuple_literal(bound),)
    if wiring.served.kind == "api":
        served = (*bound, f"openapi={_OPENAPI}")
    return Bracketed(f"{wiring.server.rpartition('.')[2]}.Server(", ("config", *served), ")")


def _bound(wiring: Wiring, served: Served) -> Iterator[Bracketed]:
    """Each generated function that binds, called. Logic that several share is a variable."""
    verifiers = [f"{jwt.attribute}=context.{jwt.attribute}" for jwt in wiring.jwts]
    if served.signature:
        verifiers.append("signature=rest.Signature(config.signature)")
    for bind in served.binds:
        logic = "logic" if served.shared_logic else f"{bind.logic}(context)"
        yield Bracketed(f"{bind.function}(", (logic, *verifiers), ")")


def _service_imports(wiring: Wiring) -> list[str]:
    names = defaultdict(set, {"zero_runtime": {"config"}})
    for part in wiring.parts:
        names[part.module].add(part.class_name)
    if wiring.jwts:
        names["zero_runtime"].add("rest")
    if wiring.models:
        names["zero_runtime"].add("model")
    return _statements(names)


def _main_imports(wiring: Wiring, schemas: Mapping[str, str]) -> list[str]:
    spec = wiring.spec
    names = defaultdict(set, {"zero_runtime": {_RUNNERS[spec.kind]}})
    for logic in spec.logic:
        names[logic.module].add(logic.class_)
    names[spec.module("_service")] |= {"Config", "Context"}
    if served := wiring.served:
        names[served.module].update(bind.function for bind in served.binds)
        if served.kind == "api":
            names[served.module].add(_OPENAPI)
        if served.signature:
            names["zero_runtime"].add("rest")
        server_package, _, server_module = wiring.server.rpartition(".")
        names[server_package].add(server_module)
    if wiring.jwts:
        names["zero_runtime"].add("rest")
    for part in wiring.parts:
        names[part.module].add(part.class_name)
    if wiring.clients:
        names["zero_runtime"].add("rpc")
    if wiring.models:
        names["zero_runtime"].add("model")
    renamed = {module: schema for module, schema in schemas.items() if schema != _SCHEMA}
    for module in schemas.keys() - renamed:
        names[module].add(_SCHEMA)
    return _statements(names, renamed)


def _statements(
    names: Mapping[str, set[str]], schemas: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """Import statements in the order of isort; `schemas` are those under another name, which stand alone."""
    statements = []
    for module in sorted(names):
        if module in schemas:
            statements.append(f"from {module} import {_SCHEMA} as {schemas[module]}")
        statements.append(import_from(module, names[module]))
    return statements


def _schemas(wiring: Wiring) -> dict[str, str]:
    """What the main module calls the `SCHEMA` of each module that has one."""
    if len(wiring.schemas) == 1:
        return {wiring.schemas[0]: _SCHEMA}
    names: dict[str, str] = {}
    for module in wiring.schemas:
        name = f"{module.removesuffix('_model').replace('.', '_').upper()}_SCHEMA"
        while name in names.values():
            name += "_"
        names[module] = name
    return names
