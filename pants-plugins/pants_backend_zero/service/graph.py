"""The service graph, read off the build graph: who serves what, and who calls whom."""

from __future__ import annotations

import json
import os.path
from collections import defaultdict
from dataclasses import dataclass
from typing import DefaultDict, Optional

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
from pants_backend_zero.service.description import SERVER_FIELDS, Description, image_repository
from pants_backend_zero.service.environments import EnvironmentsField, value_in
from pants_backend_zero.service.job_fields import ONLY_OF_JOBS, ScheduleField
from pants_backend_zero.service.target_types import ClientsField, ModelsField, PortField, ServesField
from pants_backend_zero.subsystem import Zero

DEFAULT_PORTS = {API: 8888, RPC: 8080}
"""go-zero's."""


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
    serves: Optional[Contract]
    """None for a job."""
    models: tuple[Contract, ...]
    clients: tuple[Contract, ...]
    server: Optional[str]

    @property
    def contracts(self) -> tuple[Contract, ...]:
        return (*filter(None, (self.serves,)), *self.models, *self.clients)

    @property
    def port(self) -> Optional[int]:
        if self.serves is None:
            return None
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
    serves = _served(target, _contracts(all_contracts, target, ServesField.alias, served, (API, RPC)))
    _check_job(target)
    return ServiceReferences(
        service,
        serves,
        _contracts(all_contracts, target, ModelsField.alias, models, (MODEL,)),
        _contracts(all_contracts, target, ClientsField.alias, clients, (RPC,)),
        _server(target, serves),
    )


def _served(service: Target, contracts: tuple[Contract, ...]) -> Optional[Contract]:
    """The contract that a service serves: just one, or, if it has a schedule, none."""
    schedule = service[ScheduleField].value
    if schedule is not None and contracts:
        raise ZeroError(
            f"{service.address} has a `{ScheduleField.alias}` and serves {contracts[0].target.address}. A job runs and "
            f"ends: remove `{ServesField.alias}`, or make the job a target of its own."
        )
    if schedule is None and not contracts:
        raise ZeroError(
            f"{service.address} serves nothing. Name its contract in the `{ServesField.alias}` field, or say with "
            f"`{ScheduleField.alias}` when it runs."
        )
    if len(contracts) > 1:
        addresses = ", ".join(str(contract.target.address) for contract in contracts)
        raise ZeroError(
            f"The `{ServesField.alias}` field of {service.address} names several contracts: {addresses}. A service "
            "serves one: name that."
        )
    return contracts[0] if contracts else None


def _check_job(service: Target) -> None:
    """Refuse fields that would say nothing: those of jobs on a service, a port on a job."""
    environments = service[EnvironmentsField].value
    is_job = service[ScheduleField].value is not None
    found = [
        f"`{field.alias}`"
        for field in ((PortField,) if is_job else ONLY_OF_JOBS)
        if any(value_in(there, service, field) is not None for there in (None, *environments))
    ]
    if found:
        why = (
            "is a job, which listens on none"
            if is_job
            else f"is no job: it has no `{ScheduleField.alias}` itself"
        )
        raise ZeroError(
            f"{service.address} has {', '.join(found)} and {why}. Remove {'it' if len(found) == 1 else 'them'}."
        )
    for name in environments:
        if is_job and value_in(name, service, ScheduleField) is None:
            raise ZeroError(
                f"The `{EnvironmentsField.alias}` field of {service.address} takes its `{ScheduleField.alias}` away "
                f"for {name!r}, but a job has one everywhere. Leave it as it is, or write another."
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


def _server(service: Target, serves: Optional[Contract]) -> Optional[str]:
    """What the service is served by. A field for another kind of contract than it serves is a mistake."""
    for kind, (field, _) in SERVER_FIELDS.items():
        if (serves is None or kind != serves.kind) and service[field].value is not None:
            what = (
                f"serves {serves.target.address}, a `{serves.target.alias}`" if serves else "serves nothing"
            )
            raise ZeroError(
                f"The `{field.alias}` field of {service.address} is for services that serve a `zero_{kind.name}`, and "
                f"this one {what}. Remove the field."
            )
    if serves is None:
        return None
    field, default = SERVER_FIELDS[serves.kind]
    return service[field].value or default


@dataclass(frozen=True)
class ServiceGraph:
    """Of each contract: the services that serve it, those that call it, and those that keep its tables.

    Jobs keep no tables: they work on those of services.
    """

    servers: FrozenDict[Address, tuple[ServiceReferences, ...]]
    callers: FrozenDict[Address, tuple[Service, ...]]
    keepers: FrozenDict[Address, tuple[Service, ...]]


@rule(desc="Read the service graph off the build graph")
async def read_service_graph(all_services: AllServices) -> ServiceGraph:
    everything = await MultiGet(
        Get(ServiceReferences, ServiceReferencesRequest(service.target.address)) for service in all_services
    )
    by_name: dict[str, ServiceReferences] = {}
    servers: DefaultDict[Address, list[ServiceReferences]] = defaultdict(list)
    callers: DefaultDict[Address, list[Service]] = defaultdict(list)
    keepers: DefaultDict[Address, list[Service]] = defaultdict(list)
    for references in everything:
        name = references.service.name
        twin = by_name.setdefault(name, references)
        if twin is not references:
            raise ZeroError(
                f"Two services are called `{name}`: {twin.service.target.address} and "
                f"{references.service.target.address}. The name is the service's name in the whole fleet (image, "
                "Kubernetes objects, discovery), so rename one of the targets."
            )
        if references.serves is not None:
            servers[references.serves.target.address].append(references)
            for model in references.models:
                keepers[model.target.address].append(references.service)
        for client in references.clients:
            callers[client.target.address].append(references.service)
    return ServiceGraph(
        *(
            FrozenDict({address: tuple(group) for address, group in of_contracts.items()})
            for of_contracts in (servers, callers, keepers)
        )
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
    addresses = tuple(contract.target.address for contract in references.contracts)
    closure = await Get(ContractClosure, ContractClosureRequest(addresses))
    source_roots = sorted({contract.source_root for contract in closure.contracts})
    describe = Description(references, graph, zero, source_roots)
    spec = describe.spec(None)
    environments = references.service.target[EnvironmentsField].value
    spec["environments"] = {name: describe.spec(name) for name in environments}
    paths = sorted({contract.path for contract in closure.contracts})
    return ServiceSpec(
        references,
        tuple(paths),
        json.dumps(spec, sort_keys=True, default=dict).encode(),
        image_repository(references.service.target, None, zero),
    )


def rules():
    return collect_rules()
