"""The platform of an image whose Python this machine lacks, in the words of pex's `--complete-platform`.

Third-party wheels are then chosen for that platform instead of for an interpreter that is asked.
Distributions without wheels for it cannot be installed.
"""

from __future__ import annotations

import json
from typing import Dict, Iterable, Iterator, List, Mapping

from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import canonicalize_name

MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}

# The oldest glibc that Debian's supported architectures and PyPI's wheels have in common: manylinux2014 is 2.17.
OLDEST_GLIBC = 17


def complete_platform(version: str, glibc: int, architecture: str) -> bytes:
    """The document for CPython `version` ("3.11.2"), Linux with glibc 2.`glibc`, and `architecture` as OCI names it."""
    machine = MACHINES[architecture]
    numbers = [int(number) for number in version.split(".")[:2]]
    interpreter = f"cp{numbers[0]}{numbers[1]}"
    platforms = list(_platforms(glibc, machine))
    tags = [
        *cpython_tags(numbers, abis=[interpreter], platforms=platforms),
        *compatible_tags(numbers, interpreter=interpreter, platforms=platforms),
    ]
    markers = _markers(version, architecture)
    return json.dumps(
        {"marker_environment": markers, "compatible_tags": [str(tag) for tag in tags]}, indent=1
    ).encode()


def missing(requires: Mapping[str, Iterable[str]], version: str, architecture: str) -> List[str]:
    """The distributions that some of others need on that Python and are not among them.

    `requires` has what each distribution says that it needs, by the name of its wheel. A PEX that was resolved for
    another patch of the same Python may lack some, such as backports.
    """
    there = {canonicalize_name(wheel.split("-")[0]) for wheel in requires}
    environment = {**_markers(version, architecture), "extra": ""}
    needed = set()
    for requirement in _parsed(line for lines in requires.values() for line in lines):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            needed.add(canonicalize_name(requirement.name))
    return sorted(needed - there)


def _parsed(lines: Iterable[str]) -> Iterator[Requirement]:
    for line in lines:
        try:
            yield Requirement(line)
        except InvalidRequirement:
            continue  # of an old distribution: pip, which knows more forms, has resolved it


def _markers(version: str, architecture: str) -> Dict[str, str]:
    """PEP 508's variables. Those of the kernel are unknown at build time, and of no use in markers."""
    return {
        "implementation_name": "cpython",
        "implementation_version": version,
        "os_name": "posix",
        "platform_machine": MACHINES[architecture],
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": version,
        "python_version": ".".join(version.split(".")[:2]),
        "sys_platform": "linux",
    }


def _platforms(glibc: int, machine: str) -> Iterator[str]:
    """Newest first, as an interpreter lists them (PEP 600)."""
    for minor in range(glibc, OLDEST_GLIBC - 1, -1):
        yield f"manylinux_2_{minor}_{machine}"
    yield f"manylinux2014_{machine}"
    yield f"linux_{machine}"
