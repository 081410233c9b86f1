"""The command ``assemble``: joins layers into an archive for OCI tools and ``docker load`` alike."""

from __future__ import annotations

import hashlib
import io
import tarfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zero_image.conventions import EPOCH
from zero_image.errors import ImageError
from zero_image.image.spec import Spec, read_spec
from zero_image.layers.base import Base, read_base
from zero_image.layers.layer import Layer, read_layer
from zero_image.layers.sbom import cyclonedx
from zero_image.outputs import compact_json, new_file, readable_json

CREATED = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(EPOCH))
_BUFFER = 1 << 20


@dataclass(frozen=True)
class Image:
    """The documents of an image, as the bytes whose digests name them."""

    spec: Spec
    layers: list[Layer]
    config: bytes
    manifest: bytes

    @property
    def descriptor(self) -> dict[str, Any]:
        """The OCI descriptor of the manifest; its digest is the image's."""
        return {"mediaType": _MANIFEST, "digest": _digest(self.manifest), "size": len(self.manifest)}


_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"


def load(base_folder: Path, layer_folders: Iterable[Path], spec_path: Path) -> tuple[Base, list[Layer], Spec]:
    """Reads the parts of an image, whose layers are those above the base, and checks that they fit."""
    base, spec = read_base(base_folder), read_spec(spec_path)
    layers = [read_layer(folder) for folder in layer_folders]
    strangers = [
        f"{layer.blob.parent} was compiled for {layer.soabi}, the base image has {base.soabi}"
        for layer in layers
        if layer.soabi != base.soabi
    ]
    if strangers:
        raise ImageError(*strangers, hint="build the layers with the compiler that was made with this base")
    return base, layers, spec


def compose(base: Base, layers: Iterable[Layer], spec: Spec) -> Image:
    """Makes the configuration and the manifest."""
    every = [*base.layers, *layers]
    config = {
        "architecture": base.architecture,
        **({"variant": base.variant} if base.variant else {}),
        "os": "linux",
        "created": CREATED,
        "config": spec.config(base),
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in every]},
        "history": [{"created": CREATED, "created_by": layer.created_by} for layer in every],
    }
    config_bytes = compact_json(config)
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": {"mediaType": _CONFIG, "digest": _digest(config_bytes), "size": len(config_bytes)},
        "layers": [layer.descriptor() for layer in every],
    }
    if base.reference:
        name, _, digest = base.reference.partition("@")
        prefix = "org.opencontainers.image.base"
        manifest["annotations"] = {f"{prefix}.name": name, f"{prefix}.digest": digest}
    return Image(spec, every, config_bytes, compact_json(manifest))


def assemble(
    base_folder: Path,
    layer_folders: Iterable[Path],
    spec_path: Path,
    output: Path,
    summary: Path | None,
    sbom: Path | None,
) -> None:
    """Writes the image to ``output``, and when asked its digests and its bill of materials beside it."""
    base, layers, spec = load(base_folder, layer_folders, spec_path)
    image = compose(base, layers, spec)
    with new_file(output) as partial:
        write_archive(image, partial)
    if summary is not None:
        facts = {
            "reference": spec.tagged,
            "digest": image.descriptor["digest"],
            "config_digest": _digest(image.config),
            "layers": [layer.descriptor() for layer in image.layers],
        }
        with new_file(summary) as partial:
            partial.write_bytes(readable_json(facts))
    if sbom is not None:
        with new_file(sbom) as partial:
            partial.write_bytes(cyclonedx(package for layer in image.layers for package in layer.packages))


def write_archive(image: Image, path: Path) -> None:
    """An OCI layout of one manifest, as some readers accept no more; manifest.json is docker's own index."""
    annotations = {
        "org.opencontainers.image.ref.name": image.spec.tag,
        # Under this name containerd, and docker on top of it, stores an archive that it imports.
        "io.containerd.image.name": image.spec.tagged,
    }
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{**image.descriptor, "annotations": annotations}],
    }
    docker = {
        "Config": _blob(_digest(image.config)),
        "RepoTags": [image.spec.tagged],
        "Layers": [_blob(layer.digest) for layer in image.layers],
    }
    documents = {
        "oci-layout": compact_json({"imageLayoutVersion": "1.0.0"}),
        "index.json": compact_json(index),
        "manifest.json": compact_json([docker]),
        _blob(_digest(image.manifest)): image.manifest,
        _blob(_digest(image.config)): image.config,
    }
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        tar.copybufsize = _BUFFER  # type: ignore[attr-defined]
        for folder in ("blobs", "blobs/sha256"):
            member = tarfile.TarInfo(folder)
            member.type, member.mode, member.mtime = tarfile.DIRTYPE, 0o755, EPOCH
            tar.addfile(member)
        for name, data in documents.items():
            tar.addfile(_member(name, len(data)), io.BytesIO(data))
        for digest, layer in {layer.digest: layer for layer in image.layers}.items():
            with layer.blob.open("rb") as blob:
                tar.addfile(_member(_blob(digest), layer.size), blob)


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o644, EPOCH
    return member


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"
