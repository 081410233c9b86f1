"""The layers that a service's image has above its base, each made by a process of its own.

The process of a large distribution knows that distribution and the base's Python, nothing of the service: all services
of the repository, and all builds that share a cache, have it from the first that needed it. But a layer costs a request
in a registry, a mount in a container, and 270 bytes in the documents that every edit makes anew. So distributions of
medium size share one, which services often have in common, and what is small, where they differ, has another.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Mapping

from pants.backend.python.target_types import PythonSourceField
from pants.backend.python.util_rules.pex import CompletePlatforms, Pex, PexLayout
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.backend.python.util_rules.python_sources import (
    PythonSourceFilesRequest,
    StrippedPythonSourceFiles,
)
from pants.core.target_types import ResourceSourceField
from pants.engine.addresses import Address
from pants.engine.fs import (
    AddPrefix,
    CreateDigest,
    Digest,
    DigestContents,
    DigestEntries,
    DigestSubset,
    Directory,
    FileContent,
    FileEntry,
    PathGlobs,
    RemovePrefix,
    Snapshot,
)
from pants.engine.process import ProcessExecutionFailure
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import (
    SourcesField,
    Target,
    TransitiveTargets,
    TransitiveTargetsRequest,
)

from pants_backend_zero.errors import ZeroError
from pants_backend_zero.service.base_image import COMPILER, BaseImage
from pants_backend_zero.service.foreign_platform import complete_platform, missing
from pants_backend_zero.service.python import ServicePython
from pants_backend_zero.tools import ImageBuilderRequest, ImageBuilderResult

LARGE = 512 * 1024
"""Bytes, compressed, from which on a distribution has a layer of its own."""

MOST_LARGE = 64
"""How many have one, the largest: docker takes 127 layers, of which a base may have some dozen."""

MEDIUM = 64 * 1024
"""Bytes, compressed, from which on a distribution is not among the small."""

# pip's words for a distribution that has neither a wheel nor sources that can be built here.
_UNSATISFIED = re.compile(r"(?:satisfies the requirement|Failed building wheel for) (\S+)")

_PEX = "requirements.pex"
_WHEELS = ".deps"  # pex's folder of distributions
_SOURCES = "sources"
_NEEDS = "requires.json"


@dataclass(frozen=True)
class LayerRequest:
    """Run `zero_image <argv>`, which makes the folder `<name>.layer`."""

    name: str
    argv: tuple[str, ...]
    inputs: tuple[Digest, ...]
    compiler: Digest
    description: str


@dataclass(frozen=True)
class Layer:
    """A folder of a layer."""

    folder: str
    digest: Digest


@rule
async def make_layer(request: LayerRequest) -> Layer:
    folder = f"{request.name}.layer"
    result = await Get(
        ImageBuilderResult,
        ImageBuilderRequest(
            (*request.argv, f"--compiler={COMPILER}", f"--output={folder}"),
            (request.compiler, *request.inputs),
            request.description,
            output_folder=folder,
        ),
    )
    return Layer(folder, result.digest)


# -----------------------------------------------------------------------------------------------
# Third-party distributions
# -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RequirementsRequest:
    """The distributions that a service needs on a base.

    `foreign` says that no interpreter of this machine stands for the base's: wheels are then chosen by their tags
    alone. Otherwise this machine's interpreter says which it takes, and builds what has no wheel.
    """

    address: Address
    python: ServicePython
    base: BaseImage
    foreign: bool


@dataclass(frozen=True)
class Wheels:
    """Distributions of a packed PEX, a file for each."""

    digest: Digest


@dataclass(frozen=True)
class Requirements:
    """Distributions as a packed PEX has them: those of each layer, from the bottom, and a digest of all others."""

    layers: tuple[tuple[tuple[str, ...], Digest], ...]
    small: Digest


@rule
async def collect_requirements(request: RequirementsRequest) -> Requirements:
    wheels = await Get(Wheels, RequirementsRequest, request)
    if not request.foreign:
        # The base's Python may be of another patch, for which distributions ask for others than here: backports.
        needs = await Get(
            ImageBuilderResult,
            ImageBuilderRequest(
                ("requires", f"--wheels={_WHEELS}", f"--output={_NEEDS}"),
                (await Get(Digest, AddPrefix(wheels.digest, _WHEELS)),),
                f"Ask the distributions of {request.address} what they need",
                output=(_NEEDS,),
            ),
        )
        (content,) = await Get(DigestContents, Digest, needs.digest)
        if missing(json.loads(content.content), request.base.python, request.base.architecture):
            wheels = await Get(Wheels, RequirementsRequest, replace(request, foreign=True))
    sizes = {
        entry.path: entry.file_digest.serialized_bytes_length
        for entry in await Get(DigestEntries, Digest, wheels.digest)
        if isinstance(entry, FileEntry)
    }
    layers, small = by_size(sizes)
    small_digest, *digests = await MultiGet(
        Get(Digest, DigestSubset(wheels.digest, PathGlobs(names))) for names in (small, *layers)
    )
    return Requirements(tuple(zip(layers, digests)), small_digest)


@rule
async def resolve_wheels(request: RequirementsRequest) -> Wheels:
    base, platforms = request.base, CompletePlatforms()
    if request.foreign:
        content = complete_platform(base.python, base.glibc, base.architecture)
        platforms = CompletePlatforms.from_snapshot(
            await Get(Snapshot, CreateDigest([FileContent("platform.json", content)]))
        )
    try:
        pex = await Get(
            Pex,
            PexFromTargetsRequest(
                [request.address],
                output_filename=_PEX,
                internal_only=False,
                layout=PexLayout.PACKED,
                include_source_files=False,
                hardcoded_interpreter_constraints=request.python.constraints,
                complete_platforms=platforms,
            ),
        )
    except ProcessExecutionFailure as error:
        if not request.foreign:
            raise
        raise ZeroError(unresolved(request, error.stderr.decode(errors="replace"))) from None
    deps = await Get(Digest, DigestSubset(pex.digest, PathGlobs([f"{_PEX}/{_WHEELS}/**"])))
    return Wheels(await Get(Digest, RemovePrefix(deps, f"{_PEX}/{_WHEELS}")))


def by_size(sizes: Mapping[str, int]) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """The distributions of each layer, by the names of their wheels, from the bottom; and the small ones.

    Of a path that several have, the first one's is on top, as in a PEX it is first on the path.
    """
    largest = sorted((name for name in sizes if sizes[name] >= LARGE), key=lambda name: (-sizes[name], name))
    large = sorted(largest[:MOST_LARGE], reverse=True)
    medium = tuple(sorted(name for name in sizes if sizes[name] >= MEDIUM and name not in large))
    small = tuple(sorted(name for name in sizes if sizes[name] < MEDIUM))
    return [*((name,) for name in large), *([medium] if medium else [])], small


def unresolved(request: RequirementsRequest, output: str) -> str:
    """Which distribution lacks a wheel for the foreign platform, as pip says, which stops at the first."""
    base = request.base
    platform = f"linux/{base.architecture} with CPython {base.python} and glibc 2.{base.glibc}"
    found = _UNSATISFIED.search(output)
    if not found:
        return f"The distributions of {request.address} could not be resolved for {platform}.\n\n{output}"
    return (
        f"{request.address}: {found[1]} has no wheel for {platform}, which this machine cannot build. Take a version "
        "that has one, build the image on a machine of that platform, or leave the platform out of `image_platforms`."
    )


@dataclass(frozen=True)
class RequirementsLayersRequest:
    requirements: Requirements
    compiler: Digest


@dataclass(frozen=True)
class Layers:
    """From the bottom."""

    layers: tuple[Layer, ...]


@rule
async def make_requirements_layers(request: RequirementsLayersRequest) -> Layers:
    requirements, compiler = request.requirements, request.compiler
    small, folder = await MultiGet(
        Get(Digest, AddPrefix(requirements.small, _WHEELS)),
        # It has to be there even where nothing is in it.
        Get(Digest, CreateDigest([Directory(_WHEELS)])),
    )
    layers = await MultiGet(
        *(
            Get(Layer, LayerRequest, _wheel_layer(wheels, digest, compiler))
            for wheels, digest in requirements.layers
        ),
        Get(
            Layer,
            LayerRequest(
                "requirements",
                ("requirements-layer", f"--wheels={_WHEELS}"),
                (folder, small),
                compiler,
                "Make the layer of small third-party distributions",
            ),
        ),
    )
    return Layers(layers)


def _wheel_layer(wheels: tuple[str, ...], digest: Digest, compiler: Digest) -> LayerRequest:
    name, version = wheels[0].split("-")[:2]
    alone = len(wheels) == 1
    return LayerRequest(
        f"{name.lower().replace('_', '-')}-{version}" if alone else "medium",
        ("wheel-layer", *(f"--wheel={wheel}" for wheel in wheels)),
        (digest,),
        compiler,
        f"Make the layer of {f'{name} {version}' if alone else 'medium third-party distributions'}",
    )


# -----------------------------------------------------------------------------------------------
# First-party code
# -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SourcesLayersRequest:
    address: Address
    compiler: Digest
    configuration: Digest


@rule
async def make_sources_layers(request: SourcesLayersRequest) -> Layers:
    """By what changes together: code from elsewhere (the runtime, shared packages), which services have in common;
    all that is generated, which contracts and fields change; the modules in the service's own folder.

    Those one edits most, and they are all that is new in an image after an edit.
    """
    transitive = await Get(TransitiveTargets, TransitiveTargetsRequest([request.address]))
    kinds: dict[str, list[Target]] = {"common": [], "generated": [], "own": []}
    for target in transitive.closure:
        kinds[_kind(target, request.address)].append(target)
    files = await MultiGet(
        Get(StrippedPythonSourceFiles, PythonSourceFilesRequest(targets)) for targets in kinds.values()
    )
    configuration, folder, *sources = await MultiGet(
        Get(Digest, AddPrefix(request.configuration, "files/etc")),
        # It has to be there even where nothing is in it.
        Get(Digest, CreateDigest([Directory(_SOURCES)])),
        *(Get(Digest, AddPrefix(one.stripped_source_files.snapshot.digest, _SOURCES)) for one in files),
    )
    layers = await MultiGet(
        Get(
            Layer,
            LayerRequest(
                kind,
                (
                    "sources-layer",
                    f"--sources={_SOURCES}",
                    *(["--files=files"] if kind == "generated" else []),
                ),
                (folder, digest, *([configuration] if kind == "generated" else [])),
                request.compiler,
                f"Make the layer of {kind} code of {request.address}",
            ),
        )
        for kind, digest in zip(kinds, sources)
    )
    return Layers(layers)


def _kind(target: Target, service: Address) -> str:
    """Which layer a target's modules go into."""
    if target.has_field(SourcesField) and not (
        target.has_field(PythonSourceField) or target.has_field(ResourceSourceField)
    ):
        return "generated"
    folder, path = service.spec_path, target.address.spec_path
    return "own" if path == folder or path.startswith(f"{folder}/") else "common"


def rules():
    return collect_rules()
