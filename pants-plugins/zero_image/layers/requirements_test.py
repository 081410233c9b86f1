from __future__ import annotations

import json
from pathlib import Path

import pytest

from zero_image import testing
from zero_image.errors import ImageError
from zero_image.layers.layer import read_layer
from zero_image.layers.requirements import pex_layer, wheel_layer, wheels_layer
from zero_image.python.compiler import Compiler

SITE = f"app/lib/python{testing.VERSION}/site-packages"
PURE = "py3-none-any.whl"


def install(compiler_folder: Path, folder: Path, wheels: dict[str, dict[str, bytes]], **info: object) -> Path:
    pex = testing.write_zip(folder / "third.pex", testing.pex_files(wheels, **info))
    pex_layer(compiler_folder, pex, folder / "third-party.layer")
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


def packed(folder: Path, wheels: dict[str, dict[str, bytes]]) -> Path:
    """The distributions of a packed PEX: a zip file each."""
    folder.mkdir(parents=True)
    for name, files in wheels.items():
        testing.write_zip(folder / name, files)
    return folder


def test_a_layer_of_one_distribution_has_no_more_than_that(compiler_folder: Path, tmp_path: Path) -> None:
    """So it is the same whatever else a service requires, and whatever form the distribution is stored in."""
    name = f"Big_kit-1.0-{PURE}"
    files = testing.wheel(
        "Big_kit",
        "1.0",
        {
            "big.py": b"x = 1\n",
            "Big_kit-1.0.dist-info/entry_points.txt": b"[console_scripts]\nbig = big:run\n",
        },
    )
    wheel_layer(compiler_folder, [packed(tmp_path / "packed", {name: files}) / name], tmp_path / "zip.layer")
    wheel_layer(compiler_folder, [testing.write_folder(tmp_path / name, files)], tmp_path / "folder.layer")
    layer, other = read_layer(tmp_path / "zip.layer"), read_layer(tmp_path / "folder.layer")
    assert (layer.digest, layer.created_by) == (other.digest, "big-kit 1.0")
    assert [package.purl for package in layer.packages] == ["pkg:pypi/big-kit@1.0"]
    tag = Compiler(compiler_folder).python.cache_tag
    files_of_it = {path for path, member in testing.members(layer.blob).items() if member.isfile()}
    assert files_of_it == {
        "app/bin/big",
        "app/sbom/big-kit-1.0.cdx.json",
        f"{SITE}/Big_kit-1.0.dist-info/METADATA",
        f"{SITE}/Big_kit-1.0.dist-info/RECORD",
        f"{SITE}/Big_kit-1.0.dist-info/entry_points.txt",
        f"{SITE}/__pycache__/big.{tag}.pyc",
        f"{SITE}/big.py",
    }


def test_a_layer_of_several_has_what_theirs_would_have(compiler_folder: Path, tmp_path: Path) -> None:
    wheels = {f"{name}-1.0-{PURE}": testing.wheel(name, "1.0", {f"{name}.py": b""}) for name in ("a", "b")}
    folder = packed(tmp_path / ".deps", wheels)
    wheel_layer(compiler_folder, [folder / name for name in wheels], tmp_path / "both.layer")
    both = read_layer(tmp_path / "both.layer")
    assert both.created_by == "2 distributions"
    assert [package.name for package in both.packages] == ["a", "b"]
    alone: set[str] = set()
    for name in wheels:
        wheel_layer(compiler_folder, [folder / name], tmp_path / f"{name}.layer")
        alone |= testing.members(read_layer(tmp_path / f"{name}.layer").blob).keys()
    assert testing.members(both.blob).keys() == alone


def test_what_remains_of_a_packed_pex_is_as_from_the_pex(compiler_folder: Path, tmp_path: Path) -> None:
    wheels = {f"{name}-1.0-{PURE}": testing.wheel(name, "1.0", {f"{name}.py": b""}) for name in ("a", "b")}
    wheels_layer(compiler_folder, packed(tmp_path / ".deps", wheels), tmp_path / "some.layer")
    whole = install(compiler_folder, tmp_path, wheels)
    assert read_layer(tmp_path / "some.layer").digest == read_layer(whole.parent).digest


def test_what_is_not_a_distribution_is_told(compiler_folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "x.layer"
    (tmp_path / "demo.zip").write_bytes(b"")
    with pytest.raises(ImageError, match=r"demo\.zip is neither a zip file nor a folder"):
        wheel_layer(compiler_folder, [tmp_path / "demo.zip"], output)
    with pytest.raises(ImageError, match=r"'demo' is not the name of a wheel"):
        wheel_layer(compiler_folder, [testing.write_folder(tmp_path / "demo", {"x.py": b""})], output)
    with pytest.raises(ImageError, match="there is no such distribution"):
        wheel_layer(compiler_folder, [tmp_path / f"demo-1.0-{PURE}"], output)
    with pytest.raises(ImageError, match="there is no such folder"):
        wheels_layer(compiler_folder, tmp_path / ".deps", output)
    old = packed(tmp_path / "old", {"old-1.0-cp39-cp39-linux_x86_64.whl": testing.wheel("old", "1.0", {})})
    with pytest.raises(ImageError, match="old-1.0-cp39-cp39-linux_x86_64.whl cannot run on the base image"):
        wheels_layer(compiler_folder, old, output)
    assert not output.exists()
