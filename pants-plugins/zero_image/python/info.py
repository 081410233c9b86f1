"""The Python inside an image, and which distributions it can run."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

# PEP 513, 571 and 599: the older names of manylinux platforms and the glibc 2.x each stands for.
_LEGACY_MANYLINUX = {"manylinux1": 5, "manylinux2010": 12, "manylinux2014": 17}
_SPECIFIER = re.compile(r"(===|==|!=|~=|>=|<=|>|<)\s*([0-9.]+?)(\.\*)?(?=[,\s]|$)")


@dataclass(frozen=True)
class PythonInfo:
    version: str
    """All of it: ``3.11.2``."""
    executable: str
    """Its path in the image: ``/usr/bin/python3.11``."""
    stdlib: str
    """The folder of its standard library in the image: ``/usr/lib/python3.11``."""
    soabi: str
    """What its extension modules carry in their names: ``cpython-311-x86_64-linux-gnu``."""
    cache_tag: str
    """What its bytecode files carry in theirs: ``cpython-311``."""
    machine: str
    """As ``uname -m`` says: ``x86_64``."""
    glibc: int
    """The minor version of its C library, glibc 2.x."""

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> PythonInfo:
        return cls(**value)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def numbers(self) -> tuple[int, int]:
        major, minor = self.version.split(".")[:2]
        return int(major), int(minor)

    @property
    def minor(self) -> str:
        """``3.11``"""
        return "{}.{}".format(*self.numbers)

    @property
    def nodot(self) -> str:
        """``311``, or ``313t`` where Python is built without the global interpreter lock."""
        return self.soabi.split("-")[1]

    @property
    def site_packages(self) -> str:
        """Where a virtual environment keeps its distributions: ``lib/python3.11/site-packages``."""
        return f"lib/{posixpath.basename(self.stdlib)}/site-packages"

    def __str__(self) -> str:
        return f"CPython {self.minor}, linux {self.machine}, glibc 2.{self.glibc}"

    def refusal(self, tags: Iterable[tuple[str, str, str]]) -> str:
        """Why a wheel with these (python, abi, platform) tags cannot run here; empty when it can."""
        reasons = [self._refusal(*tag) for tag in tags]
        return min(reasons, key=len) if all(reasons) else ""

    def _refusal(self, python: str, abi: str, platform: str) -> str:
        return self._python_refusal(python, abi) or self._platform_refusal(platform)

    def _python_refusal(self, python: str, abi: str) -> str:
        match = re.fullmatch(r"(py|cp)(\d)(\d*)", python)
        if match is None or int(match[2]) != self.numbers[0]:
            return f"it is made for {python}"
        own = f"cp{self.nodot}"
        minor = int(match[3] or 0)
        if abi == own:
            exact = minor == self.numbers[1]
        elif abi in ("abi3", "none"):
            # The stable ABI of the ordinary build is not that of the free-threaded one.
            exact = minor <= self.numbers[1] and not (abi == "abi3" and own.endswith("t"))
            if abi == "none" and match[1] == "cp":
                exact = minor == self.numbers[1]
        else:
            exact = False
        return "" if exact else f"it is made for CPython {match[2]}.{match[3] or 0} (tags {python}-{abi})"

    def _platform_refusal(self, platform: str) -> str:
        if platform in ("any", f"linux_{self.machine}"):
            return ""
        match = re.fullmatch(r"(manylinux(?:1|2010|2014|_2_(\d+)))_(\w+)", platform)
        if match is None or match[3] != self.machine:
            return f"it is made for {platform}"
        glibc = int(match[2]) if match[2] else _LEGACY_MANYLINUX[match[1]]
        return "" if glibc <= self.glibc else f"it needs glibc 2.{glibc}"

    def meets(self, constraint: str) -> bool:
        """Whether a PEX interpreter constraint such as ``CPython>=3.11,<3.13`` admits this Python."""
        name = re.match(r"[A-Za-z]*", constraint)
        if name is not None and name[0] not in ("", "CPython"):
            return False
        return all(self._meets(*match) for match in _SPECIFIER.findall(constraint))

    def _meets(self, operator: str, version: str, star: str) -> bool:
        wanted = tuple(int(part) for part in version.split("."))
        own = tuple(int(part) for part in re.findall(r"\d+", self.version)[:3])
        # 3.11 and 3.11.0 are one version; 3.11.* compares as many numbers as it has.
        width = len(wanted) if star else max(len(wanted), len(own))
        mine, theirs = (own + (0,) * 3)[:width], (wanted + (0,) * 3)[:width]
        match operator:
            case "==" | "===":
                return mine == theirs
            case "!=":
                return mine != theirs
            case "~=":
                return mine >= theirs and own[: len(wanted) - 1] == wanted[:-1]
            case ">=":
                return mine >= theirs
            case "<=":
                return mine <= theirs
            case ">":
                return mine > theirs
            case _:
                return mine < theirs
