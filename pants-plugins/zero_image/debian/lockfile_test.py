from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from zero_image import testing
from zero_image.debian.lockfile import read_lock
from zero_image.debian.resolution import roots
from zero_image.errors import ImageError


@pytest.mark.parametrize("release", ["12", "13"])
@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_shipped_locks(release: str, architecture: str, tmp_path: Path) -> None:
    text = resources.files("zero_image").joinpath(f"debian-{release}-{architecture}.lock").read_text()
    path = tmp_path / "lock"
    path.write_text(text)
    lock = read_lock(path)
    assert (lock.release, lock.architecture) == (release, architecture)
    assert {*roots(lock.python)} <= {package.name for package in lock.packages}
    assert len({package.filename for package in lock.packages}) == len(lock.packages)
    for package in lock.packages:
        assert package.archive in ("debian", "debian-security")
        assert re.fullmatch(r"pool/\S+\.deb", package.path)
        assert re.fullmatch(r"[0-9a-f]{64}", package.sha256)
        assert package.architecture in (architecture, "all")
    # The same lock serves every mirror.
    assert "://" not in text
    assert lock.to_json().decode() == text


def lock_with(tmp_path: Path, **changes: Any) -> Path:
    path = testing.write_debs(tmp_path / "debs", {"a": b""})
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"format": 2}, "not a Debian lock of format 1"),
        ({"packages": {}}, "{} is not a list"),
        ({"packages": [{"name": "a"}]}, "missing 6 required"),
        ({"packages": [1]}, "not a Debian lock"),
        ({"mirror": "here"}, "unexpected keyword argument 'mirror'"),
        ({"architecture": "mips"}, "no support for the architecture 'mips'"),
    ],
)
def test_what_is_not_a_lock_is_told(changes: dict[str, Any], problem: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=problem):
        read_lock(lock_with(tmp_path, **changes))


def test_what_is_not_json_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    path.write_text('{\n "format" 1\n}\n')
    with pytest.raises(ImageError, match=r"a\.lock:2:11: not JSON"):
        read_lock(path)
    path.write_text("[]")
    with pytest.raises(ImageError, match="a Debian lock is a JSON object, this is a list"):
        read_lock(path)
    with pytest.raises(ImageError, match="there is no such Debian lock"):
        read_lock(tmp_path / "absent.lock")
