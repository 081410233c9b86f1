"""An image for two platforms, of which one is not this machine's: what is in it, and that it runs."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.end_to_end.fleet import running
from tests.servers.process import PATH, missing, require

FOLDER = Path("tests.images/hello-platforms")
FIRST_PARTY = 3
"""How many layers code has: of others, generated, the service's own."""
MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}


class Images:
    """The archive, read as the specification of OCI layouts says."""

    def __init__(self, archive: Path) -> None:
        self._tar = tarfile.open(archive)  # - for as long as the tests of this module run
        (descriptor,) = self._json("index.json")["manifests"]
        self.digest = descriptor["digest"]
        self.index = self.blob(descriptor)
        self.manifests: dict[str, dict[str, Any]] = {}
        for one in self.index["manifests"]:
            platform = one["platform"]
            self.manifests[f"{platform['os']}/{platform['architecture']}"] = self.blob(one)

    def blob(self, descriptor: dict[str, Any]) -> dict[str, Any]:
        return self._json(_blob(descriptor))

    def _json(self, path: str) -> dict[str, Any]:
        stream = self._tar.extractfile(path)
        assert stream is not None
        document: dict[str, Any] = json.load(stream)
        return document

    def unpack(self, platform: str, root: Path) -> None:
        root.mkdir()
        for layer in self.manifests[platform]["layers"]:
            with tarfile.open(fileobj=self._tar.extractfile(_blob(layer))) as tar:
                tar.extraction_filter = getattr(tarfile, "tar_filter", None)  # from Python 3.11.4 on
                tar.extractall(root)


def _blob(descriptor: dict[str, Any]) -> str:
    return f"blobs/{descriptor['digest'].replace(':', '/')}"


@pytest.fixture(scope="module")
def images() -> Images:
    return Images(FOLDER / "hello-platforms.oci.tar")


def test_the_index_has_an_image_for_each_platform(images: Images) -> None:
    assert images.index["annotations"] == {
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.title": "hello-platforms",
    }
    summary = json.loads((FOLDER / "image.json").read_bytes())
    assert summary["digest"] == images.digest
    assert [one["platform"] for one in summary["platforms"]] == [*images.manifests] == [*MACHINES]
    for facts, manifest in zip(summary["platforms"], images.manifests.values(), strict=True):
        config = images.blob(manifest["config"])
        assert f"linux/{config['architecture']}" == facts["platform"]
        assert manifest["annotations"] == images.index["annotations"]
        assert manifest["annotations"].items() <= config["config"]["Labels"].items()
        bill = json.loads((FOLDER / facts["sbom"]).read_bytes())
        packages = {component["purl"] for component in bill["components"]}
        architecture = facts["platform"].partition("/")[2]
        assert any(package.endswith(f"?arch={architecture}&distro=debian-12") for package in packages)
        assert any(package.startswith("pkg:pypi/msgspec@") for package in packages)


def test_platforms_share_what_is_the_same_on_both(images: Images) -> None:
    """Modules in Python, compiled by one machine for all: the code of the service, and what is around it."""
    one, other = ([layer["digest"] for layer in manifest["layers"]] for manifest in images.manifests.values())
    assert one[-FIRST_PARTY:] == other[-FIRST_PARTY:]
    assert {*one} != {*other}


@pytest.mark.parametrize("platform", MACHINES)
def test_both_serve(platform: str, images: Images, tmp_path: Path) -> None:
    """That of the other architecture through qemu, which runs its programs one by one."""
    chroot = require("chroot", "coreutils")
    if os.geteuid() != 0:
        missing("only root may change the root of a process")
    root = tmp_path / "root"
    images.unpack(platform, root)
    emulator: list[str] = []
    if MACHINES[platform] != os.uname().machine:
        name = f"qemu-{MACHINES[platform]}-static"
        shutil.copy(require(name, "qemu-user-static"), root / name)
        emulator = [f"/{name}"]
    config = images.blob(images.manifests[platform]["config"])["config"]
    environment = dict(variable.split("=", 1) for variable in config["Env"]) | {
        "PATH": PATH,
        "ZERO_HOST": "127.0.0.1",
        "ZERO_PORT": "0",
        "ZERO_DEV_SERVER__ENABLED": "false",
    }
    command = [chroot, "--userspec=65532:65532", root, *emulator, *config["Entrypoint"]]
    with running(command, environment, tmp_path / "log") as service:
        answer = httpx.get(f"http://{service.address}/hello/Ada", timeout=20).json()
    assert answer == {"greeting": "Hello Ada", "machine": MACHINES[platform]}
