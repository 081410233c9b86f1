"""The packaged images, pushed into Debian's registry with a login: what arrives is what was packaged."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.process import require
from tests.servers.registry import ImageRegistry, image_registry
from zero_image.errors import ImageError
from zero_image.registry.pull import pull
from zero_image.registry.push import push

PACKAGED = {name: Path(f"services.user/{name}") for name in ("user-rpc", "user-api")}


@pytest.fixture(scope="module")
def registry() -> Iterator[ImageRegistry]:
    with image_registry() as found:
        yield found


def published(registry: ImageRegistry, name: str, *siblings: str) -> str:
    folder = PACKAGED[name]
    return push(
        folder / f"{name}.oci.tar",
        folder / "image.json",
        f"{registry.host}/shop/{name}",
        ["1.0", "latest"],
        [f"{registry.host}/{sibling}" for sibling in siblings],
        registry.docker_config,
    )


def digest_of(name: str) -> str:
    digest: str = json.loads((PACKAGED[name] / "image.json").read_bytes())["digest"]
    return digest


def test_the_digest_of_the_manifest_is_what_the_registry_has(registry: ImageRegistry) -> None:
    told = published(registry, "user-rpc")
    digest = digest_of("user-rpc")
    assert told.startswith(f"{registry.host}/shop/user-rpc@{digest}: ")
    for tag in ("1.0", "latest"):
        assert registry.get(f"shop/user-rpc/manifests/{tag}")[1] == digest
    assert f"@{digest}" in (PACKAGED["user-rpc"] / "k8s" / "user-rpc.yaml").read_text()


def test_a_second_push_sends_nothing(registry: ImageRegistry) -> None:
    published(registry, "user-rpc")
    before = registry.writes()
    assert "0 blobs sent (0 bytes), 0 mounted" in published(registry, "user-rpc")
    assert registry.writes() == before


def test_a_second_service_sends_only_what_it_has_for_itself(registry: ImageRegistry) -> None:
    published(registry, "user-rpc")
    layers = {
        name: {
            layer["digest"]
            for layer in json.loads((PACKAGED[name] / "image.json").read_bytes())["platforms"][0]["layers"]
        }
        for name in PACKAGED
    }
    shared = len(layers["user-rpc"] & layers["user-api"])
    assert shared > 0
    # Bills of materials share their configuration, which is empty.
    assert f" {shared + 1} mounted, 0 there already" in published(registry, "user-api", "shop/user-rpc")
    assert registry.get("shop/user-api/manifests/latest")[1] == digest_of("user-api")


def test_the_bill_of_materials_refers_to_the_image(registry: ImageRegistry) -> None:
    """This registry has no API for referrers, so that they are listed under the tag that stands for it."""
    published(registry, "user-rpc")
    tag = digest_of("user-rpc").replace(":", "-")
    (listed,) = registry.json(f"shop/user-rpc/manifests/{tag}")["manifests"]
    assert listed["artifactType"] == "application/vnd.cyclonedx+json"
    referrer = registry.json(f"shop/user-rpc/manifests/{listed['digest']}")
    assert referrer["subject"]["digest"] == digest_of("user-rpc")
    (layer,) = referrer["layers"]
    content, _ = registry.get(f"shop/user-rpc/blobs/{layer['digest']}")
    assert content == (PACKAGED["user-rpc"] / "user-rpc.cdx.json").read_bytes()


def test_what_was_pushed_can_be_pulled(registry: ImageRegistry, tmp_path: Path) -> None:
    """`pull` holds every blob to its digest."""
    published(registry, "user-rpc")
    image = f"{registry.host}/shop/user-rpc@{digest_of('user-rpc')}"
    (platform,) = json.loads((PACKAGED["user-rpc"] / "image.json").read_bytes())["platforms"]
    pull(image, platform["platform"].partition("/")[2], registry.docker_config, tmp_path / "layout")


def test_other_tools_find_the_image(registry: ImageRegistry) -> None:
    published(registry, "user-rpc")
    told = subprocess.run(
        [
            require("skopeo", "skopeo"),
            *("inspect", "--tls-verify=false", f"--authfile={registry.docker_config}"),
            f"docker://{registry.host}/shop/user-rpc:1.0",
        ],
        check=True,
        capture_output=True,
    )
    image = json.loads(told.stdout)
    assert image["Digest"] == digest_of("user-rpc")
    assert {"1.0", "latest"} <= set(image["RepoTags"])


def test_without_a_login_nothing_is_taken(registry: ImageRegistry, tmp_path: Path) -> None:
    folder = PACKAGED["user-rpc"]
    with pytest.raises(ImageError, match="401: Unauthorized") as raised:
        push(folder / "user-rpc.oci.tar", folder / "image.json", f"{registry.host}/x/y", ["1"], [], None)
    assert "docker login" in raised.value.hint
    stranger = tmp_path / "config.json"
    stranger.write_text(json.dumps({"auths": {registry.host: {"auth": "bm86Ym9keQ=="}}}))
    with pytest.raises(ImageError, match="401") as raised:
        push(folder / "user-rpc.oci.tar", folder / "image.json", f"{registry.host}/x/y", ["1"], [], stranger)
    assert "the account" in raised.value.hint
