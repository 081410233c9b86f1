"""Small but real inputs for tests: a system around the Python that runs them, packages, PEX files."""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import sys
import sysconfig
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from zero_image.filesystem import elf

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
MODULES = ("os.py", "json/__init__.py", "asyncio/__init__.py", "asyncio/base_events.py")
Files = Mapping[str, bytes | str]
"""Contents by path; a text is the target of a symbolic link."""


def host_files() -> dict[str, bytes | str]:
    """The running interpreter as a file system: itself, what it has loaded, its codecs and some modules."""
    executable = Path(os.path.realpath(sys.executable))
    program = executable.read_bytes()
    loader = elf.parse(program).interpreter
    stdlib = Path(sysconfig.get_path("stdlib"))
    libraries = f"usr/lib/{os.uname().machine}-linux-gnu"
    files: dict[str, bytes | str] = {
        f"usr/bin/python{VERSION}": program,
        loader.strip("/"): Path(loader).read_bytes(),
    }
    extension = getattr(zlib, "__file__", None)  # built in, in some interpreters
    if extension is not None:
        files[f"usr/lib/python{VERSION}/lib-dynload/{Path(extension).name}"] = Path(extension).read_bytes()
    for line in Path("/proc/self/maps").read_text().splitlines():
        path = Path(line.partition("/")[1] + line.partition("/")[2])
        if path.name.startswith("lib") and ".so" in path.name:
            # Asked for as libz.so.1, stored as libz.so.1.2.13.
            short = ".".join(path.name.split(".")[:3])
            files[f"{libraries}/{path.name}"] = _without_debugging(path.read_bytes())
            if short != path.name and not path.name.startswith("libpython"):
                files[f"{libraries}/{short}"] = path.name
    for module in (*MODULES, *(f"encodings/{path.name}" for path in (stdlib / "encodings").glob("*.py"))):
        files[f"usr/lib/python{VERSION}/{module}"] = (stdlib / module).read_bytes()
    return files


def foreign_files() -> dict[str, bytes | str]:
    """The same system as for the other architecture: its programs say that they are made for that."""
    own = os.uname().machine
    other, number = ("aarch64", 183) if own == "x86_64" else ("x86_64", 62)

    def retold(data: bytes | str) -> bytes | str:
        if isinstance(data, str) or not elf.is_elf(data):
            return data
        return data[:18] + number.to_bytes(2, "little") + data[20:]

    return {path.replace(own, other): retold(data) for path, data in host_files().items()}


def _without_debugging(library: bytes) -> bytes:
    """What is loaded of a library; a Python built on the spot may carry five times that in symbols."""
    (table,) = struct.unpack_from("<Q", library, 32)
    size, count = struct.unpack_from("<HH", library, 54)
    headers = [struct.unpack_from("<IIQQQQ", library, table + size * i) for i in range(count)]
    return library[: max(offset + length for _, _, offset, _, _, length in headers)]


def tar_of(files: Files, mode: int = 0o644) -> bytes:
    """An uncompressed tar archive; programs and libraries get their usual mode."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(f"./{path}")
            member.mode = 0o755 if "/bin/" in path else mode
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def deb(name: str, version: str, data: bytes, data_name: str = "data.tar") -> bytes:
    """A Debian package around an archive of its files."""
    control = f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nDescription: test\n"
    members = {
        "debian-binary": b"2.0\n",
        "control.tar": tar_of({"control": control.encode()}),
        data_name: data,
    }
    archive = b"!<arch>\n"
    for member, content in members.items():
        archive += f"{member:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content
        archive += b"\n" * (len(content) % 2)
    return archive


def write_debs(folder: Path, packages: Mapping[str, bytes], python: str = VERSION) -> Path:
    """Writes packages (archives of files by name) and answers the path of their lock, beside ``folder``."""
    folder.mkdir(parents=True)
    entries = []
    for name, data in packages.items():
        content = deb(name, "1.0-1", data)
        filename = f"{name}_1.0-1_amd64.deb"
        (folder / filename).write_bytes(content)
        entries.append(
            {
                "name": name,
                "version": "1.0-1",
                "architecture": "amd64",
                "archive": "debian",
                "path": f"pool/main/{name}/{filename}",
                "sha256": hashlib.sha256(content).hexdigest(),
                "size": len(content),
            }
        )
    lock = {
        "format": 1,
        "distribution": "debian",
        "release": "12",
        "suite": "bookworm",
        "architecture": "amd64",
        "python": python,
        "packages": entries,
    }
    path = folder.with_suffix(".lock")
    path.write_text(json.dumps(lock))
    return path


def wheel(name: str, version: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """An installed distribution as a PEX stores it."""
    info = f"{name}-{version}.dist-info"
    record = "".join(f"{path},,\n" for path in files)
    return {
        ".layout.json": b'{"stash_dir": ".prefix", "record_relpath": "RECORD"}',
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/RECORD": f"{record}{info}/RECORD,,\n{name}.pex-info/origin.json,,\n".encode(),
        f"{name}.pex-info/origin.json": b"{}",
        **files,
    }


def pex_files(wheels: Mapping[str, Mapping[str, bytes]], **info: object) -> dict[str, bytes]:
    """The files of a PEX of distributions by their wheels' names."""
    files = {"PEX-INFO": json.dumps({"distributions": dict.fromkeys(wheels, "0"), **info}).encode()}
    for name, members in wheels.items():
        files |= {f".deps/{name}/{path}": content for path, content in members.items()}
    return files


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = (0o755 if "/bin/" in name else 0o644) << 16
            archive.writestr(member, content)
    return path


def write_folder(path: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
        (path / name).chmod(0o755 if "/bin/" in name else 0o644)
    return path


def members(blob: Path) -> dict[str, tarfile.TarInfo]:
    """What a layer's blob holds, by path."""
    with tarfile.open(blob) as tar:
        return {member.name: member for member in tar}


def content(blob: Path, path: str) -> bytes:
    """The content of one file of a layer's blob."""
    with tarfile.open(blob) as tar:
        stream = tar.extractfile(path)
        assert stream is not None
        return stream.read()
