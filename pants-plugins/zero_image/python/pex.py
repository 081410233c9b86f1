"""Reads the distributions of a PEX: a zip file, a folder, or a folder with a zip file for each ("packed").

A distribution is stored installed: what goes to site-packages lies at its root, the rest below ``.prefix``.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from zero_image.errors import ImageError

_INFO = "PEX-INFO"
_DEPS = ".deps"
_STASH = ".prefix/"


@dataclass(frozen=True)
class Member:
    path: str
    """Where it goes: ``site/`` is site-packages, ``bin/`` the scripts, ``data/`` the environment itself."""
    read: Callable[[], bytes]
    executable: bool


class Wheel:
    """An installed distribution, named as its wheel was."""

    def __init__(self, filename: str, stored: dict[str, Member]) -> None:
        self.filename = filename
        self._stored = stored
        # PEP 427: name-version(-build)?-python-abi-platform.whl; each tag may be several, joined by dots.
        try:
            stem, self._python, self._abi, self._platform = filename.removesuffix(".whl").rsplit("-", 3)
            self.name, self.version = stem.split("-")[:2]
        except ValueError:
            raise ImageError(
                f"{filename!r} is not the name of a wheel", hint="NAME-VERSION-PYTHON-ABI-PLATFORM.whl is"
            ) from None

    @property
    def tags(self) -> Iterator[tuple[str, str, str]]:
        """Every (python, abi, platform) that the wheel's name stands for."""
        for python in self._python.split("."):
            for abi in self._abi.split("."):
                for platform in self._platform.split("."):
                    yield python, abi, platform

    @property
    def is_local(self) -> bool:
        """Whether it was built on the machine that made the PEX, against that machine's libraries."""
        return any(platform.startswith("linux_") for platform in self._platform.split("."))

    @cached_property
    def members(self) -> list[Member]:
        """What an installation consists of, sorted by path."""
        placed = (_placed(path, member) for path, member in sorted(self._stored.items()))
        members = {member.path: member for member in placed if member is not None}
        for path, member in members.items():
            if re.fullmatch(r"site/[^/]+\.dist-info/RECORD", path):
                members[path] = replace(member, read=partial(_record, member.read, members.keys()))
        return [members[path] for path in sorted(members)]

    @property
    def commands(self) -> dict[str, tuple[str, str]]:
        """The module and the attribute behind each console script."""
        commands: dict[str, tuple[str, str]] = {}
        for member in self.members:
            if re.fullmatch(r"site/[^/]+\.dist-info/entry_points\.txt", member.path):
                section = ""
                for line in map(str.strip, member.read().decode().splitlines()):
                    if line.startswith("["):
                        section = line.strip("[] ")
                    elif section in ("console_scripts", "gui_scripts") and (
                        match := re.fullmatch(r"([^=\s]+)\s*=\s*([\w.]+)\s*:\s*([\w.]+)\s*(?:\[.*\])?", line)
                    ):
                        commands[match[1]] = (match[2], match[3])
        return commands


class Pex:
    def __init__(self, path: Path) -> None:
        """Raises ImageError for what is not a PEX."""
        try:
            stored = _folder(path) if path.is_dir() else _zip(path)
            self.info: dict[str, Any] = json.loads(stored[_INFO].read())
        except FileNotFoundError:
            raise ImageError(f"{path}: there is no such PEX") from None
        except (zipfile.BadZipFile, KeyError, json.JSONDecodeError):
            raise ImageError(f"{path} is not a PEX") from None
        if self.info.get("deps_are_wheel_files"):
            raise ImageError(
                f"{path} holds wheels that are not installed", hint="build it without --no-pre-install-wheels"
            )
        self.wheels = [self._wheel(path, name, stored) for name in sorted(self.info.get("distributions", {}))]

    @property
    def constraints(self) -> list[str]:
        """The Pythons it was made for, one of which must do: ``CPython==3.11.*``."""
        return list(self.info.get("interpreter_constraints", []))

    @staticmethod
    def _wheel(path: Path, name: str, stored: dict[str, Member]) -> Wheel:
        prefix = f"{_DEPS}/{name}"
        if prefix in stored:
            return Wheel(name, _zip(path / prefix))
        below = {
            member[len(prefix) + 1 :]: stored[member] for member in stored if member.startswith(f"{prefix}/")
        }
        return Wheel(name, below)


def read_wheel(path: Path) -> Wheel:
    """A distribution of a packed or loose PEX by its path, which ends in the name of its wheel."""
    try:
        return Wheel(path.name, _folder(path) if path.is_dir() else _zip(path))
    except FileNotFoundError:
        raise ImageError(f"{path}: there is no such distribution") from None
    except zipfile.BadZipFile:
        raise ImageError(f"{path} is neither a zip file nor a folder") from None


def _placed(path: str, member: Member) -> Member | None:
    """Where an installation puts a stored file; None for what it does not need."""
    top, _, rest = path.partition("/")
    if "__pycache__" in path.split("/") or top == ".layout.json" or top.endswith(".pex-info"):
        return None
    if not path.startswith(_STASH):
        if re.fullmatch(r"[^/]+\.dist-info/direct_url\.json", path):
            return None  # it may name a path of the machine that built the wheel
        return Member(f"site/{path}", member.read, member.executable)
    kind, _, rest = path.removeprefix(_STASH).partition("/")
    match kind:
        case "bin" | "data":
            return Member(f"{kind}/{rest}", member.read, member.executable)
        case "purelib" | "platlib":
            return Member(f"site/{rest}", member.read, member.executable)
        case "include" | "lib":
            return None  # headers; and pex's own empty folders
        case _:  # pex before 2.60 has no data/ between
            return Member(f"data/{kind}/{rest}", member.read, member.executable)


def _record(read: Callable[[], bytes], installed: Container[str]) -> bytes:
    """RECORD's lines of what is installed where it was stored; each begins with a path and a comma."""
    lines = read().decode().splitlines(keepends=True)
    return "".join(line for line in lines if f"site/{line.partition(',')[0]}" in installed).encode()


def _zip(path: Path) -> dict[str, Member]:
    archive = zipfile.ZipFile(path)
    files = (info for info in archive.infolist() if not info.is_dir())
    return {
        info.filename: Member(
            info.filename, partial(archive.read, info), bool(info.external_attr >> 16 & 0o111)
        )
        for info in files
    }


def _folder(path: Path) -> dict[str, Member]:
    files = (file for file in sorted(path.rglob("*")) if file.is_file())
    return {
        (name := file.relative_to(path).as_posix()): Member(
            name, file.read_bytes, bool(file.stat().st_mode & 0o111)
        )
        for file in files
    }
