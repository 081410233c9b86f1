"""What an ELF file says of the other files it needs in order to run.

Layout: System V ABI, chapters 4 and 5, in the 64-bit little-endian form of all platforms served here.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_RPATH, _DT_RUNPATH = 0, 1, 5, 15, 29
_MACHINES = {62: "x86_64", 183: "aarch64"}
_GLIBC_SYMBOL_VERSION = re.compile(rb"GLIBC_2\.(\d+)\0")


@dataclass(frozen=True)
class Elf:
    machine: str
    """As in wheel tags and ``uname -m``: ``x86_64``, ``aarch64``; a number for others."""
    interpreter: str
    """The dynamic loader an executable asks for; empty in libraries."""
    needed: tuple[str, ...]
    runpath: tuple[str, ...]


def is_elf(data: bytes) -> bool:
    return data[:6] == b"\x7fELF\x02\x01"


def parse(data: bytes) -> Elf:
    """Reads a whole 64-bit little-endian ELF file, of which ``is_elf`` is true."""
    (machine,) = struct.unpack_from("<H", data, 18)
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    headers = [struct.unpack_from("<IIQQQQ", data, table + size * i) for i in range(count)]
    loads = [(address, offset, length) for kind, _, offset, address, _, length in headers if kind == _PT_LOAD]

    interpreter = ""
    tags: list[tuple[int, int]] = []
    for kind, _, offset, _, _, length in headers:
        if kind == _PT_INTERP:
            interpreter = _string(data, offset)
        elif kind == _PT_DYNAMIC:
            tags += struct.iter_unpack("<qQ", data[offset : offset + length - length % 16])

    strings = next((_offset(loads, value) for tag, value in tags if tag == _DT_STRTAB), 0)
    needed: list[str] = []
    runpath: list[str] = []
    for tag, value in tags:
        if tag == _DT_NULL:
            break
        if tag == _DT_NEEDED:
            needed.append(_string(data, strings + value))
        elif tag in (_DT_RPATH, _DT_RUNPATH):
            runpath += _string(data, strings + value).split(":")
    return Elf(_MACHINES.get(machine, str(machine)), interpreter, tuple(needed), tuple(runpath))


def glibc_needed(data: bytes) -> int:
    """The minor version of the newest glibc 2.x whose symbols a library uses; 0 when it uses none."""
    return max((int(minor) for minor in _GLIBC_SYMBOL_VERSION.findall(data)), default=0)


def _offset(loads: list[tuple[int, int, int]], address: int) -> int:
    return next(
        (offset + address - start for start, offset, size in loads if start <= address < start + size), 0
    )


def _string(data: bytes, offset: int) -> str:
    return data[offset : data.index(b"\0", offset)].decode("utf-8", "surrogateescape")
