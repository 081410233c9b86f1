"""The service graph, read off the build graph: who serves what, and who calls whom."""

from __future__ import annotations

import json
import os.path
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, DefaultDict

from pants.engine.addresses import Address, UnparsedAddressInputs
from pants.engine.collection import Collection
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import AllTargets, Target, Targets
from pants.source.source_root import SourceRoot, SourceRootRequest
from pants.util.frozendict import FrozenDict

from pants_backend_zero.api.target_types import API
from pants_backend_zero.contract_imports import ContractClosure, ContractClosureRequest
from pants_backend_zero.contracts import AllContracts, Contract, ContractKind
from pants_backend_zero.errors import ZeroError
from pants_backend_zero.model.target_types import MODEL
from pants_backend_zero.rpc.target_types import RPC
from pants_backend_zero.service.target_types import (
    ClientsField,
    ConfigField,
    CpuLimitField,
    CpuRequestField,
    EgressPortsField,
    EnvField,
    HttpServerField,
    ImageRepositoryField,
    LogicField,
    MaxReplicasField,
    MemoryField,
    MinReplicasField,
    ModelsField,
    NamespaceField,
    ObservabilityField,
    PortField,
    RpcServerField,
    ServesField,
)
from pants_backend_zero.subsystem import Zero

DEFAULT_PORTS = {API: 8888, RPC: 8080}
"""go-zero's."""

SERVER_FIELDS = {API: (HttpServerField, "uvicorn"), RPC: (RpcServerField, "http2")}
"""The field that says what serves a contract, and what does if it says nothing."""


@dataclass(frozen=True)
class Service:
    """A `zero_service` target and the source root of its folder."""

    target: Target
    source_root: str

    @property
    def name(self) -> str:
        return self.target.address.target_name

    @property
    def folder(self) -> str:
        return self.target.address.spec_path

    @property
    def modules(self) -> tuple[str, str]:
        """The generated modules: the types that logic imports, and the main module."""
        return self.module("_service"), self.module("_main")

    @property
    def outputs(self) -> tuple[str, str]:
        """The generated files, below the source root."""
        types, main = self.modules
        return f"{types.replace('.', '/')}.py", f"{main.replace('.', '/')}.py"

    def module(self, suffix: str) -> str:
        file = f"{self.name.replace('-', '_')}{suffix}.py"
        return self.module_of_file(os.path.join(self.folder, file))

    def module_of_file(self, path: str) -> str:
        """The module of a Python file of the repository that is below the same source root."""
        return os.path.splitext(os.path.relpath(path, self.source_root))[0].replace("/", ".")


class AllServices(Collection[Service]):
    pass


@rule(desc="Find all services")
async def find_all_services(all_targets: AllTargets) -> AllServices:
    targets = sorted(
        (target for target in all_targets if target.has_field(ServesField)),
        key=lambda target: target.address,
    )
    source_roots = await MultiGet(
        Get(SourceRoot, SourceRootRequest, SourceRootRequest.for_target(target)) for target in targets
    )
    return AllServices(
        Service(target, source_root.path) for target, source_root in zip(targets, source_roots)
    )


@dataclass(frozen=True)
class ServiceReferencesRequest:
    address: Address


@dataclass(frozen=True)
class ServiceReferences:
    """What the fields of one `zero_service` refer to. `server` is what serves its contract."""

    service: Service
    serves: Contract
    models: tuple[Contract, ...]
    clients: tuple[Contract, ...]
    server: str

    @property
    def contracts(self) -> tuple[Contract, ...]:
        return (self.serves, *self.models, *self.clients)

    @property
    def port(self) -> int:
        return self.service.target[PortField].value or DEFAULT_PORTS[self.serves.kind]


@rule
async def resolve_references(
    request: ServiceReferencesRequest, all_services: AllServices, all_contracts: AllContracts
) -> ServiceReferences:
    service = next(s for s in all_services if s.target.address == request.address)
    target = service.target
    # As `Targets`, which stand for what a `zero_apis` generates where it is named.
    served, models, clients = await MultiGet(
        Get(Targets, UnparsedAddressInputs, target[ServesField].to_unparsed_address_inputs()),
        Get(Targets, UnparsedAddressInputs, target[ModelsField].to_unparsed_address_inputs()),
        Get(Targets, UnparsedAddressInputs, target[ClientsField].to_unparsed_address_inputs()),
    )
    serves = _contracts(all_contracts, target, ServesField.alias, served, (API, RPC))
    if len(serves) != 1:
        addresses = ", ".join(str(contract.target.address) for contract in serves)
        raise ZeroError(
            f"The `{ServesField.alias}` field of {target.address} names several contracts: {addresses}. A service "
            "serves one: name that."
        )
    return ServiceReferences(
        service,
        serves[0],
        _contracts(all_contracts, target, ModelsField.alias, models, (MODEL,)),
        _contracts(all_contracts, target, ClientsField.alias, clients, (RPC,)),
        _server(target, serves[0]),
    )


def _contracts(
    all_contracts: AllContracts,
    service: Target,
    field: str,
    targets: Targets,
    kinds: tuple[ContractKind, ...],
) -> tuple[Contract, ...]:
    for target in targets:
        contract = all_contracts.by_address.get(target.address)
        if contract is None or contract.kind not in kinds:
            wanted = " or ".join(f"`zero_{kind.name}`" for kind in kinds)
            raise ZeroError(
                f"The `{field}` field of {service.address} takes {wanted} targets, but {target.address} is a "
                f"`{target.alias}`."
            )
    return tuple(all_contracts.by_address[target.address] for target in targets)


