"""Borrowing a compiler for a base of another architecture; `compiler_test` and `base_test` have the rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from zero_image import testing
from zero_image.errors import ImageError
from zero_image.filesystem.rootfs import RootFs
from zero_image.python.compiler import Compiler, read_compiler
from zero_image.python.extraction import borrow, extract, find_python


def root_of(files: testing.Files) -> RootFs:
    root = RootFs()
    for path, data in files.items():
        if isinstance(data, str):
            root.symlink(path, data)
        else:
            root.file(path, data)
    return root


@pytest.fixture(scope="module")
def foreign_root() -> RootFs:
    return root_of(testing.foreign_files())


def test_what_runs_is_the_lenders_and_what_is_said_is_the_images(
    compiler_folder: Path, foreign_root: RootFs, tmp_path: Path
) -> None:
    own = read_compiler(compiler_folder)
    other = {"x86_64": "aarch64", "aarch64": "x86_64"}[own.machine]
    folder = tmp_path / "compiler"
    python = borrow(foreign_root, find_python(foreign_root), compiler_folder, folder)
    expected = replace(own, machine=other, soabi=own.soabi.replace(own.machine, other))
    assert python == read_compiler(folder) == replace(expected, glibc=python.glibc)
    # Its C library tells by its symbols; that it says so itself takes a machine which runs it.
    assert own.glibc - 2 <= python.glibc <= own.glibc
    with Compiler(compiler_folder) as one, Compiler(folder) as two:
        assert one.compile("/app/a.py", b"x = 1\n") == two.compile("/app/a.py", b"x = 1\n")
    assert not python.refusal([("py3", "none", "any")])
    assert python.refusal([(f"cp{python.nodot}", f"cp{python.nodot}", f"manylinux_2_17_{own.machine}")])


def test_without_a_lender_it_is_told_what_is_missing(foreign_root: RootFs, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"does not run on this|stopped with exit status") as raised:
        extract(foreign_root, find_python(foreign_root), tmp_path / "compiler")
    assert "--compiler" in raised.value.hint


def test_a_lender_with_another_python_is_told(
    compiler_folder: Path, foreign_root: RootFs, tmp_path: Path
) -> None:
    root = root_of({})
    root.nodes = {path.replace(testing.VERSION, "3.99"): node for path, node in foreign_root.nodes.items()}
    with pytest.raises(ImageError, match=rf"is python{testing.VERSION}, the base image has python3\.99"):
        borrow(root, find_python(root), compiler_folder, tmp_path / "compiler")
