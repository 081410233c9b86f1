"""The command ``sources-layer``: a service's own packages and files.

They live in /app/src, first on the path, as they are in a PEX.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from zero_image.conventions import APP, SOURCES
from zero_image.errors import ImageError
from zero_image.layers.layer import new_layer, write_bytecode
from zero_image.python.compiler import CompileError, Compiler


def sources_layer(compiler_folder: Path, sources: list[Path], files: list[Path], output: Path) -> None:
    """Puts Python packages and their resources (``sources``) on the path, and other ``files`` into /app.

    Both are folders whose content goes there as it lies. A module that does not compile is an error.
    """
    problems: list[str] = []
    with Compiler(compiler_folder) as compiler, new_layer(output, compiler, "first-party sources") as layer:
        layer.directory(SOURCES)
        for path, file in _walk(sources):
            data = file.read_bytes()
            layer.file(f"{SOURCES}/{path}", data, _file_mode(file))
            if path.endswith(".py"):
                try:
                    write_bytecode(layer, compiler, f"{SOURCES}/{path}", data)
                except CompileError as error:
                    problems.append(f"{path}:{error}")
        for path, file in _walk(files):
            layer.file(f"{APP}/{path}", file.read_bytes(), _file_mode(file))
        if problems:
            raise ImageError(*problems)


def _walk(folders: list[Path]) -> Iterator[tuple[str, Path]]:
    """The files below each folder by their path in it, sorted; bytecode left out."""
    for folder in folders:
        if not folder.is_dir():
            raise ImageError(f"{folder}: there is no such folder")
        for file in sorted(folder.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield file.relative_to(folder).as_posix(), file


def _file_mode(file: Path) -> int:
    return 0o755 if file.stat().st_mode & 0o111 else 0o644
