"""An image as documents: configuration, manifest, and the index of an image for several platforms."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zero_image.conventions import EPOCH
from zero_image.errors import ImageError
from zero_image.image.spec import Spec, read_spec
from zero_image.layers.base import Base, read_base
from zero_image.layers.layer import Layer, read_layer
from zero_image.outputs import compact_json

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_CREATED = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(EPOCH))
_MOST_LAYERS = 127  # of docker's overlay file system


@dataclass(frozen=True)
class Image:
    """The documents of an image for one platform, as the bytes whose digests name them."""

    spec: Spec
    base: Base
    layers: list[Layer]
    """All of them, lowest first."""
    config: bytes
    manifest: bytes

    @property
    def platform(self) -> str:
        """``linux/amd64``"""
        parts = self.base.platform
        return "/".join(parts[key] for key in ("os", "architecture", "variant") if key in parts)

    @property
    def descriptor(self) -> dict[str, Any]:
        """The OCI descriptor of the manifest; its digest is the image's."""
        return describe(MANIFEST, self.manifest)


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
    count = len(base.layers) + len(layers)
    if count > _MOST_LAYERS:
        raise ImageError(
            f"the image has {count} layers, and docker takes {_MOST_LAYERS} at most",
            hint="put several distributions into one layer",
        )
    return base, layers, spec


def compose(base: Base, layers: Iterable[Layer], spec: Spec) -> Image:
    """Makes the configuration and the manifest."""
    every = [*base.layers, *layers]
    config = compact_json(
        {
            **base.platform,
            "created": _CREATED,
            "config": spec.config(base),
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in every]},
            "history": [{"created_by": layer.created_by} for layer in every],
        }
    )
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": describe(_CONFIG, config),
        "layers": [layer.descriptor() for layer in every],
        **_annotations(spec.annotated(base)),
    }
    return Image(spec, base, every, config, compact_json(manifest))


def compose_index(images: Sequence[Image]) -> bytes:
    """Makes the index of several platforms' images, annotated with what their manifests have in common."""
    platforms = [image.platform for image in images]
    twice = sorted({platform for platform in platforms if platforms.count(platform) > 1})
    if twice:
        raise ImageError(*(f"there are several bases for {platform}" for platform in twice))
    first, *others = (image.spec.annotated(image.base) for image in images)
    common = {key: value for key, value in first.items() if all(value == one.get(key) for one in others)}
    return compact_json(
        {
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": [{**image.descriptor, "platform": image.base.platform} for image in images],
            **_annotations(common),
        }
    )


def describe(media_type: str, data: bytes) -> dict[str, Any]:
    """The OCI descriptor of a document."""
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _annotations(values: dict[str, str]) -> dict[str, dict[str, str]]:
    return {"annotations": values} if values else {}
