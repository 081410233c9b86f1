from __future__ import annotations

from pathlib import Path

import pytest

from zero_image import testing
from zero_image.errors import ImageError
from zero_image.layers.sources import sources_layer
from zero_image.python.compiler import Compiler


def test_sources_and_files_have_their_places(compiler_folder: Path, tmp_path: Path) -> None:
    sources = testing.write_folder(
        tmp_path / "src",
        {
            "shop/__init__.py": b"",
            "shop/api.py": b"x = 1\n",
            "shop/data.json": b"{}",
            "shop/__pycache__/api.cpython-30.pyc": b"stale",
        },
    )
    generated = testing.write_folder(tmp_path / "gen", {"shop/wire.py": b"y = 2\n"})
    files = testing.write_folder(tmp_path / "files", {"etc/shop.yaml": b"Name: shop\n", "usr/bin/run": b"#!"})
    sources_layer(compiler_folder, [sources, generated], [files], tmp_path / "a.layer")
    blob = tmp_path / "a.layer" / "blob.tar.gz"
    members = testing.members(blob)
    tag = Compiler(compiler_folder).python.cache_tag
    assert sorted(path for path, member in members.items() if member.isreg()) == [
        "app/etc/shop.yaml",
        "app/src/shop/__init__.py",
        f"app/src/shop/__pycache__/__init__.{tag}.pyc",
        f"app/src/shop/__pycache__/api.{tag}.pyc",
        f"app/src/shop/__pycache__/wire.{tag}.pyc",
        "app/src/shop/api.py",
        "app/src/shop/data.json",
        "app/src/shop/wire.py",
        "app/usr/bin/run",
    ]
    assert members["app/usr/bin/run"].mode == 0o755
    assert b"/app/src/shop/api.py" in testing.content(blob, f"app/src/shop/__pycache__/api.{tag}.pyc")


def test_every_module_that_does_not_compile_is_told(compiler_folder: Path, tmp_path: Path) -> None:
    sources = testing.write_folder(
        tmp_path / "src", {"shop/a.py": b"x = 1\nif x\n", "shop/b.py": b"ok = 1\n", "shop/c.py": b"def f(:\n"}
    )
    with pytest.raises(ImageError) as raised:
        sources_layer(compiler_folder, [sources], [], tmp_path / "a.layer")
    assert raised.value.problems == ("shop/a.py:2:5: expected ':'", "shop/c.py:1:7: invalid syntax")
    assert [path.name for path in tmp_path.iterdir()] == ["src"]


def test_a_folder_that_is_not_there_is_told(compiler_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="absent: there is no such folder"):
        sources_layer(compiler_folder, [tmp_path / "absent"], [], tmp_path / "a.layer")
