"""What an image for one platform is made of, as `assemble` is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Parts:
    """The folders of a base and of the layers above it, lowest first."""

    base: Path
    layers: list[Path] = field(default_factory=list)
    sbom: Path | None = None
    """A file to write with the platform's bill of materials."""
