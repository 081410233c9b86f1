"""A service's image: base, third-party layer, first-party layer, each a process of its own, put together at the end.

An edit of a source file makes the first-party layer and the archive anew, nothing else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from pants.backend.python.util_rules.pex import CompletePlatforms, Pex
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.backend.python.util_rules.python_sources import (
    PythonSourceFilesRequest,
    StrippedPythonSourceFiles,
)
from pants.engine.addresses import Address
from pants.engine.fs import (
    AddPrefix,
    CreateDigest,
    Digest,
    DigestSubset,
    FileContent,
    MergeDigests,
    PathGlobs,
    Snapshot,
)
from pants.engine.platform import Platform
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import TransitiveTargets, TransitiveTargetsRequest

from pants_backend_zero.service.base_image import (
    BASE,
    COMPILER,
    BaseImage,
    BaseImageRequest,
    architecture_of,
)
from pants_backend_zero.service.foreign_platform import complete_platform
from pants_backend_zero.service.graph import ServiceSpec, ServiceSpecRequest
from pants_backend_zero.service.python import ServicePython, ServicePythonRequest
from pants_backend_zero.service.rules import (
    ServiceGeneratorRequest,
    ServiceGeneratorResult,
)
from pants_backend_zero.service.target_types import EnvField, ImageBaseField
from pants_backend_zero.tools import ImageBuilderRequest, ImageBuilderResult

SUMMARY = "image.json"
CONTEXT = "docker"
SPEC = "__image.json"
REQUIREMENTS_LAYER = "requirements.layer"
SOURCES_LAYER = "sources.layer"


# -----------------------------------------------------------------------------------------------
# Layers
# -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layer:
    digest: Digest


async def _make_layer(
    argv: tuple[str, ...], inputs: tuple[Digest, ...], output: str, description: str
) -> Layer:
    result = await Get(
        ImageBuilderResult,
        ImageBuilderRequest(
            (*argv, f"--compiler={COMPILER}", f"--output={output}"),
            inputs,
            description,
            output_folder=output,
        ),
    )
    return Layer(result.digest)


@dataclass(frozen=True)
class RequirementsLayerRequest:
    address: Address
    python: ServicePython
    compiler: Digest


@rule
async def make_requirements_layer(request: RequirementsLayerRequest, platform: Platform) -> Layer:
    platforms = CompletePlatforms()
    if request.python.foreign:
        release = request.python.foreign
        content = complete_platform(release.python, release.glibc, architecture_of(platform))
        platforms = CompletePlatforms.from_snapshot(
            await Get(Snapshot, CreateDigest([FileContent("platform.json", content)]))
        )
    pex = await Get(
        Pex,
        PexFromTargetsRequest(
            [request.address],
            output_filename="requirements.pex",
            internal_only=False,
            include_source_files=False,
            hardcoded_interpreter_constraints=request.python.constraints,
            complete_platforms=platforms,
        ),
    )
    return await _make_layer(
        ("requirements-layer", f"--pex={pex.name}"),
        (request.compiler, pex.digest),
        REQUIREMENTS_LAYER,
        f"Make the third-party layer of {request.address}",
    )


@dataclass(frozen=True)
class SourcesLayerRequest:
    address: Address
    compiler: Digest
    configuration: Digest


@rule
async def make_sources_layer(request: SourcesLayerRequest) -> Layer:
    transitive = await Get(TransitiveTargets, TransitiveTargetsRequest([request.address]))
    stripped = await Get(StrippedPythonSourceFiles, PythonSourceFilesRequest(transitive.closure))
    sources, configuration = await MultiGet(
        Get(Digest, AddPrefix(stripped.stripped_source_files.snapshot.digest, "sources")),
        Get(Digest, AddPrefix(request.configuration, "files/etc")),
    )
    return await _make_layer(
        ("sources-layer", "--sources=sources", "--files=files"),
        (request.compiler, sources, configuration),
        SOURCES_LAYER,
        f"Make the first-party layer of {request.address}",
    )


# -----------------------------------------------------------------------------------------------
# The image
# -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ServiceImageRequest:
    address: Address


@dataclass(frozen=True)
class ServiceImage:
    """The archive, its bill of materials, the same image as a Dockerfile with context, and a JSON with its digests."""

    digest: Digest
    summary: Digest


@rule(desc="Build the image of a service")
async def build_image(request: ServiceImageRequest) -> ServiceImage:
    spec, python, configuration = await MultiGet(
        Get(ServiceSpec, ServiceSpecRequest(request.address)),
        Get(ServicePython, ServicePythonRequest(request.address)),
        Get(
            ServiceGeneratorResult,
            ServiceGeneratorRequest("configuration", request.address),
        ),
    )
    target = spec.references.service.target
    base = await Get(BaseImage, BaseImageRequest(python.image, target[ImageBaseField].value))
    compiler = await Get(Digest, DigestSubset(base.digest, PathGlobs([f"{COMPILER}/**"])))
    requirements, sources, image_spec = await MultiGet(
        Get(Layer, RequirementsLayerRequest(request.address, python, compiler)),
        Get(Layer, SourcesLayerRequest(request.address, compiler, configuration.digest)),
        Get(Digest, CreateDigest([FileContent(SPEC, _image_spec(spec))])),
    )
    base_layers = await Get(Digest, DigestSubset(base.digest, PathGlobs([f"{BASE}/**"])))
    parts = (base_layers, requirements.digest, sources.digest, image_spec)
    layers = (f"--base={BASE}", f"--layer={REQUIREMENTS_LAYER}", f"--layer={SOURCES_LAYER}")
    name = spec.references.service.name
    archive, sbom = f"{name}.oci.tar", f"{name}.cdx.json"
    assembled, context = await MultiGet(
        Get(
            ImageBuilderResult,
            ImageBuilderRequest(
                (
                    *("assemble", *layers, f"--spec={SPEC}"),
                    *(f"--output={archive}", f"--summary={SUMMARY}", f"--sbom={sbom}"),
                ),
                parts,
                f"Assemble the image of {request.address}",
                output=(archive, SUMMARY, sbom),
            ),
        ),
        Get(
            ImageBuilderResult,
            ImageBuilderRequest(
                ("docker-context", *layers, f"--spec={SPEC}", f"--output={CONTEXT}"),
                parts,
                f"Write the Dockerfile of {request.address}",
                output_folder=CONTEXT,
            ),
        ),
    )
    summary = await Get(Digest, DigestSubset(assembled.digest, PathGlobs([SUMMARY])))
    digest = await Get(Digest, MergeDigests([assembled.digest, context.digest]))
    return ServiceImage(digest, summary)


def _image_spec(spec: ServiceSpec) -> bytes:
    service = spec.references.service
    _, main_module = service.modules
    configuration = f"/app/etc/{service.name}.yaml"
    return json.dumps(
        {
            "reference": spec.image_repository,
            "entrypoint": ["/app/bin/python", "-m", main_module, "-f", configuration],
            "env": dict(service.target[EnvField].value or {}),
            "labels": {
                "org.opencontainers.image.title": service.name,
                "dev.zero.target": str(service.target.address),
            },
            "ports": [str(spec.references.port)],
        },
        sort_keys=True,
    ).encode()


def rules():
    return collect_rules()
