"""Reads the contracts of a service and wires it from what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from zero_codegen import api, model, naming, rpc
from zero_codegen.diagnostics import ContractError, Diagnostic, did_you_mean
from zero_codegen.service import keys
from zero_codegen.service.spec import Client as ClientContract
from zero_codegen.service.spec import Contract, Spec
from zero_codegen.service.spec import Model as ModelContract
from zero_codegen.service.wiring import Bind, Client, Jwt, JwtTransition, Model, Served, Wiring
from zero_codegen.source import ContractFile, read_contract

_OWN = frozenset(
    {naming.snake(keys.DATA_SOURCE), "cache", "config", "database", "log", "logging", "model", "rest", "rpc"}
)
"""What every context has besides, and the modules that its class and that of the configuration name."""


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
        self._references: dict[str, Diagnostic] = {}
        """Tables of other contracts that those of the service refer to; what is told if one is not there."""
        self._tables: set[str] = set()
        own = _OWN | {naming.snake(key) for key in keys.SERVERS[spec.kind]}
        self._attributes = dict.fromkeys(own, "a part of every service")
        """The names that are taken, and by what."""
        self._declared: dict[str, str] = {}
        """The proto of each name of protobuf."""
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
        if not self._diagnostics:
            missing = sorted(self._references.keys() - self._tables)
            self._diagnostics += [self._references[table] for table in missing]
        if self._diagnostics:
            raise ContractError(self._diagnostics)
        return Wiring(
            self._spec,
            self._served[0] if self._served else None,
            tuple(self._jwts),
            tuple(self._clients),
            tuple(self._models),
            tuple(self._schemas),
        )

    def _contracts(self) -> Iterator[tuple[Contract, Callable[[ContractFile], None]]]:
        """Each contract and what takes it in."""
        if serves := self._spec.serves:
            yield serves, self._serve_api if serves.kind == "api" else self._serve_rpc
        for client in self._spec.clients:
            yield client, partial(self._add_clients, client)
        for contract in self._spec.models:
            yield contract, partial(self._add_models, contract)

    def _serve_api(self, file: ContractFile) -> None:
        described = api.describe(file)
        if not described.service:
            raise ContractError([file.diagnostic(0, 0, "declares no service that could be served")])
        if any(logic.service is not None for logic in self._spec.logic):
            message = f"`logic`: `{file.path}` is no proto: one class serves all of it"
            hint = 'name that class alone, like `logic="logic.py:ShopLogic"`'
            raise ContractError([self._spec.diagnostic(message, hint=hint)])
        binds = tuple(Bind("routes", logic.class_) for logic in self._spec.logic)
        self._served.append(Served("api", file.module("_api"), binds, described.signature))
        for kind, names in (Jwt, described.jwts), (JwtTransition, described.transitions):
            for jwt in names:
                place = partial(jwt.file.diagnostic, jwt.line, jwt.column, length=len(jwt.name))
                self._claim(jwt.parameter, f"`{kind.setting}: {jwt.name}`", place)
                self._jwts.append(kind(jwt.name, jwt.parameter))

    def _serve_rpc(self, file: ContractFile) -> None:
        services = self._services(file)
        if not services:
            raise ContractError([file.diagnostic(0, 0, "declares no service that could be served")])
        logic = self._logic_of(file, services)
        binds = (Bind(service.function, logic[service.name]) for service in services if service.name in logic)
        self._served.append(Served("rpc", file.module("_rpc"), tuple(binds)))

    def _logic_of(self, file: ContractFile, services: Sequence[rpc.Service]) -> dict[str, str]:
        """The class of logic of each service of a proto."""
        logic = {logic.service: logic.class_ for logic in self._spec.logic}
        if shared := logic.get(None):
            self._check_methods(file, services)
            return {service.name: shared for service in services}
        named = {name: class_name for name, class_name in logic.items() if name is not None}
        known = [service.name for service in services]
        for name in named:
            if name not in known:
                message = f"`logic`: `{file.path}` has no service `{name}`"
                listed = ", ".join(f"`{each}`" for each in known)
                hint = did_you_mean(name, known) or f"its services: {listed}"
                self._diagnostics.append(self._spec.diagnostic(message, hint=hint))
        for name in known:
            if name not in named:
                message = f"`logic`: the service `{name}` of `{file.path}` has no class"
                self._diagnostics.append(self._spec.diagnostic(message, hint=f"add `{_example(name)}`"))
        return named

    def _check_methods(self, file: ContractFile, services: Sequence[rpc.Service]) -> None:
        """One class has one method of a name."""
        each = ", ".join(_example(service.name) for service in services)
        methods: dict[str, str] = {}
        for service in services:
            for method in service.methods:
                own = f"{service.name}.{method.name}"
                twin = methods.setdefault(method.python_name, own)
                if twin != own:
                    self._diagnostics.append(
                        file.diagnostic(
                            method.line,
                            method.column,
                            f"`{twin}` and `{own}` would be one method `{method.python_name}` of the logic, "
                            "which serves all services of the proto",
                            hint=f"rename one, or give each service a class: `logic={{{each}}}`",
                            length=len(method.name),
                        )
                    )

    def _add_clients(self, contract: ClientContract, file: ContractFile) -> None:
        services = self._services(file)
        if not services:
            raise ContractError([file.diagnostic(0, 0, "declares no service that could be called")])
        for service in services:
            attribute = service.attribute
            place = partial(file.diagnostic, service.line, service.column, length=len(service.name))
            self._claim(attribute, f"the client of `{service.full_name}` in `{file.path}`", place)
            where = (contract.service, contract.port, self._spec.elsewhere(contract.namespace))
            self._clients.append(Client(attribute, file.module("_rpc"), service.client_class, *where))

    def _services(self, file: ContractFile) -> tuple[rpc.Service, ...]:
        """The services of a proto, which has to go with the others: protobuf takes each name once."""
        described = rpc.describe(file)
        clashes: dict[str, str] = {}
        for name, declared_by in described.declared.items():
            twin = self._declared.setdefault(name, declared_by)
            if twin != declared_by:
                clashes.setdefault(declared_by, name)
        for declared_by, name in clashes.items():
            both = f"`{self._declared[name]}` and by `{declared_by}`"
            message = f"`{name}` is declared by {both}: no process takes both"
            hint = "give one of the two files a package of its own"
            self._diagnostics.append(self._spec.diagnostic(message, hint=hint))
        return described.services

    def _add_models(self, contract: ModelContract, file: ContractFile) -> None:
        self._schemas.append(file.module("_model"))
        for table in model.describe(file, contract.settings).models:
            attribute = f"{naming.snake(table.table)}_model"
            place = partial(file.diagnostic, table.line, table.column, length=len(table.table))
            self._claim(attribute, f"the model of `{table.table}` in `{file.path}`", place)
            self._models.append(Model(attribute, file.module("_model"), table.model_class, table.cached))
            self._tables.add(table.table)
            for other in table.references:
                missing = file.diagnostic(
                    other.line,
                    other.column,
                    f"`{table.table}` refers to `{other.table}`, a table that no contract "
                    "in `models` of the service declares",
                    hint=f"add the contract of `{other.table}` to `models` of {self._spec.address}",
                    length=len(other.table),
                )
                self._references.setdefault(other.table, missing)

    def _claim(self, attribute: str, what: str, place: Callable[..., Diagnostic]) -> None:
        """Give the context an attribute, unless another has its name."""
        if taken_by := self._attributes.get(attribute):
            message = f"{what} would be `{attribute}` in the context, a name taken by {taken_by}"
            self._diagnostics.append(place(message))
        self._attributes[attribute] = what

    def _check_logic(self) -> None:
        """Logic stands in modules of its own, and the main module imports it beside generated classes."""
        if self._spec.serves is None and any(logic.service is not None for logic in self._spec.logic):
            hint = 'name that class alone, like `logic="sweep.py:Sweep"`'
            message = "`logic`: a job serves no proto: it is one class"
            self._diagnostics.append(self._spec.diagnostic(message, hint=hint))
        parts = (*self._clients, *self._models)
        names = ("Config", "Context", *(part.class_name for part in parts))
        classes = dict.fromkeys(names, "a generated one")
        generated = {self._spec.module("_service"), self._spec.module("_main")}
        generated |= {served.module for served in self._served} | {part.module for part in parts}
        for logic in self._spec.logic:
            if taken_by := classes.get(logic.class_):
                message = f"`logic`: the class `{logic.class_}` has the name of {taken_by}"
                self._diagnostics.append(self._spec.diagnostic(message, hint="rename the class"))
            classes[logic.class_] = f"that in `{logic.module}`"
            if logic.module in generated:
                message = f"`logic`: the module `{logic.module}` is generated"
                self._diagnostics.append(self._spec.diagnostic(message, hint="rename the file"))


def _example(service: str) -> str:
    """How the field `logic` names the class of a service."""
    return f'"{service}": "{naming.snake(service)}.py:{naming.pascal(service)}Logic"'
