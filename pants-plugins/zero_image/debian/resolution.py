"""Chooses the packages of a base: the newest of each, and what they depend on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from zero_image.debian.lockfile import LockedPackage
from zero_image.errors import ImageError, nearest

# Dependencies that serve only a package's own installation, or modules of Python that no service imports.
_PRUNED = (
    *("awk", "debconf", "debconf-2.0", "openssl", "readline-common"),  # scripts at installation
    "openssl-provider-legacy",  # ciphers that are obsolete
    "libdb5.3*",  # the module dbm.ndbm
    *("libnsl2*", "libtirpc3*"),  # the module nis
)


@dataclass(frozen=True)
class Candidate:
    """A package that an archive offers."""

    package: LockedPackage
    depends: str
    """Pre-Depends and Depends, as in deb-control(5)."""
    provides: str


def roots(python: str) -> list[str]:
    """What a base is made of, before dependencies."""
    return [
        f"python{python}-minimal",
        f"libpython{python}-stdlib",
        *("base-files", "ca-certificates", "netbase", "media-types", "tzdata"),
        "libstdc++6",  # wheels with C++ inside, grpcio's among them, expect the system's
    ]


def resolve(candidates: Iterable[Candidate], wanted: Iterable[str]) -> list[LockedPackage]:
    """The newest version of every package of ``wanted`` and its dependencies, sorted by name.

    Versions in dependencies are not compared: all candidates are of one release, whose newest fit each other.
    """
    newest: dict[str, Candidate] = {}
    provided: dict[str, str] = {}
    for candidate in candidates:
        package = candidate.package
        current = newest.get(package.name)
        if current is None or compare_versions(package.version, current.package.version) > 0:
            newest[package.name] = candidate
    for name in sorted(newest):
        for virtual in re.findall(r"[a-z0-9][a-z0-9+.-]+(?=\s*(?:\(|,|$))", newest[name].provides):
            provided.setdefault(virtual, name)

    chosen: dict[str, LockedPackage] = {}
    problems: list[str] = []
    todo = [(name, "") for name in wanted]
    while todo:
        name, needed_by = todo.pop()
        found = newest.get(name) or newest.get(provided.get(name, ""))
        if found is None:
            why = f", which {needed_by} needs" if needed_by else ""
            problems.append(f"no package {name}{why}{nearest(name, newest)}")
        elif found.package.name not in chosen:
            chosen[found.package.name] = found.package
            todo += [
                (_alternative(clause, newest), found.package.name)
                for clause in found.depends.split(",")
                if clause.strip() and not _is_pruned(clause)
            ]
    if problems:
        raise ImageError(*problems)
    return [chosen[name] for name in sorted(chosen)]


def _alternative(clause: str, known: Iterable[str]) -> str:
    """The first package of ``a (>= 1) | b`` that there is, or the first."""
    names = [re.split(r"[\s(:\[]", alternative.strip(), maxsplit=1)[0] for alternative in clause.split("|")]
    return next((name for name in names if name in known), names[0])


def _is_pruned(clause: str) -> bool:
    name = _alternative(clause, ())
    return any(fnmatchcase(name, pattern) for pattern in _PRUNED)


def compare_versions(left: str, right: str) -> int:
    """Negative, zero or positive, by the rules of deb-version(7)."""
    left_epoch, left_upstream, left_revision = _version_parts(left)
    right_epoch, right_upstream, right_revision = _version_parts(right)
    return (
        left_epoch - right_epoch
        or _compare_text(left_upstream, right_upstream)
        or _compare_text(left_revision, right_revision)
    )


def _version_parts(version: str) -> tuple[int, str, str]:
    epoch, colon, rest = version.rpartition(":")
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch) if colon else 0, upstream, revision


def _compare_text(left: str, right: str) -> int:
    """Runs of other characters and runs of digits in turn, until one differs."""
    lefts, rights = re.findall(r"(\D*)(\d*)", left), re.findall(r"(\D*)(\d*)", right)
    for i in range(max(len(lefts), len(rights))):
        left_text, left_digits = lefts[i] if i < len(lefts) else ("", "")
        right_text, right_digits = rights[i] if i < len(rights) else ("", "")
        # The end sorts after ~ and before all else; letters sort before other characters.
        left_order, right_order = [*map(_order, left_text), 0], [*map(_order, right_text), 0]
        if left_order != right_order:
            return -1 if left_order < right_order else 1
        if difference := int(left_digits or 0) - int(right_digits or 0):
            return difference
    return 0


def _order(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256
