"""A base as two folders: its layers with ``base.json``, and the Python that compiles for it.

They are apart because layers are built from the compiler alone: a base whose Python did not change (new time
zones, new certificates) leaves the layers above it as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zero_image.layers.layer import Layer, read_layer
from zero_image.outputs import FORMAT, read_format, readable_json

_INFO = "base.json"
BASE = "base"
COMPILER = "compiler"


@dataclass(frozen=True)
class Base:
    architecture: str
    """As OCI names it: ``amd64``."""
    soabi: str
    layers: tuple[Layer, ...]
    config: dict[str, Any] = field(default_factory=dict)
    """What images inherit: the ``config`` object of an OCI image configuration."""
    reference: str = ""
    """``host/name@sha256:...`` of a base that came from a registry."""
    digest: str = ""
    """Of the manifest of a base that is an image, wherever it came from."""
    inherited: int = 0
    """How many of the layers, from the bottom, are those of ``reference``."""
    variant: str = ""
    """Of the architecture: ``v8``; usually empty."""

    @property
    def platform(self) -> dict[str, str]:
        """As an OCI index tells platforms apart."""
        variant = {"variant": self.variant} if self.variant else {}
        return {"architecture": self.architecture, "os": "linux", **variant}

    @property
    def annotations(self) -> dict[str, str]:
        """What OCI's annotations say of a base image; nothing of one that is made of packages."""
        name, _, digest = self.reference.partition("@")
        prefix = "org.opencontainers.image.base"
        values = {f"{prefix}.name": name, f"{prefix}.digest": digest or self.digest}
        return {key: value for key, value in values.items() if value}

    def save(self, folder: Path) -> None:
        """Writes ``base.json`` beside the layers."""
        info = {
            "format": FORMAT,
            "architecture": self.architecture,
            "variant": self.variant,
            "soabi": self.soabi,
            "reference": self.reference,
            "digest": self.digest,
            "inherited": self.inherited,
            "config": self.config,
            "layers": [layer.blob.parent.name for layer in self.layers],
        }
        (folder / _INFO).write_bytes(readable_json(info))


def read_base(folder: Path) -> Base:
    info = read_format(folder / _INFO, "base description")
    return Base(
        architecture=info["architecture"],
        variant=info["variant"],
        soabi=info["soabi"],
        reference=info["reference"],
        digest=info["digest"],
        inherited=info["inherited"],
        config=info["config"],
        layers=tuple(read_layer(folder / name) for name in info["layers"]),
    )
