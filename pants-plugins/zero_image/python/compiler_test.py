from __future__ import annotations

import gzip
import importlib.util
import marshal
import shutil
import sys
from pathlib import Path
from types import CodeType

import pytest

from zero_image.errors import ImageError
from zero_image.filesystem.rootfs import RootFs
from zero_image.python.compiler import LOADER, CompileError, Compiler
from zero_image.python.extraction import extract, find_python
from zero_image.testing import VERSION

SOURCES = {
    "/app/a.py": b"NAMES = {'x', 'y', 'z'}\n\ndef f(self, value):\n    return value in {'p', 'q', 1.5}\n",
    "/app/b.py": b"def g(self):\n    '''\xc3\xa4'''\n    return self, 'x', 1.5\n",
    "/app/c.py": "# -*- coding: latin-1 -*-\nS = 'ä'\n".encode("latin-1"),
    "/app/empty.py": b"",
}


def test_bytecode_is_what_the_image_will_load_unchecked(compiler_folder: Path) -> None:
    with Compiler(compiler_folder) as compiler:
        bytecode = compiler.compile("/app/a.py", SOURCES["/app/a.py"])
    assert bytecode[:4] == importlib.util.MAGIC_NUMBER  # the tests' Python is the image's here
    assert int.from_bytes(bytecode[4:8], "little") == 0b01
    assert bytecode[8:16] == importlib.util.source_hash(SOURCES["/app/a.py"])
    code = marshal.loads(bytecode[16:])
    assert isinstance(code, CodeType)
    assert code.co_filename == "/app/a.py"
    namespace: dict[str, object] = {}
    exec(code, namespace)
    assert namespace["NAMES"] == {"x", "y", "z"}


def test_bytecode_depends_on_nothing_but_its_source(compiler_folder: Path, tmp_path: Path) -> None:
    with Compiler(compiler_folder) as compiler:
        forward = {path: compiler.compile(path, source) for path, source in SOURCES.items()}
    elsewhere = tmp_path / "some" / "where else"
    shutil.copytree(compiler_folder, elsewhere)
    with Compiler(elsewhere) as compiler:
        backward = {path: compiler.compile(path, SOURCES[path]) for path in reversed(SOURCES)}
    assert forward == backward


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (b"x = 1\nif x\n", "2:5: expected ':'"),
        (b"return 1\n", "1:1: 'return' outside function"),
        (b"x = '\0'\n", "null bytes"),
        (b"# coding: nothing\n", "unknown encoding: nothing"),
        (b"\xff\n", "utf-8"),
    ],
)
def test_what_is_not_python_is_told_with_its_place(
    compiler_folder: Path, source: bytes, problem: str
) -> None:
    with Compiler(compiler_folder) as compiler:
        with pytest.raises(CompileError) as raised:
            compiler.compile("/app/x.py", source)
        line, column, _ = str(raised.value).split(":", 2)
        assert line.isdigit() and column.isdigit()
        assert problem in str(raised.value)
        assert compiler.compile("/app/y.py", b"x = 1\n")


def test_warnings_of_the_code_are_not_told(compiler_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Compiler(compiler_folder) as compiler:
        compiler.compile("/app/x.py", b"x = '\\d'\ny = 1 is 1\n")
    assert capfd.readouterr().err == ""


def test_streams_are_gzip_without_name_or_time(compiler_folder: Path) -> None:
    data = bytes(range(256)) * 5000
    with Compiler(compiler_folder) as compiler:
        whole = compiler.compress(data) + compiler.finish()
        pieces = b"".join(compiler.compress(data[i : i + 9999]) for i in range(0, len(data), 9999))
        pieces += compiler.finish()
        empty = compiler.finish()
    assert gzip.decompress(whole) == data
    assert whole == pieces
    assert whole[:8] == b"\x1f\x8b\x08" + bytes(5)
    assert gzip.decompress(empty) == b""


def test_knows_what_it_is(compiler_folder: Path) -> None:
    python = Compiler(compiler_folder).python
    assert python.version == ".".join(map(str, sys.version_info[:3]))
    assert python.executable == f"/usr/bin/python{VERSION}"
    assert python.soabi.startswith(f"cpython-{python.nodot}-{python.machine}")
    assert python.glibc > 16


def test_a_base_for_another_machine_is_told(compiler_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(compiler_folder, tmp_path / "compiler")
    # The header of a program for the Itanium, which no machine here runs.
    header = bytearray((compiler_folder / LOADER).read_bytes())
    header[18:20] = (50).to_bytes(2, "little")
    (tmp_path / "compiler" / LOADER).write_bytes(header)
    with pytest.raises(ImageError, match="does not run on this"), Compiler(tmp_path / "compiler"):
        pass


def test_a_folder_that_is_no_compiler_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="there is no such compiler description"):
        Compiler(tmp_path)


class TestExtraction:
    def test_an_image_without_python(self) -> None:
        with pytest.raises(ImageError, match=r"no Python 3.11 or newer in /usr/local/bin or /usr/bin\n"):
            find_python(RootFs())

    def test_an_image_with_too_old_a_python(self) -> None:
        root = RootFs()
        root.file("usr/bin/python3.9", b"")
        with pytest.raises(ImageError, match=r"3.11 or newer .*; there is /usr/bin/python3.9"):
            find_python(root)

    def test_the_image_s_own_comes_before_its_system_s(self) -> None:
        root = RootFs()
        for path in ("usr/bin/python3.11", "usr/local/bin/python3.12", "usr/local/bin/python3.12-config"):
            root.file(path, b"")
        assert find_python(root) == "usr/local/bin/python3.12"
        assert find_python(root, "3.11") == "usr/bin/python3.11"
        with pytest.raises(ImageError, match=r"has no Python 3\.13"):
            find_python(root, "3.13")

    def test_a_missing_library_is_named(self, host_root: RootFs, tmp_path: Path) -> None:
        root = RootFs()
        root.nodes = {path: node for path, node in host_root.nodes.items() if "libc.so.6" not in path}
        with pytest.raises(ImageError, match=r"needs .*libc\.so\.6.*, which it does not have"):
            extract(root, find_python(root), tmp_path)

    def test_another_c_library_is_told(self, host_root: RootFs, tmp_path: Path) -> None:
        root = RootFs()
        root.nodes = dict(host_root.nodes)
        python = find_python(root)
        program = root.nodes[python].data
        loader = next(path for path in root.nodes if "ld-linux" in path)
        musl = "/lib/ld-musl-x86_64.so.1"
        glibc = b"/" + loader.encode()
        root.file(python, program.replace(glibc, musl.encode().ljust(len(glibc), b"\0"), 1))
        root.file(musl.strip("/"), root.nodes[loader].data)
        with pytest.raises(ImageError, match=r"the dynamic loader /lib/ld-musl-x86_64\.so\.1, not glibc's"):
            extract(root, python, tmp_path)

    def test_a_script_is_not_an_interpreter(self, tmp_path: Path) -> None:
        root = RootFs()
        root.file("usr/bin/python3.12", b"#!/bin/sh\n")
        with pytest.raises(ImageError, match="is not a dynamic 64-bit Linux program"):
            extract(root, "usr/bin/python3.12", tmp_path)
