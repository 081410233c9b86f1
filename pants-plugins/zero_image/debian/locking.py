"""The commands ``lock`` and ``refresh``: write locks of a Debian base from the archives' current indices.

A developer runs them to take in security updates; builds only read what they wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from zero_image.debian.archive import KEYRING, Archive, apt_mirrors, packages
from zero_image.debian.control import Paragraph
from zero_image.debian.lockfile import OCI_ARCHITECTURES, DebianLock, LockedPackage, read_lock
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
    extra: Iterable[str],
    mirrors: dict[str, str],
    keyring: Path | None,
    output: Path,
) -> DebianLock:
    """Resolves the base's packages and ``extra`` ones; ``mirrors`` override those of apt, by archive."""
    lock = _resolved(suite, architecture, python, tuple(extra), mirrors, keyring)
    _write(lock, output)
    return lock


def refresh_locks(
    paths: Iterable[Path], mirrors: dict[str, str], keyring: Path | None = None
) -> Iterator[str]:
    """Writes each lock anew with its own release, architecture and extra packages; answers what changed, as text.

    A folder stands for the locks in it. All are resolved before the first is written.
    """
    files = [file for path in paths for file in (sorted(path.glob("*.lock")) if path.is_dir() else [path])]
    if not files:
        raise ImageError("there are no locks here", hint="name locks, or a folder with *.lock files")
    problems: list[str] = []
    locks: list[tuple[Path, DebianLock, DebianLock]] = []
    for file in files:
        try:
            old = read_lock(file)
            new = _resolved(old.suite, old.architecture, old.python, old.extra, mirrors, keyring)
        except ImageError as error:
            problems += [f"{file}: {problem}" for problem in error.problems]
        else:
            locks.append((file, old, new))
    if problems:
        raise ImageError(*problems)
    for file, old, new in locks:
        _write(new, file)
        yield from _changes(file, old, new)


def _changes(file: Path, old: DebianLock, new: DebianLock) -> Iterator[str]:
    before = {package.name: package.version for package in old.packages}
    after = {package.name: package.version for package in new.packages}
    changed = sorted(name for name in before | after if before.get(name) != after.get(name))
    yield f"{file}: {len(after)} packages, {len(changed)} changed"
    for name in changed:
        yield f"  {name}: {before.get(name, 'new')} -> {after.get(name, 'gone')}"


def _write(lock: DebianLock, output: Path) -> None:
    with new_file(output) as partial:
        partial.write_bytes(lock.to_json())


def _resolved(
    suite: str,
    architecture: str,
    python: str,
    extra: tuple[str, ...],
    mirrors: dict[str, str],
    keyring: Path | None,
) -> DebianLock:
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
            Archive(archive, addresses[archive].rstrip("/")), name, architecture, keyring or KEYRING
        )
    ]
    chosen = resolve(candidates, [*roots(python), *extra])
    return DebianLock("debian", RELEASES[suite], suite, architecture, python, tuple(chosen), extra)


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
