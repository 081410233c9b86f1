"""A service's image: base, third-party layer, first-party layer, each a process of its own, put together at the end.

An edit of a source file makes the first-party layer and the archive anew, nothing else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex import CompletePlatforms, Pex, VenvPexProcess
from pants.backend.python.util_rules.pex_environment import PythonExecutable
from pants.backend.python.util_rules.pex_from_targets import (
    InterpreterConstraintsRequest,
    PexFromTargetsRequest,
)
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
from pants.engine.process import Process, ProcessResult
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import TransitiveTargets, TransitiveTargetsRequest
from pants.util.logging import LogLevel

from pants_backend_zero.errors import ZeroError
from pants_backend_zero.service.base_image import (
    BASE,
    COMPILER,
    DEBIAN_RELEASES,
    BaseImage,
    BaseImageRequest,
    DebianRelease,
    architecture_of,
    debian_release,
)
from pants_backend_zero.service.foreign_platform import complete_platform
from pants_backend_zero.service.graph import ServiceSpec, ServiceSpecRequest
from pants_backend_zero.service.rules import (
    ServiceGeneratorRequest,
    ServiceGeneratorResult,
)
from pants_backend_zero.service.target_types import EnvField, ImageBaseField
from pants_backend_zero.tools import ZeroTools

IMAGE = "image.oci.tar"
SUMMARY = "image.json"
SBOM = "sbom.cdx.json"
CONTEXT = "docker"
SPEC = "__image.json"
REQUIREMENTS_LAYER = "requirements.layer"
SOURCES_LAYER = "sources.layer"


# -----------------------------------------------------------------------------------------------
# The Python of the image
# -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ImagePythonRequest:
    address: Address


@dataclass(frozen=True)
class ImagePython:
    """The minor version of the image's Python, and the Debian release it is foreign to this machine from, if it is."""

    minor: str
    foreign: DebianRelease | None = None


@rule
async def choose_python(request: ImagePythonRequest) -> ImagePython:
    """The version this machine runs the service with, unless no Debian release has it: then one that the service allows."""
    spec, constraints = await MultiGet(
        Get(ServiceSpec, ServiceSpecRequest(request.address)),
        Get(InterpreterConstraints, InterpreterConstraintsRequest([request.address])),
    )
    python = await Get(PythonExecutable, InterpreterConstraints, constraints)
    version = await Get(
        ProcessResult,
        Process(
            [python.path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            description=f"Ask {python.path} for its version",
            level=LogLevel.DEBUG,
        ),
    )
    minor = version.stdout.decode().strip()
    if spec.references.service.target[ImageBaseField].value or debian_release(minor):
        return ImagePython(minor)
    for release in DEBIAN_RELEASES:
        if constraints.contains(InterpreterConstraints([f"CPython=={release.python}.*"])):
            return ImagePython(release.python, foreign=release)
    versions = " and ".join(release.python for release in DEBIAN_RELEASES)
    raise ZeroError(
        f"{request.address} runs on {constraints}, and Debian has Python {versions}. Allow one of these "
        "in `interpreter_constraints`, or name a base image that has another in `image_base`."
    )


# -----------------------------------------------------------------------------------------------
# Layers
# -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layer:
    digest: Digest


async def _make_layer(
    tools: ZeroTools,
    argv: tuple[str, ...],
    inputs: tuple[Digest, ...],
    output: str,
    description: str,
) -> Layer:
    result = await Get(
        ProcessResult,
        VenvPexProcess(
            tools.python,
            argv=("-m", "zero_image", argv[0], f"--compiler={COMPILER}", *argv[1:]),
            input_digest=await Get(Digest, MergeDigests([tools.image, *inputs])),
            output_directories=(output,),
            description=description,
        ),
    )
    return Layer(result.output_digest)


@dataclass(frozen=True)
class RequirementsLayerRequest:
    address: Address
    python: ImagePython
    compiler: Digest


@rule
async def make_requirements_layer(
    request: RequirementsLayerRequest, tools: ZeroTools, platform: Platform
) -> Layer:
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
            complete_platforms=platforms,
        ),
    )
    return await _make_layer(
        tools,
        ("requirements-layer", f"--pex={pex.name}", f"--output={REQUIREMENTS_LAYER}"),
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
async def make_sources_layer(request: SourcesLayerRequest, tools: ZeroTools) -> Layer:
    transitive = await Get(TransitiveTargets, TransitiveTargetsRequest([request.address]))
    stripped = await Get(
        StrippedPythonSourceFiles, PythonSourceFilesRequest(transitive.closure, include_files=True)
    )
    sources, configuration = await MultiGet(
        Get(Digest, AddPrefix(stripped.stripped_source_files.snapshot.digest, "sources")),
        Get(Digest, AddPrefix(request.configuration, "files/etc")),
    )
    return await _make_layer(
        tools,
        (*("sources-layer", "--sources=sources", "--files=files"), f"--output={SOURCES_LAYER}"),
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
    """The archive, its bill of materials, the same image as a Dockerfile with context, and the JSON with its digests."""

    digest: Digest
    summary: Digest


@rule(desc="Build the image of a service")
async def build_image(request: ServiceImageRequest, tools: ZeroTools) -> ServiceImage:
    spec, python, configuration = await MultiGet(
        Get(ServiceSpec, ServiceSpecRequest(request.address)),
        Get(ImagePython, ImagePythonRequest(request.address)),
        Get(
            ServiceGeneratorResult,
            ServiceGeneratorRequest("configuration", request.address),
        ),
    )
    target = spec.references.service.target
    base = await Get(BaseImage, BaseImageRequest(python.minor, target[ImageBaseField].value))
    compiler = await Get(Digest, DigestSubset(base.digest, PathGlobs([f"{COMPILER}/**"])))
    requirements, sources, image_spec = await MultiGet(
        Get(Layer, RequirementsLayerRequest(request.address, python, compiler)),
        Get(Layer, SourcesLayerRequest(request.address, compiler, configuration.digest)),
        Get(Digest, CreateDigest([FileContent(SPEC, _image_spec(spec))])),
    )
    parts = await Get(
        Digest,
        MergeDigests(
            [
                tools.image,
                await Get(Digest, DigestSubset(base.digest, PathGlobs([f"{BASE}/**"]))),
                requirements.digest,
                sources.digest,
                image_spec,
            ]
        ),
    )
    layers = (f"--base={BASE}", f"--layer={REQUIREMENTS_LAYER}", f"--layer={SOURCES_LAYER}")
    archive, context = await MultiGet(
        Get(
            ProcessResult,
            VenvPexProcess(
                tools.python,
                argv=(
                    *("-m", "zero_image", "assemble", *layers, f"--spec={SPEC}"),
                    *(f"--output={IMAGE}", f"--summary={SUMMARY}", f"--sbom={SBOM}"),
                ),
                input_digest=parts,
                output_files=(IMAGE, SUMMARY, SBOM),
                description=f"Assemble the image of {request.address}",
            ),
        ),
        Get(
            ProcessResult,
            VenvPexProcess(
                tools.python,
                argv=(
                    *("-m", "zero_image", "docker-context", *layers),
                    *(f"--spec={SPEC}", f"--output={CONTEXT}"),
                ),
                input_digest=parts,
                output_directories=(CONTEXT,),
                description=f"Write the Dockerfile of {request.address}",
            ),
        ),
    )
    summary = await Get(Digest, DigestSubset(archive.output_digest, PathGlobs([SUMMARY])))
    digest = await Get(Digest, MergeDigests([archive.output_digest, context.output_digest]))
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
