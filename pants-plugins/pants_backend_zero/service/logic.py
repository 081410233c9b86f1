"""A service's logic: the target that owns its file, and the class in it.

Apart from the service graph, so that a service whose logic is missing fails alone.
"""

from __future__ import annotations

import os.path
from dataclasses import dataclass

from pants.backend.python.target_types import PythonSourceField
from pants.engine.addresses import Address, Addresses
from pants.engine.fs import DigestContents, DigestSubset, PathGlobs, Paths
from pants.engine.internals.graph import Owners, OwnersRequest
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import HydratedSources, HydrateSourcesRequest, Targets

from pants_backend_zero.contracts import ContractSourceField
from pants_backend_zero.errors import ZeroError, nearest
from pants_backend_zero.service.graph import ServiceReferences, ServiceReferencesRequest
from pants_backend_zero.service.logic_class import mistakes_in_logic
from pants_backend_zero.service.target_types import LogicField


@dataclass(frozen=True)
class ServiceLogicRequest:
    field: LogicField


@dataclass(frozen=True)
class ServiceLogic:
    """The target that owns a service's logic."""

    address: Address


@rule
async def find_logic(request: ServiceLogicRequest) -> ServiceLogic:
    field = request.field
    path = field.file_path
    existing, owning = await MultiGet(
        Get(Paths, PathGlobs([os.path.join(os.path.dirname(path), "*.py")])),
        Get(Owners, OwnersRequest((path,))),
    )
    if path not in existing.files:
        close = nearest(path, existing.files)
        raise ZeroError(
            f"The `logic` field of {field.address} names {path}, which does not exist."
            + (f" Did you mean {close}?" if close else "")
        )
    owners = await Get(Targets, Addresses(owning))
    candidates = sorted(owner.address for owner in owners if owner.has_field(PythonSourceField))
    if not candidates:
        raise ZeroError(
            f"The `logic` field of {field.address} names {path}, which no target owns. Add "
            "`python_sources()` to the BUILD file of that folder, or run `./pants tailor ::`."
        )
    if len(candidates) > 1:
        raise ZeroError(
            f"The `logic` field of {field.address} names {path}, which several targets own: "
            f"{', '.join(map(str, candidates))}. Leave it to one of them."
        )
    return ServiceLogic(candidates[0])


@dataclass(frozen=True)
class CheckedServiceRequest:
    address: Address


@dataclass(frozen=True)
class CheckedService:
    """A service that can be started: its logic implements its contract, as far as that can be told beforehand."""

    references: ServiceReferences


@rule
async def check_service(request: CheckedServiceRequest) -> CheckedService:
    references = await Get(ServiceReferences, ServiceReferencesRequest(request.address))
    field = references.service.target[LogicField]
    _, (logic,), generated = await MultiGet(
        Get(ServiceLogic, ServiceLogicRequest(field)),
        Get(DigestContents, PathGlobs([field.file_path])),
        Get(
            HydratedSources,
            HydrateSourcesRequest(
                references.serves.target[ContractSourceField],
                for_sources_types=(PythonSourceField,),
                enable_codegen=True,
            ),
        ),
    )
    module = next(path for path in generated.snapshot.files if path.endswith(("_api.py", "_rpc.py")))
    (base,) = await Get(DigestContents, DigestSubset(generated.snapshot.digest, PathGlobs([module])))
    mistakes = mistakes_in_logic(
        field.file_path, logic.content.decode("utf-8", "replace"), field.class_name, base.content.decode()
    )
    if mistakes:
        raise ZeroError(
            f"The logic of {request.address} does not fit its contract.\n\n" + "\n\n".join(mistakes) + "\n"
        )
    return CheckedService(references)


def rules():
    return collect_rules()
