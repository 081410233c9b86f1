"""The platform of an image whose Python this machine lacks, in the words of pex's `--complete-platform`.

Third-party wheels are then chosen for that platform instead of for an interpreter that is asked.
Distributions without wheels for it cannot be installed.
"""

from __future__ import annotations

import json
from typing import Iterator

from packaging.tags import compatible_tags, cpython_tags

MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}

# The oldest glibc that Debian's supported architectures and PyPI's wheels have in common: manylinux2014 is 2.17.
OLDEST_GLIBC = 17


def complete_platform(python: str, glibc: int, architecture: str) -> bytes:
    """The document for CPython `python` ("3.11") on Linux with glibc 2.`glibc`, on `architecture` as OCI names it."""
    machine = MACHINES[architecture]
    version = tuple(map(int, python.split(".")))
    interpreter = f"cp{python.replace('.', '')}"
    platforms = list(_platforms(glibc, machine))
    tags = [
        *cpython_tags(version, abis=[interpreter], platforms=platforms),
        *compatible_tags(version, interpreter=interpreter, platforms=platforms),
    ]
    # PEP 508's variables. Those of the kernel are unknown at build time, and of no use in markers.
    markers = {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }
    return json.dumps(
        {"marker_environment": markers, "compatible_tags": [str(tag) for tag in tags]}, indent=1
    ).encode()


def _platforms(glibc: int, machine: str) -> Iterator[str]:
    """Newest first, as an interpreter lists them (PEP 600)."""
    for minor in range(glibc, OLDEST_GLIBC - 1, -1):
        yield f"manylinux_2_{minor}_{machine}"
    yield f"manylinux2014_{machine}"
    yield f"linux_{machine}"
