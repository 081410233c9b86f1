"""The packaged images in a real engine: podman loads them, builds their Dockerfiles, and runs both."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.fleet import fleet
from tests.end_to_end.flow import register_login_and_look_up
from tests.servers.podman import Podman, podman
from tests.servers.process import require

SERVICES = ("user-rpc", "user-api")
FOLDER = Path("services.user")
USER = "65532"


@pytest.fixture(scope="module")
def engine() -> Iterator[Podman]:
    with podman() as engine:
        yield engine


@pytest.fixture(scope="module")
def images(engine: Podman) -> dict[str, dict[str, str]]:
    """The names of the images to run, by where user-api's comes from: the archive, or podman's own building."""
    for name in SERVICES:
        engine("load", "--quiet", "--input", FOLDER / name / f"{name}.oci.tar")
    # One layer of all, which takes a third of the time that a layer per line does.
    engine("build", "--quiet", "--layers=false", "--tag=built", FOLDER / "user-api" / "docker")
    loaded = {name: f"localhost/{name}:latest" for name in SERVICES}
    return {"loaded": loaded, "built": {**loaded, "user-api": "localhost/built:latest"}}


def image_json(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / name / "image.json").read_bytes())
    return document


def test_every_tool_sees_the_digest_that_the_manifest_pins(
    engine: Podman, images: dict[str, dict[str, str]]
) -> None:
    skopeo = require("skopeo", "skopeo")
    for name in SERVICES:
        archive = FOLDER / name / f"{name}.oci.tar"
        inspected = subprocess.run([skopeo, "inspect", f"oci-archive:{archive}"], capture_output=True)
        assert json.loads(inspected.stdout)["Digest"] == image_json(name)["digest"]
        # podman stores layers unpacked, and so has the image under the digest of its configuration alone.
        (platform,) = image_json(name)["platforms"]
        assert f"sha256:{engine.inspect(images['loaded'][name])['Id']}" == platform["config_digest"]


def files(root: Path) -> dict[str, tuple[object, ...]]:
    """Every path of a file system with its kind, mode, owner and content."""
    found: dict[str, tuple[object, ...]] = {}
    for folder, folders, names in os.walk(root):
        for path in (Path(folder, name) for name in (*folders, *names)):
            facts = path.lstat()
            content: object = None
            if stat.S_ISLNK(facts.st_mode):
                content = os.readlink(path)
            elif stat.S_ISREG(facts.st_mode):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            found[path.relative_to(root).as_posix()] = (
                oct(facts.st_mode),
                facts.st_uid,
                facts.st_gid,
                content,
            )
    return found


def test_the_dockerfile_makes_the_same_image(engine: Podman, images: dict[str, dict[str, str]]) -> None:
    """Every file, with mode and owner, and every setting; only builders' own marks differ."""
    names = [images[origin]["user-api"] for origin in ("loaded", "built")]
    loaded, built = (files(Path(engine("image", "mount", name))) for name in names)
    assert "app/etc/user-api.yaml" in loaded
    assert {path for path in loaded.keys() | built.keys() if loaded.get(path) != built.get(path)} == set()
    settings, same = (engine.inspect(name)["Config"] for name in names)
    same["Labels"].pop("io.buildah.version")
    assert sorted(settings.pop("Env")) == sorted(same.pop("Env"))
    assert settings == same


@pytest.mark.parametrize("origin", ["loaded", "built"])
def test_they_serve_with_the_least_rights(
    origin: str, engine: Podman, images: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    """Read-only root, no capabilities, a user without a name on this machine; nothing but /state to write to."""
    environment = {
        **engine.environment,
        # Dev mode creates the tables; all else is what the packaged configuration says.
        "ZERO_MODE": "dev",
        "ZERO_DEV_SERVER__ENABLED": "false",
        "DATA_SOURCE": "sqlite:////state/data.db",
        "AUTH_ACCESS_SECRET": "a secret of more than thirty-two bytes",
    }
    rpc, api = (engine.hardened(f"--name={name}", images[origin][name]) for name in SERVICES)
    with fleet(rpc, api, environment, tmp_path, by_registry=False) as client:
        register_login_and_look_up(client)
        for name in SERVICES:
            process = Path("/proc", str(engine.inspect(name, kind="container")["State"]["Pid"]))
            lines = (process / "status").read_text().splitlines()
            status = {key: value.split() for key, _, value in (line.partition(":") for line in lines)}
            assert status["Uid"] == status["Gid"] == [USER] * 4
            assert {int(status[key][0], 16) for key in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}
            assert status["NoNewPrivs"] == ["1"]
            assert os.statvfs(process / "root").f_flag & os.ST_RDONLY
