"""A service's logic: the targets that own its files, and the classes in them.

Apart from the service graph, so that a service whose logic is missing fails alone.
"""

from __future__ import annotations

import os.path
from dataclasses import dataclass
from typing import Optional

from pants.backend.python.target_types import PythonSourceField
from pants.engine.addresses import Address, Addresses
from pants.engine.fs import DigestContents, DigestSubset, PathGlobs, Paths
from pants.engine.internals.graph import Owners, OwnersRequest
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import HydratedSources, HydrateSourcesRequest, Targets

from pants_backend_zero.contracts import Contract, ContractSourceField
from pants_backend_zero.errors import ZeroError, nearest
from pants_backend_zero.service.graph import ServiceReferences, ServiceReferencesRequest
from pants_backend_zero.service.logic_class import mistakes_in_job, mistakes_in_logic
from pants_backend_zero.service.target_types import LogicField


@dataclass(frozen=True)
class ServiceLogicRequest:
    field: LogicField


@dataclass(frozen=True)
class ServiceLogic:
    """The targets that own a service's logic."""

    addresses: tuple[Address, ...]


@rule
async def find_logic(request: ServiceLogicRequest) -> ServiceLogic:
    field = request.field
    paths = sorted({logic.path for logic in field.classes})
    folders = {os.path.dirname(path) for path in paths}
    existing, *owning = await MultiGet(
        Get(Paths, PathGlobs(sorted(os.path.join(folder, "*.py") for folder in folders))),
        *(Get(Owners, OwnersRequest((path,))) for path in paths),
    )
    owners = await MultiGet(Get(Targets, Addresses(found)) for found in owning)
    mistakes = []
    addresses = []
    for path, targets in zip(paths, owners):
        candidates = sorted(target.address for target in targets if target.has_field(PythonSourceField))
        addresses += candidates
        if path not in existing.files:
            close = nearest(path, existing.files)
            mistakes.append(f"{path}, which does not exist." + (f" Did you mean {close}?" if close else ""))
        elif not candidates:
            mistakes.append(
                f"{path}, which no target owns. Add `python_sources()` to the BUILD file of that folder, or run "
                "`./pants tailor ::`."
            )
        elif len(candidates) > 1:
            mistakes.append(
                f"{path}, which several targets own: {', '.join(map(str, candidates))}. Leave it to one of them."
            )
    if mistakes:
        raise ZeroError("\n".join(f"The `logic` field of {field.address} names {told}" for told in mistakes))
    return ServiceLogic(tuple(addresses))


@dataclass(frozen=True)
class GeneratedBaseRequest:
    serves: Optional[Contract]


@dataclass(frozen=True)
class GeneratedBase:
    """The text of the module with the abstract classes of a contract; None for a job."""

    text: Optional[str]


@rule
async def find_generated_base(request: GeneratedBaseRequest) -> GeneratedBase:
    if request.serves is None:
        return GeneratedBase(None)
    generated = await Get(
        HydratedSources,
        HydrateSourcesRequest(
            request.serves.target[ContractSourceField],
            for_sources_types=(PythonSourceField,),
            enable_codegen=True,
        ),
    )
    module = next(path for path in generated.snapshot.files if path.endswith(("_api.py", "_rpc.py")))
    (base,) = await Get(DigestContents, DigestSubset(generated.snapshot.digest, PathGlobs([module])))
    return GeneratedBase(base.content.decode())


@dataclass(frozen=True)
class CheckedServiceRequest:
    address: Address


@dataclass(frozen=True)
class CheckedService:
    """A service that can be started: its logic implements its contract, or is that of a job, as far as can be
    told beforehand."""

    references: ServiceReferences


@rule
async def check_service(request: CheckedServiceRequest) -> CheckedService:
    references = await Get(ServiceReferences, ServiceReferencesRequest(request.address))
    field = references.service.target[LogicField]
    _, files, base = await MultiGet(
        Get(ServiceLogic, ServiceLogicRequest(field)),
        Get(DigestContents, PathGlobs(sorted({logic.path for logic in field.classes}))),
        Get(GeneratedBase, GeneratedBaseRequest(references.serves)),
    )
    texts = {file.path: file.content.decode("utf-8", "replace") for file in files}
    mistakes = [
        mistake
        for logic in field.classes
        for mistake in (
            mistakes_in_job(logic.path, texts[logic.path], logic.name)
            if base.text is None
            else mistakes_in_logic(logic.path, texts[logic.path], logic.name, base.text, logic.service)
        )
    ]
    if mistakes:
        what = "its contract" if references.serves else "a job"
        raise ZeroError(
            f"The logic of {request.address} does not fit {what}.\n\n" + "\n\n".join(mistakes) + "\n"
        )
    return CheckedService(references)


def rules():
    return collect_rules()
