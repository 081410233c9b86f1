from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pytest

from zero_image import testing
from zero_image.conventions import EPOCH
from zero_image.errors import ImageError
from zero_image.layers.layer import Layer, LayerWriter, new_layer, read_layer
from zero_image.layers.sbom import Package
from zero_image.python.compiler import Compiler

PACKAGES = (Package.pypi("Demo_kit", "1.0"),)


def write(folder: Path, compiler_folder: Path) -> Layer:
    with Compiler(compiler_folder) as compiler, new_layer(folder, compiler, "a test", PACKAGES) as layer:
        fill(layer)
    return read_layer(folder)


def fill(layer: LayerWriter) -> None:
    layer.file("app/etc/service.yaml", b"Name: demo\n")
    layer.file("app/bin/tool", os.urandom(0) + b"#!/app/bin/python\n", 0o755)
    layer.symlink("app/bin/python", "/usr/bin/python3.11")
    layer.directory("home/nonroot", 0o700, owner=65532)
    layer.file(f"app/{'long/' * 60}name.py", b"x")


def test_says_what_its_blob_is(compiler_folder: Path, tmp_path: Path) -> None:
    layer = write(tmp_path / "demo.layer", compiler_folder)
    blob = layer.blob.read_bytes()
    assert layer.digest == f"sha256:{hashlib.sha256(blob).hexdigest()}"
    assert layer.diff_id == f"sha256:{hashlib.sha256(gzip.decompress(blob)).hexdigest()}"
    assert layer.size == len(blob)
    assert layer.soabi == Compiler(compiler_folder).python.soabi
    assert (layer.name, layer.created_by, layer.packages) == ("demo", "a test", PACKAGES)
    assert layer.descriptor() == {
        "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
        "digest": layer.digest,
        "size": layer.size,
    }


def test_is_the_same_wherever_and_whenever_it_is_made(compiler_folder: Path, tmp_path: Path) -> None:
    first = write(tmp_path / "one.layer", compiler_folder)
    mask = os.umask(0o077)
    try:
        second = write(tmp_path / "elsewhere" / "two.layer", compiler_folder)
    finally:
        os.umask(mask)
    assert first.blob.read_bytes() == second.blob.read_bytes()
    assert (first.blob.parent / "layer.json").read_bytes() == (second.blob.parent / "layer.json").read_bytes()


def test_members_have_folders_modes_and_one_time(compiler_folder: Path, tmp_path: Path) -> None:
    members = testing.members(write(tmp_path / "a.layer", compiler_folder).blob)
    assert list(members)[:5] == ["app", "app/etc", "app/etc/service.yaml", "app/bin", "app/bin/tool"]
    assert {member.mtime for member in members.values()} == {EPOCH}
    assert (members["app"].isdir(), members["app"].mode) == (True, 0o755)
    assert (members["app/bin/tool"].mode, members["app/etc/service.yaml"].mode) == (0o755, 0o644)
    assert members["app/bin/python"].linkname == "/usr/bin/python3.11"
    assert (members["home/nonroot"].uid, members["home/nonroot"].mode) == (65532, 0o700)
    assert {(member.uid, member.gid) for path, member in members.items() if "nonroot" not in path} == {(0, 0)}
    assert f"app/{'long/' * 60}name.py" in members


def test_two_files_at_one_path_are_refused_and_leave_nothing(compiler_folder: Path, tmp_path: Path) -> None:
    with (
        pytest.raises(ImageError, match="two files of one layer go to /app/x"),
        Compiler(compiler_folder) as compiler,
        new_layer(tmp_path / "a.layer", compiler, "a test") as layer,
    ):
        layer.file("app/x", b"1")
        layer.file("app/x", b"2")
    assert list(tmp_path.iterdir()) == []


def test_a_layer_is_never_overwritten(compiler_folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "a.layer", compiler_folder)
    with pytest.raises(ImageError, match="exists already"):
        write(tmp_path / "a.layer", compiler_folder)


def test_a_blob_that_is_not_the_described_one_is_told(compiler_folder: Path, tmp_path: Path) -> None:
    layer = write(tmp_path / "a.layer", compiler_folder)
    layer.blob.write_bytes(b"cut")
    with pytest.raises(ImageError, match="missing or is not the one"):
        read_layer(tmp_path / "a.layer")
