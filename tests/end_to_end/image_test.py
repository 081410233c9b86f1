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
        self.manifest_size = descriptor["size"]
        self.manifest = self._json(self._blob(self.digest))
        self.config = self._json(self._blob(self.manifest["config"]["digest"]))

    def unpack(self, root: Path) -> None:
        for layer in self.manifest["layers"]:
            with self.layer(layer) as tar:
                _extract(tar, root, "tar")

    def layer(self, descriptor: dict[str, Any]) -> tarfile.TarFile:
        return tarfile.open(self._folder / self._blob(descriptor["digest"]))

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
    """The base, and each large distribution that both have: for the second service little is new to a registry."""
    layers = {
        name: {
            layer["digest"]: (step["created_by"], layer["size"])
            for layer, step in zip(image.manifest["layers"], image.config["history"], strict=True)
        }
        for name, image in images.items()
    }
    rpc, api = layers["user-rpc"], layers["user-api"]
    own = {what for what, _ in api.values()} - {"third-party distributions", "first-party sources"}
    assert {what for digest, (what, _) in api.items() if digest in rpc} >= own
    assert any(what.startswith("grpcio ") for what in own)
    new = sum(size for digest, (_, size) in api.items() if digest not in rpc)
    assert 0 < new < sum(size for _, size in api.values()) / 20


def test_an_edit_of_logic_makes_little_new(images: dict[str, Image]) -> None:
    """The top layer, which has nothing else, the manifest and the configuration: some kilobytes to push."""
    for name, module in {"user-rpc": "rpc_logic", "user-api": "api_logic"}.items():
        image = images[name]
        top = image.manifest["layers"][-1]
        with image.layer(top) as tar:
            modules = {Path(member.name).name.partition(".")[0] for member in tar if member.isfile()}
        assert modules == {module}
        assert top["size"] + image.manifest["config"]["size"] + image.manifest_size < 10_000


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
