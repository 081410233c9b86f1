"""The command line, as a whole image is built with it: each step a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import zero_image
from zero_image import testing

COMMANDS = (
    "base",
    "import-base",
    "requirements-layer",
    "wheel-layer",
    "requires",
    "sources-layer",
    "assemble",
    "docker-context",
    "pull",
    "push",
    "lock",
    "refresh",
)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command with nothing of this process's environment but where the program is."""
    root = str(Path(zero_image.__file__).parent.parent)
    # The paths of the third-party requirements are not among them: there are none.
    environment = {"PYTHONPATH": root, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "zero_image", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_every_command_helps(tmp_path: Path) -> None:
    overview = run(tmp_path, "--help")
    assert all(command in overview.stdout for command in COMMANDS)
    for command in COMMANDS:
        result = run(tmp_path, command, "--help")
        assert (result.returncode, result.stderr) == (0, "")
        assert "--help" in result.stdout


def test_builds_an_image_step_by_step(tmp_path: Path) -> None:
    lock = testing.write_debs(tmp_path / "debs", {"python": testing.tar_of(testing.host_files())})
    wheel = testing.wheel("demo", "1.0", {"demo.py": b"x = 1\n"})
    testing.write_zip(tmp_path / "third.pex", testing.pex_files({"demo-1.0-py3-none-any.whl": wheel}))
    big = "big-1.0-py3-none-any.whl"
    testing.write_folder(tmp_path / "deps" / big, testing.wheel("big", "1.0", {"big.py": b"x = 1\n"}))
    testing.write_folder(tmp_path / "src", {"shop/main.py": b"import demo\n"})
    testing.write_folder(tmp_path / "files", {"etc/shop.yaml": b"Name: shop\n"})
    (tmp_path / "spec.json").write_text(
        json.dumps({"reference": "shop:1", "entrypoint": ["/app/bin/python"]})
    )
    names = ("big", "third-party", "first-party")
    layers = ("--base", "out/base", *(part for name in names for part in ("--layer", f"{name}.layer")))
    for arguments in (
        ("base", "--lock", lock.name, "--debs", "debs", "--output", "out"),
        (
            *("requirements-layer", "--compiler", "out/compiler", "--pex", "third.pex"),
            *("--output", "third-party.layer"),
        ),
        (
            *("wheel-layer", "--compiler", "out/compiler", "--wheel", f"deps/{big}"),
            *("--output", "big.layer"),
        ),
        (
            *("sources-layer", "--compiler", "out/compiler", "--sources", "src", "--files", "files"),
            *("--output", "first-party.layer"),
        ),
        (
            *("assemble", *layers, "--sbom", "shop.cdx.json", "--spec", "spec.json"),
            *("--output", "shop.oci.tar", "--summary", "shop.json"),
        ),
        ("docker-context", *layers, "--spec", "spec.json", "--output", "docker"),
        ("import-base", "--layout", "shop.oci.tar", "--output", "again"),
    ):
        result = run(tmp_path, *arguments)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), arguments
    with tarfile.open(tmp_path / "shop.oci.tar") as tar:
        digest = json.loads((tmp_path / "shop.json").read_text())["digest"]
        assert f"blobs/{digest.replace(':', '/')}" in tar.getnames()
    assert (tmp_path / "docker" / "Dockerfile").is_file()
    bill = json.loads((tmp_path / "shop.cdx.json").read_text())
    assert [component["name"] for component in bill["components"]] == ["big", "demo", "python"]
    # What was written says nothing of where it was written.
    for path in tmp_path.glob("*.layer/*.json"):
        assert os.fsdecode(tmp_path) not in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ("base", "--lock", "no.lock", "--debs", "debs", "--output", "out"),
            "error: no.lock: there is no such",
        ),
        (
            ("sources-layer", "--compiler", "no", "--output", "x.layer"),
            "error: no/compiler.json: there is no",
        ),
        (
            ("assemble", "--base", "no", "--spec", "no.json", "--output", "x.tar"),
            "error: no/base.json: there is",
        ),
        (("pull", "python:3", "--output", "x"), "error: 'python:3' does not name an image"),
        (
            *(("lock", "--suite", "bookworm", "--python", "3.11", "--mirror", "x", "--output", "x.lock"),),
            "error: --mirror x: write it as ARCHIVE=URL",
        ),
    ],
)
def test_mistakes_are_told_without_a_traceback(
    arguments: tuple[str, ...], problem: str, tmp_path: Path
) -> None:
    result = run(tmp_path, *arguments)
    assert result.returncode == 1
    assert result.stderr.startswith(problem)
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_belongs_to_a_base_comes_after_it(tmp_path: Path) -> None:
    result = run(
        tmp_path, "assemble", "--layer", "x.layer", "--base", "b", "--spec", "s.json", "--output", "x.tar"
    )
    assert result.returncode == 2
    assert "--layer comes after the --base that it belongs to" in result.stderr
