"""`package` on a `zero_service`: everything that deploys it, in one folder of `dist/`."""

from __future__ import annotations

import os.path
from dataclasses import dataclass

from pants.backend.python.target_types import EntryPoint
from pants.backend.python.util_rules.pex import Pex
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.core.goals.package import (
    BuiltPackage,
    BuiltPackageArtifact,
    OutputPathField,
    PackageFieldSet,
)
from pants.engine.addresses import Address
from pants.engine.fs import AddPrefix, Digest, MergeDigests, Snapshot
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.unions import UnionRule

from pants_backend_zero.service.image import SUMMARY, ServiceImage, ServiceImageRequest
from pants_backend_zero.service.logic import CheckedService, CheckedServiceRequest
from pants_backend_zero.service.python import ServicePython, ServicePythonRequest
from pants_backend_zero.service.rules import ServiceGeneratorRequest, ServiceGeneratorResult
from pants_backend_zero.service.target_types import LogicField, ServesField, ServiceSourcesField


@dataclass(frozen=True)
class PackageServiceFieldSet(PackageFieldSet):
    required_fields = (ServesField, LogicField, ServiceSourcesField)

    output_path: OutputPathField


@dataclass(frozen=True)
class ServiceManifestRequest:
    address: Address


@rule(desc="Generate the manifest of a service")
async def make_manifest(request: ServiceManifestRequest) -> ServiceGeneratorResult:
    """It waits for the image, whose digest it names, and not for the PEX."""
    image = await Get(ServiceImage, ServiceImageRequest(request.address))
    return await Get(
        ServiceGeneratorResult,
        ServiceGeneratorRequest(
            "manifests", request.address, inputs=image.summary, arguments=(f"--image={SUMMARY}",)
        ),
    )


@rule(desc="Package a service")
async def package_service(field_set: PackageServiceFieldSet) -> BuiltPackage:
    address = field_set.address
    checked, python = await MultiGet(
        Get(CheckedService, CheckedServiceRequest(address)),
        Get(ServicePython, ServicePythonRequest(address)),
    )
    service = checked.references.service
    _, main_module = service.modules
    pex, image, configuration, manifest = await MultiGet(
        Get(
            Pex,
            PexFromTargetsRequest(
                [address],
                output_filename=f"{service.name}.pex",
                internal_only=False,
                main=EntryPoint(main_module),
                hardcoded_interpreter_constraints=python.constraints,
                warn_for_transitive_files_targets=True,
            ),
        ),
        Get(ServiceImage, ServiceImageRequest(address)),
        Get(ServiceGeneratorResult, ServiceGeneratorRequest("configuration", address)),
        Get(ServiceGeneratorResult, ServiceManifestRequest(address)),
    )
    etc, k8s = await MultiGet(
        Get(Digest, AddPrefix(configuration.digest, "etc")),
        Get(Digest, AddPrefix(manifest.digest, "k8s")),
    )
    artefacts = await Get(Digest, MergeDigests([pex.digest, image.digest, etc, k8s]))
    folder = field_set.output_path.value_or_default(file_ending=None)
    packaged = await Get(Snapshot, AddPrefix(artefacts, folder))
    return BuiltPackage(
        packaged.digest,
        tuple(BuiltPackageArtifact(os.path.join(folder, name)) for name in _shown(packaged, folder)),
    )


def _shown(packaged: Snapshot, folder: str) -> list[str]:
    """What the log names: the folder's own entries rather than each file below them."""
    return sorted({os.path.relpath(path, folder).split(os.sep)[0] for path in packaged.files})


def rules():
    return [*collect_rules(), UnionRule(PackageFieldSet, PackageServiceFieldSet)]
