"""Contract files, the Python modules made from them, and the folder these are written to."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from zero_codegen.diagnostics import ContractError, Diagnostic


@dataclass(frozen=True)
class ContractFile:
    """A contract as the generator sees it.

    `path` is the path people know (relative to the repository), `source_root` the prefix of it that is not in
    module names ("" for none), `text` the content with line ends as "\\n", `import_roots` the folders that
    the paths of imported contracts are relative to.
    """

    path: str
    source_root: str
    text: str
    import_roots: tuple[str, ...] = ()

    @cached_property
    def name(self) -> str:
        """The path below the source root: `user/user.api`."""
        return PurePosixPath(self.path).relative_to(self.source_root).as_posix()

    @cached_property
    def stem(self) -> str:
        """The file's name without its suffix, as part of a module name: `user-v1.api` gives `user_v1`."""
        return re.sub(r"[-.]", "_", PurePosixPath(self.path).stem)

    def output(self, suffix: str) -> str:
        """The path of a generated file: with `_api.py`, `services/user/user.api` gives `user/user_api.py`."""
        return PurePosixPath(self.name).with_name(self.stem + suffix).as_posix()

    def module(self, suffix: str) -> str:
        """The dotted name of a generated module: `module("_api")` is `user.user_api`."""
        return self.output(suffix).replace("/", ".")

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    def diagnostic(
        self, line: int, column: int, message: str, *, hint: str | None = None, length: int = 1
    ) -> Diagnostic:
        """A diagnostic at a place in this file, with the text of its line."""
        source_line = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return Diagnostic(self.path, line, column, message, hint, source_line, length)


@dataclass
class Output:
    """The folder that generated files go to."""

    root: Path
    written: list[str] = field(default_factory=list)

    def write(self, path: str, content: str | bytes) -> None:
        """Write one file, given by its path below the folder."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        self.written.append(path)


def generate_each(
    files: Iterable[ContractFile],
    out: Output | None,
    generate: Callable[[ContractFile], Mapping[str, str | bytes]],
) -> list[Diagnostic]:
    """Generate file by file: write what `generate` returns (path -> content), collect what it raises.

    Without `out` nothing is written.
    """
    diagnostics: list[Diagnostic] = []
    for file in files:
        try:
            contents = generate(file)
        except ContractError as error:
            diagnostics += error.diagnostics
        else:
            if out is not None:
                for path, content in contents.items():
                    out.write(path, content)
    return diagnostics


def read_contracts(
    paths: Sequence[str], source_roots: Sequence[str]
) -> tuple[list[ContractFile], list[Diagnostic]]:
    """Read contracts by path.

    Those that cannot be read, or whose path names no Python module of their own, yield diagnostics.
    """
    files: dict[str, ContractFile] = {}
    diagnostics: list[Diagnostic] = []
    for path in dict.fromkeys(map(_normal, paths)):
        try:
            file = read_contract(path, source_roots)
            twin = files.setdefault(file.output(PurePosixPath(path).suffix), file)
            if twin is not file:
                message = f"gives the same Python module as `{twin.path}`"
                raise ContractError([file.diagnostic(1, 1, message, hint="rename one of the two files")])
        except ContractError as error:
            diagnostics += error.diagnostics
    return list(files.values()), diagnostics


def from_here(path: str) -> str:
    """A path as people know it: below the working directory relative to that, even where it is given absolute."""
    absolute, here = PurePosixPath(path), Path.cwd()
    return absolute.relative_to(here).as_posix() if absolute.is_relative_to(here) else path


def read_contract(path: str, source_roots: Sequence[str] = (), content: bytes | None = None) -> ContractFile:
    """Read one contract, or take `content` for what it has.

    Raises ContractError when it is unreadable or not UTF-8, or when its path names no Python module.
    """
    path = _normal(path)
    root = _source_root(path, source_roots)
    if PurePosixPath(path).is_absolute() and not root:
        hint = "give the path from the root of the repository, or a source root that the file is in"
        raise ContractError([Diagnostic(path, 1, 1, "an absolute path is no module name", hint)])
    import_roots = tuple("" if other == "." else _normal(other) for other in source_roots or (".",))
    text = decode(path, read_bytes(path) if content is None else content)
    file = ContractFile(path, root, text, import_roots)
    _check_module_name(file)
    return file


def read_bytes(path: str) -> bytes:
    """The content of a file. Raises ContractError when it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ContractError([Diagnostic(path, 1, 1, f"cannot be read: {error.strerror}")]) from error


def decode(path: str, content: bytes) -> str:
    """The text of a contract, with line ends as "\\n". Raises ContractError when it is not UTF-8."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", errors="replace").split("\n")
        message = f"is not UTF-8 text: byte 0x{content[error.start]:02x}"
        diagnostic = Diagnostic(path, len(before), len(before[-1]) + 1, message, "save the file as UTF-8")
        raise ContractError([diagnostic]) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _check_module_name(file: ContractFile) -> None:
    *folders, module = file.output("").split("/")
    for part in [*folders, module]:
        if part.isidentifier() and (part is module or not keyword.iskeyword(part)):
            continue
        what = "file" if part is module else "folder"
        message = f"the {what} name `{part}` cannot be part of a Python module name"
        better = f"{part}_" if keyword.iskeyword(part) else re.sub(r"^(?=[0-9])|[^0-9A-Za-z_]", "_", part)
        hint = f"rename it, for example to `{better}`"
        raise ContractError([file.diagnostic(1, 1, message, hint=hint)])


def _source_root(path: str, source_roots: Sequence[str]) -> str:
    parents = {parent.as_posix() for parent in PurePosixPath(path).parents}
    matching = [root for root in map(_normal, source_roots) if root in parents]
    longest = max(matching, key=len, default="")
    return "" if longest == "." else longest


def _normal(path: str) -> str:
    return PurePosixPath(path).as_posix()
