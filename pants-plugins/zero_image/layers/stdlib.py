"""The bytecode of a base's standard library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from zero_image.filesystem.rootfs import RootFs
from zero_image.layers.layer import LayerWriter, write_bytecode
from zero_image.python.compiler import CompileError, Compiler


def stdlib_modules(root: RootFs, compiler: Compiler) -> Iterator[str]:
    """The paths of the modules of the base's standard library, those of installed distributions left out."""
    for path in root.files(compiler.python.stdlib.strip("/"), ".py"):
        if "/site-packages/" not in path and "/dist-packages/" not in path:
            yield path


def write_stdlib_bytecode(layer: LayerWriter, compiler: Compiler, root: RootFs) -> None:
    """Adds the bytecode of the standard library; without it a service starts 2.7 times slower."""
    for path in stdlib_modules(root, compiler):
        with suppress(CompileError):  # the test data of lib2to3 is not meant to be valid
            write_bytecode(layer, compiler, path, root.nodes[path].data)
