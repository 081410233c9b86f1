"""Takes out of a base image the few files that make its Python run here, or borrows those of another base."""

from __future__ import annotations

import io
import pkgutil
import posixpath
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

from zero_image.errors import ImageError
from zero_image.filesystem import elf
from zero_image.filesystem.rootfs import RootFs
from zero_image.outputs import FORMAT, readable_json
from zero_image.python.compiler import (
    HOME,
    INFO,
    LIBRARIES,
    LOADER,
    WORKER,
    Compiler,
    read_compiler,
)
from zero_image.python.info import PythonInfo

# In the order of preference: what an image adds itself before what its system brings.
_BIN_FOLDERS = ("usr/local/bin", "usr/bin")
_OLDEST = (3, 11)  # the first to have the modules of its own start-up frozen in
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def find_python(root: RootFs, wanted: str = "") -> str:
    """The path of the base's interpreter, of the minor version ``wanted`` when that is given."""
    found: dict[str, tuple[int, int]] = {}
    for folder in _BIN_FOLDERS:
        for path in root.files(folder):
            if match := re.fullmatch(r"python(\d)\.(\d+)t?", posixpath.basename(path)):
                found[path] = (int(match[1]), int(match[2]))
    if wanted:
        found = {path: version for path, version in found.items() if "{}.{}".format(*version) == wanted}
    usable = {path: version for path, version in found.items() if version >= _OLDEST}
    if not usable:
        searched = " or ".join(f"/{folder}" for folder in _BIN_FOLDERS)
        there = f"; there is {', '.join(f'/{path}' for path in found)}" if found else ""
        raise ImageError(
            f"the base image has no Python {wanted or '3.11 or newer'} in {searched}{there}",
            hint="take a base with Python inside, such as a slim or distroless Python image",
        )
    return next(iter(usable))


def write_compiler(root: RootFs, executable: str, lender: Path | None, folder: Path) -> PythonInfo:
    """Writes the compiler of a base to ``folder``: its own Python, or that of ``lender`` where there is one."""
    return borrow(root, executable, lender, folder) if lender else extract(root, executable, folder)


def extract(root: RootFs, executable: str, folder: Path) -> PythonInfo:
    """Writes the compiler of a base to ``folder`` and answers what its Python is.

    ``root`` holds the interpreter, whose path is ``executable``, its libraries and its ``encodings``.
    """
    facts = _program(root, executable)
    name = posixpath.basename(executable)
    stdlib = _stdlib(executable)
    lib = posixpath.dirname(stdlib)

    programs = [executable, *(path for path in root.files(f"{stdlib}/lib-dynload") if "/zlib." in path)]
    libraries: dict[str, str] = {}
    for program in programs:
        libraries |= _libraries(root, program)

    worker = pkgutil.get_data("zero_image.python", "worker.py")
    assert worker is not None
    data, loader = root.read(executable), root.read(facts.interpreter)
    assert data is not None and loader is not None
    files = {WORKER: worker, LOADER: loader, f"{HOME}/bin/{name}": data}
    files |= {f"{LIBRARIES}/{library}": root.nodes[path].data for library, path in libraries.items()}
    files |= {f"{HOME}/lib/{path.removeprefix(lib + '/')}": root.nodes[path].data for path in programs[1:]}
    files[f"{HOME}/lib/{name.replace('.', '')}.zip"] = _zip(root, stdlib)
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    (folder / LOADER).chmod(0o755)
    (folder / HOME / "bin" / name).chmod(0o755)

    draft = PythonInfo("", f"/{executable}", f"/{stdlib}", "", "", facts.machine, 0)
    with Compiler(folder, draft) as compiler:
        version, soabi, cache_tag, libc = compiler.describe()
    glibc = int(libc.removeprefix("glibc 2."))
    python = replace(draft, version=version, soabi=soabi, cache_tag=cache_tag, glibc=glibc)
    _write_info(python, folder)
    return python


def borrow(root: RootFs, executable: str, lender: Path, folder: Path) -> PythonInfo:
    """Writes the compiler of a base whose Python does not run here, and answers what that Python is.

    ``lender`` is the compiler of a base with the same minor version for this machine: bytecode is the same on all
    architectures. What of it runs is copied, what it says of the image is said of this one.
    """
    facts = _program(root, executable)
    lent = read_compiler(lender)
    name = posixpath.basename(executable)
    if name != posixpath.basename(lent.executable):
        raise ImageError(
            f"the compiler {lender} is {posixpath.basename(lent.executable)}, the base image has {name}",
            hint="take the compiler of a base with the same version of Python",
        )
    libc = root.read(_libraries(root, executable)["libc.so.6"])
    assert libc is not None
    python = replace(
        lent,
        executable=f"/{executable}",
        stdlib=f"/{_stdlib(executable)}",
        soabi=lent.soabi.replace(lent.machine, facts.machine),
        machine=facts.machine,
        # The C library has the symbols of every version up to its own.
        glibc=elf.glibc_needed(libc),
    )
    shutil.copytree(lender, folder)
    _write_info(python, folder)
    return python


def _program(root: RootFs, executable: str) -> elf.Elf:
    """What the base's interpreter is made for; raises ImageError where it is no program of glibc's."""
    data = root.read(executable) or b""
    facts = elf.parse(data) if elf.is_elf(data) else None
    if facts is None or root.read(facts.interpreter) is None:
        raise ImageError(f"/{executable} of the base image is not a dynamic 64-bit Linux program")
    if not posixpath.basename(facts.interpreter).startswith("ld-linux"):
        raise ImageError(
            f"/{executable} of the base image uses the dynamic loader {facts.interpreter}, not glibc's",
            hint="take a base built on glibc (Debian, Ubuntu, distroless ...)",
        )
    return facts


def _stdlib(executable: str) -> str:
    return f"{posixpath.dirname(posixpath.dirname(executable))}/lib/{posixpath.basename(executable)}"


def _libraries(root: RootFs, program: str) -> dict[str, str]:
    found, missing = root.needed_libraries(program)
    if missing:
        raise ImageError(
            f"/{program} of the base image needs {', '.join(sorted(missing))}, which it does not have"
        )
    return found


def _write_info(python: PythonInfo, folder: Path) -> None:
    (folder / INFO).write_bytes(readable_json({"format": FORMAT, "python": python.to_json()}))


def _zip(root: RootFs, stdlib: str) -> bytes:
    """The codecs, in the zip file that is first on any Python's path: one file instead of 120."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in root.files(f"{stdlib}/encodings", ".py"):
            archive.writestr(
                zipfile.ZipInfo(path.removeprefix(stdlib + "/"), _ZIP_EPOCH), root.nodes[path].data
            )
    return buffer.getvalue()
