"""Reads the contracts of a service and wires it from what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from zero_codegen import api, model, naming, rpc
from zero_codegen.diagnostics import ContractError, Diagnostic
from zero_codegen.service import keys
from zero_codegen.service.spec import Client as ClientContract
from zero_codegen.service.spec import Contract, Spec
from zero_codegen.service.wiring import Client, Jwt, JwtTransition, Model, Served, Wiring
from zero_codegen.source import ContractFile, read_contract

_OWN = frozenset(naming.snake(key) for server in keys.SERVERS.values() for key in server) | {
    naming.snake(keys.DATA_SOURCE),
    # What a context has besides, and the modules that its class and that of the configuration name.
    *("config", "database", "log", "logging", "model", "rest", "rpc"),
}


def wire(spec: Spec) -> Wiring:
    """The wiring of a service. Raises ContractError with the mistakes of all its contracts."""
    return _Wirer(spec).wiring()


class _Wirer:
    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._served: list[Served] = []
        self._jwts: list[Jwt] = []
        self._clients: list[Client] = []
        self._models: list[Model] = []
        self._schemas: list[str] = []
        self._attributes = dict.fromkeys(_OWN, "a part of every service")
        """The names that are taken, and by what."""
        self._diagnostics: list[Diagnostic] = []

    def wiring(self) -> Wiring:
        contracts = list(self._contracts())
        roots = sorted({*self._spec.source_roots, *(contract.source_root for contract, _ in contracts)})
        for contract, add in contracts:
            try:
                add(read_contract(contract.path, roots))
            except ContractError as error:
                self._diagnostics += error.diagnostics
        self._check_logic()
        if self._diagnostics:
            raise ContractError(self._diagnostics)
        (served,) = self._served
        return Wiring(
            self._spec,
            served,
            tuple(self._jwts),
            tuple(self._clients),
            tuple(self._models),
            tuple(self._schemas),
        )

    def _contracts(self) -> Iterator[tuple[Contract, Callable[[ContractFile], None]]]:
        """Each contract and what takes it in."""
        yield self._spec.serves, self._serve_api if self._spec.serves.kind == "api" else self._serve_rpc
        for client in self._spec.clients:
            yield client, partial(self._add_clients, client)
        for contract in self._spec.models:
            yield contract, self._add_models

    def _serve_api(self, file: ContractFile) -> None:
        described = api.describe(file)
        if not described.service:
            raise ContractError([file.diagnostic(0, 0, "declares no service that could be served")])
        self._served.append(Served("api", file.module("_api"), "routes", described.signature))
        for kind, names in (Jwt, described.jwts), (JwtTransition, described.transitions):
            for jwt in names:
                place = partial(jwt.file.diagnostic, jwt.line, jwt.column, length=len(jwt.name))
                self._claim(jwt.parameter, f"`{kind.setting}: {jwt.name}`", place)
                self._jwts.append(kind(jwt.name, jwt.parameter))

    def _serve_rpc(self, file: ContractFile) -> None:
        services = rpc.describe(file).services
        if not services:
            raise ContractError([file.diagnostic(0, 0, "declares no service that could be served")])
        self._served.append(Served("rpc", file.module("_rpc"), services[0].function))
        for other in services[1:]:
            message = f"a process serves one service for now, and the first here is `{services[0].name}`"
            hint = f"move `{other.name}` to a proto of its own"
            self._diagnostics.append(
                file.diagnostic(other.line, other.column, message, hint=hint, length=len(other.name))
            )

    def _add_clients(self, contract: ClientContract, file: ContractFile) -> None:
        services = rpc.describe(file).services
        if not services:
            raise ContractError([file.diagnostic(0, 0, "declares no service that could be called")])
        for service in services:
            attribute = f"{naming.snake(service.name)}_rpc"
            place = partial(file.diagnostic, service.line, service.column, length=len(service.name))
            self._claim(attribute, f"the client of `{service.full_name}` in `{file.path}`", place)
            self._clients.append(
                Client(attribute, file.module("_rpc"), service.client_class, contract.service, contract.port)
            )

    def _add_models(self, file: ContractFile) -> None:
        self._schemas.append(file.module("_model"))
        for table in model.describe(file).models:
            attribute = f"{naming.snake(table.table)}_model"
            place = partial(file.diagnostic, table.line, table.column, length=len(table.table))
            self._claim(attribute, f"the model of `{table.table}` in `{file.path}`", place)
            self._models.append(Model(attribute, file.module("_model"), table.model_class))

    def _claim(self, attribute: str, what: str, place: Callable[..., Diagnostic]) -> None:
        """Give the context an attribute, unless another has its name."""
        if taken_by := self._attributes.get(attribute):
            message = f"{what} would be `{attribute}` in the context, a name taken by {taken_by}"
            self._diagnostics.append(place(message))
        self._attributes[attribute] = what

    def _check_logic(self) -> None:
        """Logic stands in a module of its own, and the main module imports it beside generated classes."""
        logic = self._spec.logic
        generated = {"Config", "Context", *(part.class_name for part in (*self._clients, *self._models))}
        if logic.class_ in generated:
            message = f"`logic`: the class `{logic.class_}` has the name of a generated one"
            self._diagnostics.append(self._spec.diagnostic(message, hint="rename the class"))
        if logic.module in (self._spec.module("_service"), self._spec.module("_main")):
            message = f"`logic`: the module `{logic.module}` is generated"
            self._diagnostics.append(self._spec.diagnostic(message, hint="rename the file"))