def _server(service: Target, serves: Contract) -> str:
    """What the service is served by. A field for another kind of contract than it serves is a mistake."""
    for kind, (field, _) in SERVER_FIELDS.items():
        if kind != serves.kind and service[field].value is not None:
            raise ZeroError(
                f"The `{field.alias}` field of {service.address} is for services that serve a `zero_{kind.name}`, and "
                f"this one serves {serves.target.address}, a `{serves.target.alias}`. Remove the field."
            )
    field, default = SERVER_FIELDS[serves.kind]
    return service[field].value or default


@dataclass(frozen=True)
class ServiceGraph:
    """Of each contract: the services that serve it, and those that call it."""

    servers: FrozenDict[Address, tuple[ServiceReferences, ...]]
    callers: FrozenDict[Address, tuple[Service, ...]]


@rule(desc="Read the service graph off the build graph")
async def read_service_graph(all_services: AllServices) -> ServiceGraph:
    everything = await MultiGet(
        Get(ServiceReferences, ServiceReferencesRequest(service.target.address)) for service in all_services
    )
    by_name: dict[str, ServiceReferences] = {}
    servers: DefaultDict[Address, list[ServiceReferences]] = defaultdict(list)
    callers: DefaultDict[Address, list[Service]] = defaultdict(list)
    for references in everything:
        name = references.service.name
        twin = by_name.setdefault(name, references)
        if twin is not references:
            raise ZeroError(
                f"Two services are called `{name}`: {twin.service.target.address} and "
                f"{references.service.target.address}. The name is the service's name in the whole fleet (image, "
                "Kubernetes objects, discovery), so rename one of the targets."
            )
        servers[references.serves.target.address].append(references)
        for client in references.clients:
            callers[client.target.address].append(references.service)
    return ServiceGraph(
        FrozenDict({address: tuple(group) for address, group in servers.items()}),
        FrozenDict({address: tuple(group) for address, group in callers.items()}),
    )


@dataclass(frozen=True)
class ServiceSpecRequest:
    address: Address


@dataclass(frozen=True)
class ServiceSpec:
    """A service as the generator takes it (`zero_codegen.service.spec`), with what the backend itself needs of it."""

    references: ServiceReferences
    contracts: tuple[str, ...]
    """The files of its contracts and of all that these import."""
    json: bytes
    image_repository: str


@rule
async def describe_service(request: ServiceSpecRequest, graph: ServiceGraph, zero: Zero) -> ServiceSpec:
    references = await Get(ServiceReferences, ServiceReferencesRequest(request.address))
    service, target = references.service, references.service.target
    addresses = tuple(contract.target.address for contract in references.contracts)
    closure = await Get(ContractClosure, ContractClosureRequest(addresses))
    repository = target[ImageRepositoryField].value or "/".join(
        filter(None, (zero.image_registry, service.name))
    )
    spec = {
        "name": service.name,
        "address": str(target.address),
        "directory": service.folder,
        "source_root": service.source_root,
        "source_roots": sorted({contract.source_root for contract in closure.contracts}),
        "serves": {"kind": references.serves.kind.name, **_located(references.serves)},
        "logic": [
            {"service": logic.service, "module": service.module_of_file(logic.path), "class": logic.name}
            for logic in target[LogicField].classes
        ],
        SERVER_FIELDS[references.serves.kind][0].alias: references.server,
        "models": [{**_located(model), "settings": model.settings} for model in references.models],
        "clients": [{**_located(client), **_serving(client, graph, target)} for client in references.clients],
        "callers": [_placed(caller) for caller in graph.callers.get(references.serves.target.address, ())],
        "port": references.port,
        "replicas": {
            "min": target[MinReplicasField].value,
            "max": target[MaxReplicasField].value,
        },
        "resources": {
            "cpu_request": target[CpuRequestField].value,
            "cpu_limit": target[CpuLimitField].value,
            "memory": target[MemoryField].value,
        },
        "env": target[EnvField].value or {},
        "config": _merged(target[ObservabilityField].value, target[ConfigField].value),
        "egress_ports": target[EgressPortsField].value or (),
        "namespace": target[NamespaceField].value,
        "image_repository": repository,
    }
    paths = sorted({contract.path for contract in closure.contracts})
    return ServiceSpec(
        references, tuple(paths), json.dumps(spec, sort_keys=True, default=dict).encode(), repository
    )


def _located(contract: Contract) -> dict[str, str]:
    return {"path": contract.path, "source_root": contract.source_root}


def _serving(client: Contract, graph: ServiceGraph, caller: Target) -> dict[str, Any]:
    """The one service that serves a contract, or none where it is served outside this repository."""
    servers = graph.servers.get(client.target.address, ())
    if len(servers) > 1:
        names = ", ".join(str(server.service.target.address) for server in servers)
        raise ZeroError(
            f"{caller.address} calls the contract {client.target.address}, which several services serve: {names}. "
            "Zero cannot tell which one is meant: serve it by one of them."
        )
    if not servers:
        return {"service": None, "port": None, "namespace": None}
    return {**_placed(servers[0].service), "port": servers[0].port}


def _placed(service: Service) -> dict[str, Any]:
    """A service as others find it in Kubernetes."""
    return {"service": service.name, "namespace": service.target[NamespaceField].value}


def _merged(base: Any, over: Any) -> Any:
    """`over` on top of `base`, dictionary by dictionary, as plain JSON values."""
    if isinstance(base, FrozenDict) and isinstance(over, FrozenDict):
        keys = [*base, *(key for key in over if key not in base)]
        return {key: _merged(base.get(key), over.get(key, base.get(key))) for key in keys}
    if isinstance(over, FrozenDict):
        return {key: _merged(None, value) for key, value in over.items()}
    return over


def rules():
    return collect_rules()
