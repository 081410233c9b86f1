"""The commands ``requirements-layer`` and ``wheel-layer``: a virtual environment of third-party distributions.

It lives in /app and is one as ``python -m venv`` makes it, so that every tool finds its way in it. A layer of some
distributions depends on those and on the base's Python alone, so all services that have them share it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from zero_image.conventions import APP
from zero_image.errors import ImageError
from zero_image.filesystem import elf
from zero_image.layers.layer import LayerWriter, new_layer, write_bytecode
from zero_image.layers.sbom import Package, cyclonedx
from zero_image.python.compiler import CompileError, Compiler
from zero_image.python.info import PythonInfo
from zero_image.python.pex import Member, Pex, Wheel, read_wheel

_SHEBANG = f"#!/{APP}/bin/python\n"


def pex_layer(compiler_folder: Path, pex_path: Path, output: Path) -> None:
    """The environment with the distributions of a PEX; its own sources are left out."""
    pex = Pex(pex_path)
    with Compiler(compiler_folder) as compiler:
        python = compiler.python
        problems: list[str] = []
        if pex.constraints and not any(python.meets(constraint) for constraint in pex.constraints):
            problems.append(
                f"{pex_path} was made for {' or '.join(pex.constraints)}, the base image has {python}"
            )
        _refuse(problems + _misfits(pex.wheels, python), python)
        _write_requirements(compiler, pex.wheels, output)


def wheels_layer(compiler_folder: Path, folder: Path, output: Path) -> None:
    """The environment with the distributions in ``folder``, which is as the ``.deps`` of a packed or loose PEX."""
    if not folder.is_dir():
        raise ImageError(f"{folder}: there is no such folder")
    wheels = [read_wheel(path) for path in sorted(folder.iterdir())]
    with Compiler(compiler_folder) as compiler:
        _refuse(_misfits(wheels, compiler.python), compiler.python)
        _write_requirements(compiler, wheels, output)


def wheel_layer(compiler_folder: Path, paths: Sequence[Path], output: Path) -> None:
    """Distributions for an environment that another layer has."""
    wheels = [read_wheel(path) for path in paths]
    packages = [Package.pypi(wheel.name, wheel.version) for wheel in wheels]
    first, *others = packages
    title = f"{len(packages)} distributions" if others else f"{first.name} {first.version}"
    with Compiler(compiler_folder) as compiler:
        _refuse(_misfits(wheels, compiler.python), compiler.python)
        with new_layer(output, compiler, title, packages) as layer:
            for wheel in wheels:
                _write_wheel(layer, compiler, wheel)
            for package in packages:
                bill = f"{APP}/sbom/{package.name}-{package.version}.cdx.json"
                layer.file(bill, cyclonedx([package]))


def _write_requirements(compiler: Compiler, wheels: Sequence[Wheel], output: Path) -> None:
    packages = [Package.pypi(wheel.name, wheel.version) for wheel in wheels]
    with new_layer(output, compiler, "third-party distributions", packages) as layer:
        _write_environment(layer, compiler.python)
        for wheel in wheels:
            _write_wheel(layer, compiler, wheel)
        layer.file(f"{APP}/sbom/requirements.cdx.json", cyclonedx(packages))


def _misfits(wheels: Sequence[Wheel], python: PythonInfo) -> list[str]:
    """All distributions that cannot run on the base's Python, and why."""
    problems: list[str] = []
    for wheel in wheels:
        reason = python.refusal(wheel.tags)
        if not reason and wheel.is_local:
            # Such a wheel has no tag that says so; its libraries do.
            shared = (member for member in wheel.members if ".so" in posixpath.basename(member.path))
            needed = max((elf.glibc_needed(member.read()) for member in shared), default=0)
            if needed > python.glibc:
                reason = f"it was built against glibc 2.{needed}"
        if reason:
            problems.append(f"{wheel.filename} cannot run on the base image ({python}): {reason}")
    return problems


def _refuse(problems: Sequence[str], python: PythonInfo) -> None:
    if problems:
        raise ImageError(
            *problems,
            hint=f"resolve the PEX for CPython {python.minor} (interpreter_constraints "
            f"CPython=={python.minor}.*), or choose a base image with the PEX's Python",
        )


def _write_environment(layer: LayerWriter, python: PythonInfo) -> None:
    home = posixpath.dirname(python.executable)
    settings = f"home = {home}\ninclude-system-site-packages = false\nversion = {python.version}\n"
    layer.file(f"{APP}/pyvenv.cfg", settings.encode())
    layer.symlink(f"{APP}/bin/python", python.executable)
    for name in ("python3", f"python{python.minor}"):
        layer.symlink(f"{APP}/bin/{name}", "python")


def _write_wheel(layer: LayerWriter, compiler: Compiler, wheel: Wheel) -> None:
    """A path that an earlier distribution has stays as that has it, which is what a PEX would import too."""
    site = f"{APP}/{compiler.python.site_packages}"
    commands = wheel.commands
    for member in wheel.members:
        kind, _, rest = member.path.partition("/")
        path = {"site": f"{site}/{rest}", "bin": f"{APP}/bin/{rest}", "data": f"{APP}/{rest}"}[kind]
        if path in layer or (kind == "bin" and rest in commands):
            continue
        data = _with_shebang(member.read()) if kind == "bin" else member.read()
        layer.file(path, data, _mode(member))
        if path.endswith(".py") and kind == "site":
            # Templates and code for other Pythons travel in wheels; importing them fails in any case.
            with suppress(CompileError):
                write_bytecode(layer, compiler, path, data)
    for name, (module, attribute) in sorted(commands.items()):
        if f"{APP}/bin/{name}" not in layer:
            top = attribute.partition(".")[0]
            script = f"import sys\n\nfrom {module} import {top}\n\nsys.exit({attribute}())\n"
            layer.file(f"{APP}/bin/{name}", (_SHEBANG + script).encode(), 0o755)


def _with_shebang(script: bytes) -> bytes:
    """A script that was written for some Python, with that of the environment."""
    first, _, rest = script.partition(b"\n")
    return _SHEBANG.encode() + rest if first.startswith(b"#!") and b"python" in first else script


def _mode(member: Member) -> int:
    return 0o755 if member.executable or member.path.startswith("bin/") else 0o644
