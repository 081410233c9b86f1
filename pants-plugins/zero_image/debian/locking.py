"""The command ``lock``: writes the lock of a Debian base from the archives' current indices.

A developer runs it to take in security updates; builds only read what it wrote.
"""

from __future__ import annotations

from pathlib import Path

from zero_image.debian.archive import Archive, apt_mirrors, packages
from zero_image.debian.control import Paragraph
from zero_image.debian.lockfile import OCI_ARCHITECTURES, DebianLock, LockedPackage
from zero_image.debian.resolution import Candidate, resolve, roots
from zero_image.errors import ImageError, nearest
from zero_image.outputs import new_file

RELEASES = {"bookworm": "12", "trixie": "13"}
"""Debian's releases by name."""
_MAIN, _SECURITY = "debian", "debian-security"


def write_lock(
    suite: str,
    architecture: str,
    python: str,
    extra: list[str],
    mirrors: dict[str, str],
    keyring: Path,
    output: Path,
) -> DebianLock:
    """Resolves the base's packages and ``extra`` ones; ``mirrors`` override those of apt, by archive."""
    if suite not in RELEASES:
        raise ImageError(f"no support for the Debian release {suite!r}{nearest(suite, RELEASES)}")
    if architecture not in OCI_ARCHITECTURES:
        raise ImageError(
            f"no support for the architecture {architecture!r}{nearest(architecture, OCI_ARCHITECTURES)}"
        )
    addresses = apt_mirrors() | mirrors
    missing = [archive for archive in (_MAIN, _SECURITY) if archive not in addresses]
    if missing:
        raise ImageError(
            *(f"apt's sources name no mirror of {archive}" for archive in missing),
            hint="name it: " + " ".join(f"--mirror {archive}=URL" for archive in missing),
        )
    sources = [(_MAIN, suite), (_MAIN, f"{suite}-updates"), (_SECURITY, f"{suite}-security")]
    candidates = [
        _candidate(archive, paragraph)
        for archive, name in sources
        for paragraph in packages(
            Archive(archive, addresses[archive].rstrip("/")), name, architecture, keyring
        )
    ]
    chosen = resolve(candidates, roots(python) + extra)
    lock = DebianLock("debian", RELEASES[suite], suite, architecture, python, tuple(chosen))
    with new_file(output) as partial:
        partial.write_bytes(lock.to_json())
    return lock


def _candidate(archive: str, paragraph: Paragraph) -> Candidate:
    package = LockedPackage(
        name=paragraph["Package"],
        version=paragraph["Version"],
        architecture=paragraph["Architecture"],
        archive=archive,
        path=paragraph["Filename"],
        sha256=paragraph["SHA256"],
        size=int(paragraph["Size"]),
    )
    depends = f"{paragraph.get('Pre-Depends', '')},{paragraph.get('Depends', '')}"
    return Candidate(package, depends, paragraph.get("Provides", ""))
