"""The packaged OCI images, unpacked and run: the files of an image are all that its service needs."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.fleet import fleet
from tests.end_to_end.flow import register_login_and_look_up
from tests.servers.process import PATH, missing, require

ARCHIVES = {name: Path(f"services.user/{name}/{name}.oci.tar") for name in ("user-rpc", "user-api")}


def _extract(tar: tarfile.TarFile, folder: Path, rules: str) -> None:
    tar.extraction_filter = getattr(tarfile, f"{rules}_filter", None)  # from Python 3.11.4 on
    tar.extractall(folder)


class Image:
    """An OCI archive, read as its specification says: index -> manifest -> configuration and layers."""

    def __init__(self, archive: Path, folder: Path) -> None:
        with tarfile.open(archive) as tar:
            _extract(tar, folder, "data")
        self._folder = folder
        (descriptor,) = self._json("index.json")["manifests"]
        self.digest = descriptor["digest"]
        self.manifest = self._json(self._blob(self.digest))
        self.config = self._json(self._blob(self.manifest["config"]["digest"]))

    def unpack(self, root: Path) -> None:
        for layer in self.manifest["layers"]:
            with tarfile.open(self._folder / self._blob(layer["digest"])) as tar:
                _extract(tar, root, "tar")

    def _json(self, path: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self._folder / path).read_bytes())
        return document

    @staticmethod
    def _blob(digest: str) -> str:
        return f"blobs/{digest.replace(':', '/')}"


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Image]:
    return {name: Image(archive, tmp_path_factory.mktemp(name)) for name, archive in ARCHIVES.items()}


def test_an_image_runs_without_privileges_and_says_what_is_in_it(images: dict[str, Image]) -> None:
    for name, image in images.items():
        config = image.config["config"]
        assert config["User"] == "65532:65532"
        assert config["StopSignal"] == "SIGTERM"
        assert config["Labels"]["org.opencontainers.image.title"] == name
        materials = json.loads(ARCHIVES[name].with_name(f"{name}.cdx.json").read_bytes())
        assert {"libc6", "msgspec"} <= {component["name"] for component in materials["components"]}


def test_the_services_share_the_layers_below_their_own_code(images: dict[str, Image]) -> None:
    """Base layers are equal; what differs is third-party, by what each service imports, and first-party."""
    rpc, api = (image.manifest["layers"] for image in images.values())
    assert rpc[0] == api[0]
    assert rpc[-1] != api[-1]


def test_the_manifest_names_the_image_by_its_digest(images: dict[str, Image]) -> None:
    for name, image in images.items():
        manifest = ARCHIVES[name].with_name("k8s") / f"{name}.yaml"
        assert f"image: {name}@{image.digest}" in manifest.read_text()


SANDBOX = """
mkdir -p "$0/state" "$0/run/secrets/zero"
mount --bind "$0" "$0"
mount -o remount,bind,ro "$0"
mount -t proc proc "$0/proc"
mount --rbind /dev "$0/dev"
mount --bind "$1" "$0/state"
root=$0
shift
exec "$chroot" --userspec=65532:65532 "$root" "$@"
"""
"""What a hardened container has: a read-only root, /proc, /dev, a volume, no privileges.

$0 is the root, $1 the volume, the rest the command.
"""


def test_the_unpacked_images_serve(images: dict[str, Image], tmp_path: Path) -> None:
    """As in production: by their entry points, with their own configuration, and secrets that come from outside."""
    chroot, unshare = require("chroot", "coreutils"), require("unshare", "util-linux")
    if os.geteuid() != 0:
        missing("only root may change the root of a process")
    volume = tmp_path / "volume"
    volume.mkdir()
    volume.chmod(0o777)

    def command(name: str) -> list[str | Path]:
        root = tmp_path / name
        images[name].unpack(root)
        mounted = [unshare, "--mount", "--propagation", "private", "sh", "-ceu", SANDBOX]
        return [*mounted, root, volume, *images[name].config["config"]["Entrypoint"]]

    environment = dict(variable.split("=", 1) for variable in images["user-rpc"].config["config"]["Env"])
    environment |= {
        "PATH": PATH,
        "chroot": chroot,
        # Dev mode creates the tables; all else is what the packaged configuration says.
        "ZERO_MODE": "dev",
        "ZERO_DEV_SERVER__ENABLED": "false",
        "DATA_SOURCE": "sqlite:////state/data.db",
        "AUTH_ACCESS_SECRET": "a secret of more than thirty-two bytes",
    }
    with fleet(command("user-rpc"), command("user-api"), environment, tmp_path, by_registry=False) as client:
        register_login_and_look_up(client)
