from __future__ import annotations

import json
from pathlib import Path

import pytest

from zero_image import testing
from zero_image.errors import ImageError
from zero_image.layers.layer import read_layer
from zero_image.layers.requirements import requirements_layer
from zero_image.python.compiler import Compiler

SITE = f"app/lib/python{testing.VERSION}/site-packages"
PURE = "py3-none-any.whl"


def install(compiler_folder: Path, folder: Path, wheels: dict[str, dict[str, bytes]], **info: object) -> Path:
    pex = testing.write_zip(folder / "third.pex", testing.pex_files(wheels, **info))
    requirements_layer(compiler_folder, pex, folder / "third-party.layer")
    return folder / "third-party.layer" / "blob.tar.gz"


def test_is_a_virtual_environment_with_bytecode(compiler_folder: Path, tmp_path: Path) -> None:
    files = {
        "demo/__init__.py": b"x = 1\n",
        "demo/template.py": b"{{ not python }} =\n",
        "demo/native.so": b"so",
        "demo-1.0.dist-info/entry_points.txt": b"[console_scripts]\ndemo = demo.cli:Main.run\n",
        ".prefix/bin/demo": b"#!python\nstored by pex\n",
        ".prefix/bin/plain": b"#!/usr/bin/env python3\nprint()\n",
        ".prefix/bin/shell": b"#!/bin/sh\n",
        ".prefix/data/share/demo.txt": b"data",
    }
    blob = install(compiler_folder, tmp_path, {f"demo-1.0-{PURE}": testing.wheel("demo", "1.0", files)})
    members = testing.members(blob)
    python = Compiler(compiler_folder).python
    assert members["app/bin/python"].linkname == python.executable
    assert members[f"app/bin/python{testing.VERSION}"].linkname == "python"
    assert testing.content(blob, "app/pyvenv.cfg").decode().splitlines() == [
        "home = /usr/bin",
        "include-system-site-packages = false",
        f"version = {python.version}",
    ]
    assert f"{SITE}/demo/__pycache__/__init__.{python.cache_tag}.pyc" in members
    assert f"{SITE}/demo/__pycache__/template.{python.cache_tag}.pyc" not in members
    assert testing.content(blob, f"{SITE}/demo/template.py") == b"{{ not python }} =\n"
    assert testing.content(blob, "app/share/demo.txt") == b"data"
    assert testing.content(blob, "app/bin/demo") == (
        b"#!/app/bin/python\nimport sys\n\nfrom demo.cli import Main\n\nsys.exit(Main.run())\n"
    )
    assert testing.content(blob, "app/bin/plain") == b"#!/app/bin/python\nprint()\n"
    assert testing.content(blob, "app/bin/shell") == b"#!/bin/sh\n"
    assert {members[f"app/bin/{name}"].mode for name in ("demo", "plain", "shell")} == {0o755}
    bill = json.loads(testing.content(blob, "app/sbom/requirements.cdx.json"))
    assert [component["purl"] for component in bill["components"]] == ["pkg:pypi/demo@1.0"]
    assert [package.name for package in read_layer(blob.parent).packages] == ["demo"]


def test_the_first_of_two_owners_of_a_path_wins(compiler_folder: Path, tmp_path: Path) -> None:
    blob = install(
        compiler_folder,
        tmp_path,
        {
            f"b-1.0-{PURE}": testing.wheel("b", "1.0", {"shared/__init__.py": b"second = 2\n"}),
            f"a-1.0-{PURE}": testing.wheel("a", "1.0", {"shared/__init__.py": b"first = 1\n"}),
        },
    )
    assert testing.content(blob, f"{SITE}/shared/__init__.py") == b"first = 1\n"


def test_no_distributions_make_an_environment_all_the_same(compiler_folder: Path, tmp_path: Path) -> None:
    assert "app/pyvenv.cfg" in testing.members(install(compiler_folder, tmp_path, {}))


def test_all_that_cannot_run_is_told_and_nothing_written(compiler_folder: Path, tmp_path: Path) -> None:
    python = Compiler(compiler_folder).python
    wheels = {
        f"fine-1.0-{PURE}": testing.wheel("fine", "1.0", {}),
        "old-1.0-cp39-cp39-manylinux1_x86_64.whl": testing.wheel("old", "1.0", {}),
        f"new-1.0-py3-none-manylinux_2_99_{python.machine}.whl": testing.wheel("new", "1.0", {}),
        f"here-1.0-cp{python.nodot}-cp{python.nodot}-linux_{python.machine}.whl": testing.wheel(
            "here", "1.0", {"here.so": b"\0GLIBC_2.98\0"}
        ),
    }
    with pytest.raises(ImageError) as raised:
        install(compiler_folder, tmp_path, wheels, interpreter_constraints=["CPython==3.9.*"])
    told = raised.value.problems
    assert [problem.partition("-1.0")[0].rpartition("/")[2] for problem in told] == [
        f"third.pex was made for CPython==3.9.*, the base image has {python}",
        "here",
        "new",
        "old",
    ]
    assert told[1].endswith("it was built against glibc 2.98")
    assert told[2].endswith("it needs glibc 2.99")
    assert told[3].endswith("it is made for CPython 3.9 (tags cp39-cp39)")
    assert f"CPython=={python.minor}.*" in raised.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["third.pex"]
