"""The command ``assemble``: joins layers into an archive for OCI tools and, for one platform, ``docker load`` alike."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zero_image.conventions import EPOCH
from zero_image.image.composition import INDEX, Image, compose, compose_index, describe, digest_of, load
from zero_image.image.parts import Parts
from zero_image.layers.sbom import cyclonedx
from zero_image.outputs import compact_json, new_file, readable_json
from zero_image.registry.layout import blob_path

_BUFFER = 1 << 18


def assemble(platforms: Sequence[Parts], spec_path: Path, output: Path, summary: Path | None) -> None:
    """Writes the image to ``output``, and when asked its digests and its bills of materials beside it."""
    images = [compose(*load(parts.base, parts.layers, spec_path)) for parts in platforms]
    index = compose_index(images) if len(images) > 1 else None
    descriptor = describe(INDEX, index) if index is not None else images[0].descriptor
    with new_file(output) as partial:
        _write_archive(images, index, descriptor, partial)
    for image, parts in zip(images, platforms, strict=True):
        if parts.sbom is not None:
            with new_file(parts.sbom) as partial:
                partial.write_bytes(
                    cyclonedx(package for layer in image.layers for package in layer.packages)
                )
    if summary is not None:
        facts = {
            "reference": images[0].spec.tagged,
            "digest": descriptor["digest"],
            "media_type": descriptor["mediaType"],
            "platforms": [
                {
                    "platform": image.platform,
                    "digest": image.descriptor["digest"],
                    "config_digest": digest_of(image.config),
                    **({"sbom": parts.sbom.name} if parts.sbom is not None else {}),
                    "layers": [layer.descriptor() for layer in image.layers],
                }
                for image, parts in zip(images, platforms, strict=True)
            ],
        }
        with new_file(summary) as partial:
            partial.write_bytes(readable_json(facts))


def _write_archive(
    images: Sequence[Image], index: bytes | None, descriptor: dict[str, Any], path: Path
) -> None:
    """An OCI layout with one entry, as some readers accept no more: a manifest, or the index of several.

    For a manifest there is docker's own index too, ``manifest.json``, which knows nothing of platforms.
    """
    spec = images[0].spec
    annotations = {
        "org.opencontainers.image.ref.name": spec.tag,
        # Under this name containerd, and docker on top of it, stores an archive that it imports.
        "io.containerd.image.name": spec.tagged,
    }
    entry = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [{**descriptor, "annotations": annotations}],
    }
    documents = {
        "oci-layout": compact_json({"imageLayoutVersion": "1.0.0"}),
        "index.json": compact_json(entry),
    }
    if index is None:
        documents["manifest.json"] = compact_json([_docker_image(images[0])])
    else:
        documents[_blob(index)] = index
    for image in images:
        documents |= {_blob(image.manifest): image.manifest, _blob(image.config): image.config}
    # A layer that platforms have in common, such as the sources, is there once.
    layers = {layer.digest: layer for image in images for layer in image.layers}
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        tar.copybufsize = _BUFFER  # type: ignore[attr-defined]
        for folder in ("blobs", "blobs/sha256"):
            member = tarfile.TarInfo(folder)
            member.type, member.mode, member.mtime = tarfile.DIRTYPE, 0o755, EPOCH
            tar.addfile(member)
        for name, data in documents.items():
            tar.addfile(_member(name, len(data)), io.BytesIO(data))
        for digest, layer in layers.items():
            with layer.blob.open("rb") as blob:
                tar.addfile(_member(blob_path(digest), layer.size), blob)


def _docker_image(image: Image) -> dict[str, Any]:
    return {
        "Config": _blob(image.config),
        "RepoTags": [image.spec.tagged],
        "Layers": [blob_path(layer.digest) for layer in image.layers],
    }


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o644, EPOCH
    return member


def _blob(data: bytes) -> str:
    return blob_path(digest_of(data))
