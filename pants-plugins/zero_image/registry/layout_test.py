from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from zero_image.errors import ImageError
from zero_image.registry.layout import OciLayout, blob_path, choose_platform


def write(folder: Path, index: dict[str, Any], *documents: dict[str, Any]) -> Path:
    (folder / "blobs" / "sha256").mkdir(parents=True)
    (folder / "index.json").write_text(json.dumps(index))
    for document in documents:
        data = json.dumps(document).encode()
        (folder / blob_path(descriptor(document)["digest"])).write_bytes(data)
    return folder


def descriptor(document: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"digest": f"sha256:{hashlib.sha256(json.dumps(document).encode()).hexdigest()}", **more}


MANIFEST = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []}
PLATFORMS = {
    "mediaType": "application/vnd.oci.image.index.v1+json",
    "manifests": [
        descriptor({"other": 1}, platform={"os": "linux", "architecture": "arm64"}),
        descriptor(MANIFEST, platform={"os": "linux", "architecture": "amd64"}),
    ],
}


def test_finds_the_manifest_behind_an_index_in_folders_and_archives(tmp_path: Path) -> None:
    index = {"manifests": [descriptor(PLATFORMS, mediaType="application/vnd.oci.image.index.v1+json")]}
    folder = write(tmp_path / "layout", index, PLATFORMS, MANIFEST)
    with tarfile.open(tmp_path / "layout.tar", "w") as tar:
        tar.add(folder, arcname="")
        for path in folder.rglob("*"):
            if path.is_file():
                tar.add(path, arcname=path.relative_to(folder).as_posix())
    for path in (folder, tmp_path / "layout.tar"):
        manifest, found = OciLayout(path).manifest("amd64")
        assert manifest == MANIFEST
        assert found["digest"] == descriptor(MANIFEST)["digest"]


def test_a_platform_that_is_not_there_is_told() -> None:
    with pytest.raises(ImageError, match="x has no image for linux/s390x; it has linux/arm64, linux/amd64"):
        choose_platform(PLATFORMS, "s390x", "x")
    with pytest.raises(ImageError, match="none at all"):
        choose_platform({"manifests": []}, "amd64", "x")


def test_a_single_manifest_needs_no_platform() -> None:
    one = descriptor(MANIFEST)
    assert choose_platform({"manifests": [one]}, "arm64", "x") == one


def test_a_changed_document_is_told(tmp_path: Path) -> None:
    folder = write(tmp_path / "layout", {"manifests": [descriptor(MANIFEST)]}, MANIFEST)
    (folder / blob_path(descriptor(MANIFEST)["digest"])).write_text("{}")
    with pytest.raises(ImageError, match="has another digest"):
        OciLayout(folder).manifest("amd64")


def test_what_is_not_a_layout_is_told(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no")
    with pytest.raises(ImageError, match="neither a folder nor a tar archive"):
        OciLayout(tmp_path / "text")
    with pytest.raises(ImageError, match="there is no such OCI layout"):
        OciLayout(tmp_path / "absent")
    with pytest.raises(ImageError, match=r"it has no index\.json"):
        OciLayout(tmp_path).manifest("amd64")
    folder = write(tmp_path / "layout", {"manifests": [descriptor(MANIFEST)]})
    with pytest.raises(ImageError, match="it has no blobs/sha256/"):
        OciLayout(folder).manifest("amd64")


@pytest.mark.parametrize("digest", ["", "sha256:", "sha256:../../etc/passwd", "md5:0", f"sha256:{'G' * 64}"])
def test_only_digests_name_blobs(digest: str) -> None:
    with pytest.raises(ImageError, match="is not a SHA-256 digest"):
        blob_path(digest)
