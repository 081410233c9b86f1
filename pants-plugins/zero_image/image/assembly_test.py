from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from zero_image.conventions import EPOCH
from zero_image.errors import ImageError
from zero_image.image.assembly import assemble
from zero_image.image.parts import Parts
from zero_image.layers.base import Base, read_base
from zero_image.layers.layer import read_layer

SPEC = {
    "reference": "registry.example/shop/api:1.4",
    "entrypoint": ["/app/bin/python", "-m", "shop.main"],
    "ports": ["8080"],
    "annotations": {"org.opencontainers.image.title": "api"},
}


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(SPEC))
    return path


def read(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        files = {member.name: tar.extractfile(member) for member in tar}
        return {name: stream.read() for name, stream in files.items() if stream is not None}


def base_of(folder: Path, architecture: str, layer: Path, **facts: Any) -> Path:
    """A base without layers, for what was compiled with that of ``layer``."""
    folder.mkdir()
    Base(architecture, read_layer(layer).soabi, (), **facts).save(folder)
    return folder


def blob(files: dict[str, bytes], descriptor: dict[str, Any]) -> bytes:
    """The content of a descriptor, which must have the digest and the size that it says."""
    data = files["blobs/" + descriptor["digest"].replace(":", "/")]
    assert f"sha256:{hashlib.sha256(data).hexdigest()}" == descriptor["digest"]
    assert len(data) == descriptor["size"]
    return data


def test_is_an_oci_layout(base_folder: Path, sources_layer_folder: Path, spec: Path, tmp_path: Path) -> None:
    output = tmp_path / "api.oci.tar"
    assemble([Parts(base_folder / "base", [sources_layer_folder])], spec, output, None)
    files = read(output)
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (descriptor,) = json.loads(files["index.json"])["manifests"]
    assert descriptor["annotations"] == {
        "org.opencontainers.image.ref.name": "1.4",
        "io.containerd.image.name": "registry.example/shop/api:1.4",
    }
    manifest = json.loads(blob(files, descriptor))
    assert manifest["mediaType"] == descriptor["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    config = json.loads(blob(files, manifest["config"]))
    layers = [blob(files, layer) for layer in manifest["layers"]]
    diff_ids = [f"sha256:{hashlib.sha256(gzip.decompress(layer)).hexdigest()}" for layer in layers]
    assert config["rootfs"] == {"type": "layers", "diff_ids": diff_ids}
    assert (config["architecture"], config["os"], config["created"]) == (
        "amd64",
        "linux",
        "1980-01-01T00:00:00Z",
    )
    assert config["config"]["Entrypoint"] == ["/app/bin/python", "-m", "shop.main"]
    assert [step["created_by"] for step in config["history"]] == ["debian 12 packages", "first-party sources"]


def test_is_what_docker_load_reads(
    base_folder: Path, sources_layer_folder: Path, spec: Path, tmp_path: Path
) -> None:
    output = tmp_path / "api.oci.tar"
    assemble([Parts(base_folder / "base", [sources_layer_folder])], spec, output, None)
    files = read(output)
    (image,) = json.loads(files["manifest.json"])
    assert image["RepoTags"] == ["registry.example/shop/api:1.4"]
    config = json.loads(files[image["Config"]])
    assert len(image["Layers"]) == len(config["rootfs"]["diff_ids"])
    for path, diff_id in zip(image["Layers"], config["rootfs"]["diff_ids"], strict=True):
        assert f"sha256:{hashlib.sha256(gzip.decompress(files[path])).hexdigest()}" == diff_id


def test_is_the_same_each_time(
    base_folder: Path, sources_layer_folder: Path, spec: Path, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        parts = Parts(base_folder / "base", [sources_layer_folder], folder / "api.cdx.json")
        assemble([parts], spec, folder / "api.oci.tar", folder / "api.json")
    for name in ("api.oci.tar", "api.json", "api.cdx.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    with tarfile.open(tmp_path / "one" / "api.oci.tar") as tar:
        assert {(member.mtime, member.uid, member.gid, member.uname) for member in tar} == {(EPOCH, 0, 0, "")}


def test_the_summary_names_what_was_written(
    base_folder: Path, sources_layer_folder: Path, spec: Path, tmp_path: Path
) -> None:
    output, summary, sbom = tmp_path / "api.oci.tar", tmp_path / "api.json", tmp_path / "api.cdx.json"
    assemble([Parts(base_folder / "base", [sources_layer_folder], sbom)], spec, output, summary)
    facts = json.loads(summary.read_text())
    (descriptor,) = json.loads(read(output)["index.json"])["manifests"]
    assert facts["digest"] == descriptor["digest"]
    assert facts["reference"] == "registry.example/shop/api:1.4"
    assert facts["media_type"] == descriptor["mediaType"]
    (platform,) = facts["platforms"]
    assert (platform["platform"], platform["digest"]) == ("linux/amd64", descriptor["digest"])
    assert platform["sbom"] == "api.cdx.json"
    assert platform["layers"][1] == read_layer(sources_layer_folder).descriptor()
    assert [part["name"] for part in json.loads(sbom.read_text())["components"]] == ["python", "system"]


def test_a_layer_of_another_python_is_refused(
    base_folder: Path, sources_layer_folder: Path, spec: Path, tmp_path: Path
) -> None:
    base = read_base(base_folder / "base")
    other = tmp_path / "base"
    other.mkdir()
    Base(base.architecture, "cpython-399-x86_64-linux-gnu", ()).save(other)
    with pytest.raises(ImageError, match=r"was compiled for cpython-.*, the base image has cpython-399"):
        assemble([Parts(other, [sources_layer_folder])], spec, tmp_path / "api.oci.tar", None)
    assert not (tmp_path / "api.oci.tar").exists()


def test_a_base_from_a_registry_is_named(sources_layer_folder: Path, spec: Path, tmp_path: Path) -> None:
    digest = f"sha256:{'0' * 64}"
    reference = f"registry.example/python@{digest}"
    folder = base_of(tmp_path / "base", "arm64", sources_layer_folder, variant="v8", reference=reference)
    assemble([Parts(folder, [sources_layer_folder])], spec, tmp_path / "api.oci.tar", None)
    files = read(tmp_path / "api.oci.tar")
    manifest = json.loads(blob(files, json.loads(files["index.json"])["manifests"][0]))
    assert manifest["annotations"] == {
        "org.opencontainers.image.title": "api",
        "org.opencontainers.image.base.name": "registry.example/python",
        "org.opencontainers.image.base.digest": digest,
    }
    config = json.loads(blob(files, manifest["config"]))
    assert (config["architecture"], config["variant"]) == ("arm64", "v8")
    assert config["config"]["Labels"] == manifest["annotations"]


def test_of_several_platforms_there_is_an_index(
    base_folder: Path, sources_layer_folder: Path, spec: Path, tmp_path: Path
) -> None:
    """Whose manifests share what is equal; docker's own index, which knows no platforms, is left out."""
    output, summary = tmp_path / "api.oci.tar", tmp_path / "api.json"
    arm = base_of(tmp_path / "arm", "arm64", sources_layer_folder, digest=f"sha256:{'0' * 64}")
    parts = [
        Parts(base_folder / "base", [sources_layer_folder], tmp_path / "api.linux-amd64.cdx.json"),
        Parts(arm, [sources_layer_folder], tmp_path / "api.linux-arm64.cdx.json"),
    ]
    assemble(parts, spec, output, summary)
    files = read(output)
    assert "manifest.json" not in files
    (descriptor,) = json.loads(files["index.json"])["manifests"]
    assert descriptor["annotations"]["io.containerd.image.name"] == "registry.example/shop/api:1.4"
    index = json.loads(blob(files, descriptor))
    assert index["mediaType"] == descriptor["mediaType"] == "application/vnd.oci.image.index.v1+json"
    assert [one["platform"] for one in index["manifests"]] == [
        {"architecture": "amd64", "os": "linux"},
        {"architecture": "arm64", "os": "linux"},
    ]
    assert index["annotations"] == {"org.opencontainers.image.title": "api"}
    manifests = [json.loads(blob(files, one)) for one in index["manifests"]]
    assert manifests[0]["layers"][-1] == manifests[1]["layers"][-1]
    facts = json.loads(summary.read_text())
    assert facts["digest"] == descriptor["digest"]
    assert [(one["platform"], one["sbom"]) for one in facts["platforms"]] == [
        ("linux/amd64", "api.linux-amd64.cdx.json"),
        ("linux/arm64", "api.linux-arm64.cdx.json"),
    ]
    assert all((tmp_path / one["sbom"]).is_file() for one in facts["platforms"])


def test_two_bases_for_one_platform_are_told(base_folder: Path, spec: Path, tmp_path: Path) -> None:
    parts = [Parts(base_folder / "base"), Parts(base_folder / "base")]
    with pytest.raises(ImageError, match="there are several bases for linux/amd64"):
        assemble(parts, spec, tmp_path / "api.oci.tar", None)
    assert not (tmp_path / "api.oci.tar").exists()


def test_more_layers_than_docker_takes_are_told(
    base_folder: Path, sources_layer_folder: Path, spec: Path, tmp_path: Path
) -> None:
    parts = Parts(base_folder / "base", [sources_layer_folder] * 127)
    with pytest.raises(ImageError, match="the image has 128 layers, and docker takes 127 at most"):
        assemble([parts], spec, tmp_path / "api.oci.tar", None)
