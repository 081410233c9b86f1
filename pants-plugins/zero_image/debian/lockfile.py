"""The lock of a Debian base: every package by archive, path and SHA-256, and no mirror's name.

A mirror's address joins an entry as ``<mirror of entry["archive"]>/<entry["path"]>``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zero_image.errors import ImageError
from zero_image.outputs import FORMAT, read_format, readable_json

OCI_ARCHITECTURES = {"amd64": "amd64", "arm64": "arm64"}
"""Debian's names of architectures and those of OCI."""


@dataclass(frozen=True)
class LockedPackage:
    name: str
    version: str
    architecture: str
    archive: str
    """Which archive of the distribution has it: ``debian`` or ``debian-security``."""
    path: str
    """Within that archive: ``pool/main/...``; its last part is the file's name."""
    sha256: str
    size: int

    @property
    def filename(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class DebianLock:
    distribution: str
    release: str
    """The release's number: ``12``."""
    suite: str
    """The release's name: ``bookworm``."""
    architecture: str
    """As Debian names it: ``amd64``."""
    python: str
    """The minor version of the Python in it: ``3.11``."""
    packages: tuple[LockedPackage, ...]
    extra: tuple[str, ...] = ()
    """The packages that were asked for besides those of every base."""

    def to_json(self) -> bytes:
        value = asdict(self)
        if not self.extra:
            del value["extra"]
        return readable_json({"format": FORMAT, **value})


def read_lock(path: Path) -> DebianLock:
    """Raises ImageError for a file that is not a lock of this format."""
    value = read_format(path, "Debian lock")
    del value["format"]
    try:
        packages = tuple(LockedPackage(**package) for package in _list(value.pop("packages")))
        lock = DebianLock(packages=packages, extra=tuple(_list(value.pop("extra", []))), **value)
    except (KeyError, TypeError) as error:
        raise ImageError(
            f"{path}: not a Debian lock: {error}", hint="write it anew with the command `lock`"
        ) from None
    if lock.architecture not in OCI_ARCHITECTURES:
        raise ImageError(f"{path}: no support for the architecture {lock.architecture!r}")
    return lock


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    return value
