"""What the tests share: one base of the interpreter that runs them, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from zero_image import testing
from zero_image.debian.base import build
from zero_image.filesystem.rootfs import RootFs
from zero_image.layers.sources import sources_layer
from zero_image.python.extraction import extract, find_python


@pytest.fixture(scope="session")
def host_root() -> RootFs:
    """A file system with the running Python in it."""
    root = RootFs()
    for path, data in testing.host_files().items():
        if isinstance(data, str):
            root.symlink(path, data)
        else:
            root.file(path, data)
    return root


@pytest.fixture(scope="session")
def compiler_folder(host_root: RootFs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compiler")
    extract(host_root, find_python(host_root), folder)
    return folder


@pytest.fixture(scope="session")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base of two hand-made packages: ``base/`` and ``compiler/`` below it."""
    folder = tmp_path_factory.mktemp("debian")
    packages = {
        "python": testing.tar_of(testing.host_files()),
        "system": testing.tar_of(
            {
                "lib/terminfo": b"merged",
                "bin/sh.distrib": b"#!/bin/sh\n",
                "usr/sbin/update-certificates": b"#!/bin/sh\n",
                "usr/bin/tzselect": b"#!/bin/bash\n",
                "usr/share/doc/system/copyright": b"free",
                "usr/share/doc/system/README": b"long",
                "usr/share/doc/system/changelog": "README",
                "usr/share/man/man1/x.1": b"manual",
                "usr/share/ca-certificates/mozilla/b.crt": b"B\n",
                "usr/share/ca-certificates/mozilla/a.crt": b"A\n",
                f"usr/lib/python{testing.VERSION}/sitecustomize.py": "/etc/python/sitecustomize.py",
                f"usr/lib/python{testing.VERSION}/test/support.py": b"",
            },
            mode=0o4755,
        ),
    }
    lock = testing.write_debs(folder / "debs", packages)
    build(lock, folder / "debs", folder / "out")
    return folder / "out"


@pytest.fixture(scope="session")
def sources_layer_folder(base_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A layer of one module, compiled for the base."""
    folder = tmp_path_factory.mktemp("sources")
    testing.write_folder(folder / "src", {"shop/main.py": b"print('hello')\n"})
    sources_layer(base_folder / "compiler", [folder / "src"], [], folder / "first-party.layer")
    return folder / "first-party.layer"
