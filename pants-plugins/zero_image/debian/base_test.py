from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from zero_image import testing
from zero_image.debian.base import build
from zero_image.errors import ImageError
from zero_image.layers.base import read_base

PYTHON = f"usr/lib/python{testing.VERSION}"


@pytest.fixture(scope="module")
def blob(base_folder: Path) -> Path:
    (layer,) = read_base(base_folder / "base").layers
    return layer.blob


def test_has_python_compiled_and_users(base_folder: Path, blob: Path) -> None:
    members = testing.members(blob)
    compiled = [path for path in members if path.endswith(".pyc")]
    assert f"{PYTHON}/json/__pycache__/__init__.cpython-{testing.VERSION.replace('.', '')}.pyc" in compiled
    assert members[f"usr/bin/python{testing.VERSION}"].mode == 0o755
    assert members["usr/bin/python3"].linkname == f"python{testing.VERSION}"
    assert b"nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n" in testing.content(
        blob, "etc/passwd"
    )
    assert (members["home/nonroot"].uid, members["home/nonroot"].mode) == (65532, 0o700)
    base = read_base(base_folder / "base")
    assert (base.architecture, base.reference, base.inherited, base.config) == ("amd64", "", 0, {})


def test_folders_of_the_root_are_those_of_usr(blob: Path) -> None:
    members = testing.members(blob)
    assert (members["lib"].linkname, members["bin"].linkname) == ("usr/lib", "usr/bin")
    assert testing.content(blob, "usr/lib/terminfo") == b"merged"
    assert not any(path.startswith(("lib/", "bin/", "sbin/")) for path in members)


def test_certificates_are_one_file(blob: Path) -> None:
    assert testing.content(blob, "etc/ssl/certs/ca-certificates.crt") == b"A\nB\n"
    assert testing.members(blob)["usr/lib/ssl/cert.pem"].linkname == "/etc/ssl/certs/ca-certificates.crt"


def test_nothing_to_log_in_with_and_nothing_to_read(blob: Path) -> None:
    members = testing.members(blob)
    programs = [path for path in members if path.startswith(("usr/bin/", "usr/sbin/"))]
    assert sorted(programs) == ["usr/bin/python3", f"usr/bin/python{testing.VERSION}"]
    assert not any("/man/" in path or path.endswith((".distrib", "README", "changelog")) for path in members)
    assert f"{PYTHON}/test/support.py" not in members
    assert f"{PYTHON}/sitecustomize.py" not in members
    assert "usr/share/doc/system/copyright" in members
    assert not any(member.mode & 0o6000 for member in members.values())


def test_scanners_find_the_packages(base_folder: Path, blob: Path) -> None:
    assert testing.content(blob, "var/lib/dpkg/status.d/system").startswith(b"Package: system\n")
    bill = json.loads(testing.content(blob, "usr/share/sbom/debian.cdx.json"))
    assert [component["name"] for component in bill["components"]] == ["python", "system"]
    (layer,) = read_base(base_folder / "base").layers
    assert [package.purl for package in layer.packages] == [
        "pkg:deb/debian/python@1.0-1?arch=amd64&distro=debian-12",
        "pkg:deb/debian/system@1.0-1?arch=amd64&distro=debian-12",
    ]


def test_is_the_same_when_made_again(base_folder: Path, tmp_path: Path) -> None:
    inputs = base_folder.parent
    shutil.copytree(inputs / "debs", tmp_path / "elsewhere")
    build(inputs / "debs.lock", tmp_path / "elsewhere", tmp_path / "again")
    for path in sorted(path for path in base_folder.rglob("*") if path.is_file()):
        again = tmp_path / "again" / path.relative_to(base_folder)
        assert again.read_bytes() == path.read_bytes(), path
        assert again.stat().st_mode == path.stat().st_mode, path


def test_all_missing_and_changed_packages_are_told(tmp_path: Path) -> None:
    lock = testing.write_debs(tmp_path / "debs", {"a": b"", "b": b"", "c": b""})
    (tmp_path / "debs" / "a_1.0-1_amd64.deb").unlink()
    (tmp_path / "debs" / "c_1.0-1_amd64.deb").write_bytes(b"changed")
    with pytest.raises(ImageError) as raised:
        build(lock, tmp_path / "debs", tmp_path / "out")
    missing, changed = raised.value.problems
    assert missing.endswith("a_1.0-1_amd64.deb is missing: a 1.0-1 of the lock")
    assert "c_1.0-1_amd64.deb has SHA-256 " in changed
    assert not (tmp_path / "out").exists()


def test_a_library_without_its_own_is_told_but_not_a_module_of_python(tmp_path: Path) -> None:
    files = {path: data for path, data in testing.host_files().items() if "libc.so.6" not in path}
    library = next(data for path, data in files.items() if "libm.so.6" in path)
    files[f"{PYTHON}/lib-dynload/nis.so"] = library
    lock = testing.write_debs(tmp_path / "debs", {"python": testing.tar_of(files)})
    with pytest.raises(ImageError) as raised:
        build(lock, tmp_path / "debs", tmp_path / "out")
    assert any("libm.so.6 needs " in problem and "libc.so.6" in problem for problem in raised.value.problems)
    assert not any("nis.so" in problem for problem in raised.value.problems)
    assert "--package" in raised.value.hint


def test_a_lock_whose_python_is_not_in_its_packages_is_told(tmp_path: Path) -> None:
    lock = testing.write_debs(tmp_path / "debs", {"a": testing.tar_of({"usr/bin/x": b""})}, python="3.99")
    with pytest.raises(ImageError, match=r"has no Python 3\.99"):
        build(lock, tmp_path / "debs", tmp_path / "out")
