"""The software bill of materials of an image, in CycloneDX 1.6.

It has neither serial number nor time, both optional in the format: it changes only when the packages do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from zero_image.outputs import readable_json


@dataclass(frozen=True, order=True)
class Package:
    name: str
    version: str
    purl: str
    """The package URL, which names a package across ecosystems (package-url/purl-spec)."""

    @classmethod
    def deb(cls, name: str, version: str, architecture: str, distro: str) -> Package:
        """``distro`` is named as in os-release: ``debian-12``."""
        namespace = distro.partition("-")[0]
        qualifiers = f"arch={quote(architecture)}&distro={quote(distro)}"
        return cls(name, version, f"pkg:deb/{namespace}/{quote(name)}@{quote(version, safe='')}?{qualifiers}")

    @classmethod
    def pypi(cls, name: str, version: str) -> Package:
        normal = name.lower().replace("_", "-").replace(".", "-")
        return cls(normal, version, f"pkg:pypi/{normal}@{quote(version, safe='')}")

    @classmethod
    def from_json(cls, value: dict[str, str]) -> Package:
        return cls(**value)

    def to_json(self) -> dict[str, str]:
        return {"name": self.name, "version": self.version, "purl": self.purl}


def cyclonedx(packages: Iterable[Package]) -> bytes:
    """The bill of these packages, sorted, each once."""
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "components": [
            {"type": "library", "bom-ref": package.purl, **package.to_json()}
            for package in sorted(set(packages))
        ],
    }
    return readable_json(document)
