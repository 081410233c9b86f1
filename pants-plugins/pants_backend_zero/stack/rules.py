"""Which services a stack has, and packaging it."""

from __future__ import annotations

import json
import os.path
from dataclasses import dataclass

from pants.core.goals.package import (
    BuiltPackage,
    BuiltPackageArtifact,
    OutputPathField,
    PackageFieldSet,
)
from pants.engine.addresses import Address, UnparsedAddressInputs
from pants.engine.fs import AddPrefix, CreateDigest, Digest, FileContent, PathGlobs, Snapshot
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import (
    FieldSet,
    InferDependenciesRequest,
    InferredDependencies,
    Targets,
)
from pants.engine.unions import UnionRule

from pants_backend_zero.errors import ContractErrors, ZeroError
from pants_backend_zero.service.graph import (
    AllServices,
    Service,
    ServiceGraph,
    ServiceReferences,
    ServiceReferencesRequest,
    ServiceSpec,
    ServiceSpecRequest,
)
from pants_backend_zero.stack.target_types import (
    StackDatabaseField,
    StackDependenciesField,
    StackImagesField,
    StackServicesField,
)
from pants_backend_zero.tools import GeneratorRequest, GeneratorResult

STACK = "__stack.json"
SPECS = "__specs"


@dataclass(frozen=True)
class StackServicesRequest:
    field: StackServicesField


@dataclass(frozen=True)
class StackServices:
    """The services that a stack names, or those of its folder, and all that these call."""

    addresses: tuple[Address, ...]


@rule(desc="Find the services of a stack")
async def find_stack_services(
    request: StackServicesRequest, all_services: AllServices, graph: ServiceGraph
) -> StackServices:
    known = {service.target.address for service in all_services}
    folder = request.field.address.spec_path
    if request.field.value is None:
        pending = {address for address in known if is_below(address.spec_path, folder)}
    else:
        named = await Get(Targets, UnparsedAddressInputs, request.field.to_unparsed_address_inputs())
        for target in named:
            if target.address not in known:
                raise ZeroError(
                    f"The `{request.field.alias}` field of {request.field.address} takes `zero_service` "
                    f"targets, but {target.address} is a `{target.alias}`."
                )
        pending = {target.address for target in named}
    found: set[Address] = set()
    while pending:
        found |= pending
        references = await MultiGet(
            Get(ServiceReferences, ServiceReferencesRequest(address)) for address in sorted(pending)
        )
        pending = {
            server.service.target.address
            for each in references
            for client in each.clients
            for server in graph.servers.get(client.target.address, ())
        } - found
    return StackServices(tuple(sorted(found)))


def is_below(path: str, folder: str) -> bool:
    """Whether a folder is the other, or in it."""
    return not folder or path == folder or path.startswith(f"{folder}/")


@dataclass(frozen=True)
class StackDependenciesFieldSet(FieldSet):
    required_fields = (StackServicesField, StackDependenciesField)

    services: StackServicesField


class InferStackDependenciesRequest(InferDependenciesRequest):
    infer_from = StackDependenciesFieldSet


@rule(desc="Infer dependencies of stacks")
async def infer_stack_dependencies(request: InferStackDependenciesRequest) -> InferredDependencies:
    services = await Get(StackServices, StackServicesRequest(request.field_set.services))
    return InferredDependencies(services.addresses)


@dataclass(frozen=True)
class PackageStackFieldSet(PackageFieldSet):
    required_fields = (StackServicesField, StackDatabaseField, StackImagesField)

    services: StackServicesField
    database: StackDatabaseField
    images: StackImagesField
    output_path: OutputPathField


@rule(desc="Package a stack")
async def package_stack(field_set: PackageStackFieldSet) -> BuiltPackage:
    """It needs what the services are generated from, and none of what they become."""
    address = field_set.address
    folder = field_set.output_path.value_or_default(file_ending=None)
    services = await Get(StackServices, StackServicesRequest(field_set.services))
    if not services.addresses:
        raise ZeroError(
            f"{address} has no services: there is no `zero_service` in its folder or below. Name those that "
            "it is for in the `services` field."
        )
    specs = await MultiGet(Get(ServiceSpec, ServiceSpecRequest(each)) for each in services.addresses)
    described = {f"{SPECS}/{spec.references.service.name}.json": spec.json for spec in specs}
    stack = {
        "name": address.target_name,
        "address": str(address),
        "database": field_set.database.value,
        "images": dict(field_set.images.value or {}),
        "archives": {
            spec.references.service.name: _archive(spec.references.service, folder) for spec in specs
        },
    }
    contracts = sorted({path for spec in specs for path in spec.contracts})
    sources, inputs = await MultiGet(
        Get(Digest, PathGlobs(contracts)),
        Get(
            Digest,
            CreateDigest(
                [
                    FileContent(STACK, json.dumps(stack, sort_keys=True).encode()),
                    *(FileContent(path, content) for path, content in described.items()),
                ]
            ),
        ),
    )
    result = await Get(
        GeneratorResult,
        GeneratorRequest(
            ("stack", f"--stack={STACK}", *(f"--spec={path}" for path in described)),
            (sources, inputs),
            f"Generate what is around the services of {address}",
        ),
    )
    if result.diagnostics:
        raise ContractErrors(result.diagnostics)
    packaged = await Get(Snapshot, AddPrefix(result.digest, folder))
    entries = sorted({os.path.relpath(path, folder).split(os.sep)[0] for path in packaged.files})
    return BuiltPackage(
        packaged.digest, tuple(BuiltPackageArtifact(os.path.join(folder, name)) for name in entries)
    )


def _archive(service: Service, folder: str) -> str:
    """The image that `package` makes of a service, relative to a folder of `dist`."""
    packaged = service.target[OutputPathField].value_or_default(file_ending=None)
    return os.path.relpath(os.path.join(packaged, f"{service.name}.oci.tar"), folder)


def rules():
    return [
        *collect_rules(),
        UnionRule(InferDependenciesRequest, InferStackDependenciesRequest),
        UnionRule(PackageFieldSet, PackageStackFieldSet),
    ]
