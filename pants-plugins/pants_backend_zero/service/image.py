"""A service's image: for each platform a base and the layers above it, put together at the end.

An edit of a source file makes the first-party layer and the archive anew, nothing else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import chain

from pants.engine.addresses import Address
from pants.engine.fs import (
    AddPrefix,
    CreateDigest,
    Digest,
    DigestSubset,
    FileContent,
    MergeDigests,
    PathGlobs,
)
from pants.engine.platform import Platform
from pants.engine.rules import Get, MultiGet, collect_rules, rule

from pants_backend_zero.service.base_image import (
    BASE,
    BaseImage,
    BaseImageRequest,
    architecture_of,
)
from pants_backend_zero.service.configuration_fields import EnvField
from pants_backend_zero.service.graph import ServiceSpec, ServiceSpecRequest
from pants_backend_zero.service.image_fields import (
    ImageBaseField,
    ImageLicensesField,
    ImagePlatformsField,
)
from pants_backend_zero.service.image_layers import (
    Layers,
    Requirements,
    RequirementsLayersRequest,
    RequirementsRequest,
    SourcesLayersRequest,
)
from pants_backend_zero.service.python import ServicePython, ServicePythonRequest
from pants_backend_zero.service.rules import (
    ServiceGeneratorRequest,
    ServiceGeneratorResult,
)
from pants_backend_zero.subsystem import Zero
from pants_backend_zero.tools import ImageBuilderRequest, ImageBuilderResult

SUMMARY = "image.json"
CONTEXT = "docker"
SPEC = "__image.json"


# -----------------------------------------------------------------------------------------------
# The image for one platform
# -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PlatformImageRequest:
    """What an image for `linux/<architecture>` is made of."""

    address: Address
    architecture: str
    configuration: Digest


@dataclass(frozen=True)
class PlatformImage:
    """Its parts, in a folder of the platform's name, and the arguments that tell the image builder of them."""

    platform: str
    digest: Digest
    arguments: tuple[str, ...]


@rule
async def make_platform_image(request: PlatformImageRequest, machine: Platform) -> PlatformImage:
    spec, python = await MultiGet(
        Get(ServiceSpec, ServiceSpecRequest(request.address)),
        Get(ServicePython, ServicePythonRequest(request.address)),
    )
    reference = spec.references.service.target[ImageBaseField].value
    here, there = architecture_of(machine), request.architecture
    base = await Get(BaseImage, BaseImageRequest(python.image, reference, here))
    if there != here:
        # The base of this machine compiles for the other: bytecode is the same on both.
        lender = await Get(Digest, DigestSubset, base.parts[1])
        base = await Get(BaseImage, BaseImageRequest(python.image, reference, there, lender))
    base_layers, compiler = await MultiGet(Get(Digest, DigestSubset, part) for part in base.parts)
    foreign = (there, python.image) != (here, python.minor)
    requirements = await Get(Requirements, RequirementsRequest(request.address, python, base, foreign))
    third_party, first_party = await MultiGet(
        Get(Layers, RequirementsLayersRequest(requirements, compiler)),
        Get(Layers, SourcesLayersRequest(request.address, compiler, request.configuration)),
    )
    layers = (*third_party.layers, *first_party.layers)
    parts = await Get(Digest, MergeDigests([base_layers, *(layer.digest for layer in layers)]))
    folder = f"linux-{there}"
    return PlatformImage(
        folder,
        await Get(Digest, AddPrefix(parts, folder)),
        (f"--base={folder}/{BASE}", *(f"--layer={folder}/{layer.folder}" for layer in layers)),
    )


# -----------------------------------------------------------------------------------------------
# The image
# -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ServiceImageRequest:
    address: Address


@dataclass(frozen=True)
class ServiceImage:
    """The archive, bills of materials, the same image as a Dockerfile with context, and a JSON with its digests."""

    digest: Digest
    summary: Digest


@rule(desc="Build the image of a service")
async def build_image(request: ServiceImageRequest, machine: Platform, zero: Zero) -> ServiceImage:
    spec, configuration = await MultiGet(
        Get(ServiceSpec, ServiceSpecRequest(request.address)),
        Get(
            ServiceGeneratorResult,
            ServiceGeneratorRequest("configuration", request.address),
        ),
    )
    service = spec.references.service
    platforms = service.target[ImagePlatformsField].value or (f"linux/{architecture_of(machine)}",)
    images = await MultiGet(
        Get(
            PlatformImage,
            PlatformImageRequest(request.address, platform.split("/")[1], configuration.digest),
        )
        for platform in platforms
    )
    image_spec = await Get(Digest, CreateDigest([FileContent(SPEC, _image_spec(spec, zero))]))
    several = len(images) > 1
    archive = f"{service.name}.oci.tar"
    sboms = [
        f"{service.name}.{image.platform}.cdx.json" if several else f"{service.name}.cdx.json"
        for image in images
    ]
    assembled, *contexts = await MultiGet(
        Get(
            ImageBuilderResult,
            ImageBuilderRequest(
                (
                    "assemble",
                    *chain(*((*image.arguments, f"--sbom={sbom}") for image, sbom in zip(images, sboms))),
                    *(f"--spec={SPEC}", f"--output={archive}", f"--summary={SUMMARY}"),
                ),
                (image_spec, *(image.digest for image in images)),
                f"Assemble the image of {request.address}",
                output=(archive, SUMMARY, *sboms),
            ),
        ),
        *(
            Get(
                ImageBuilderResult,
                ImageBuilderRequest(
                    ("docker-context", *image.arguments, f"--spec={SPEC}", f"--output={context}"),
                    (image_spec, image.digest),
                    f"Write the Dockerfile of {request.address} for {image.platform}",
                    output_folder=context,
                ),
            )
            for image in images
            for context in ((f"{CONTEXT}/{image.platform}" if several else CONTEXT),)
        ),
    )
    summary = await Get(Digest, DigestSubset(assembled.digest, PathGlobs([SUMMARY])))
    digest = await Get(Digest, MergeDigests([assembled.digest, *(context.digest for context in contexts)]))
    return ServiceImage(digest, summary)


def _image_spec(spec: ServiceSpec, zero: Zero) -> bytes:
    service = spec.references.service
    _, main_module = service.modules
    port = spec.references.port
    configuration = f"/app/etc/{service.name}.yaml"
    annotations = {
        "title": service.name,
        "source": zero.image_source,
        "revision": zero.image_revision,
        "licenses": service.target[ImageLicensesField].value,
    }
    return json.dumps(
        {
            "reference": spec.image_repository,
            "entrypoint": ["/app/bin/python", "-m", main_module, "-f", configuration],
            "env": dict(service.target[EnvField].value or {}),
            "annotations": {
                f"org.opencontainers.image.{key}": value for key, value in annotations.items() if value
            },
            "labels": {"dev.zero.target": str(service.target.address)},
            "ports": [str(port)] if port else [],
        },
        sort_keys=True,
    ).encode()


def rules():
    return collect_rules()
