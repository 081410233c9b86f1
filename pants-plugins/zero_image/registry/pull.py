"""The command ``pull``: fetches one image by digest over the registry API (opencontainers/distribution-spec).

Everything is verified by digest on the way, so what a reference names is what arrives, whoever serves it.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from zero_image.errors import ImageError
from zero_image.outputs import compact_json, new_folder, read_json
from zero_image.registry.client import HOST, NAME, Corrupt, Registry
from zero_image.registry.layout import INDEX_TYPES, MANIFEST_TYPES, blob_path, choose_platform

_REFERENCE = re.compile(
    rf"(?P<host>{HOST})/(?P<name>{NAME})(?::[\w.-]+)?@(?P<digest>sha256:[0-9a-f]{{64}})", re.ASCII
)
_ACCEPTED = {"Accept": ", ".join((*MANIFEST_TYPES, *INDEX_TYPES, "*/*"))}
_CHUNK = 1 << 20


def pull(
    reference: str,
    architecture: str,
    docker_config: Path | None,
    output: Path,
    plain_http: bool = False,
) -> None:
    """Writes an OCI layout of the image; of an image for several platforms only that of ``architecture``."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise ImageError(
            f"{reference!r} does not name an image by registry and digest",
            hint="write it as HOST/NAME@sha256:DIGEST; a tag may move, a digest may not",
        )
    repository = _Repository(match["host"], match["name"], docker_config, plain_http)
    descriptor: dict[str, Any] = {"digest": match["digest"]}
    with new_folder(output) as partial:
        (partial / "blobs" / "sha256").mkdir(parents=True)

        def fetch(kind: str, wanted: dict[str, Any]) -> Path:
            path = partial / blob_path(wanted["digest"])
            if not path.exists():
                repository.fetch(kind, wanted["digest"], path)
            return path

        manifest = read_json(fetch("manifests", descriptor), "manifest")
        if "manifests" in manifest:
            chosen = choose_platform(manifest, architecture, reference)
            (partial / blob_path(descriptor["digest"])).unlink()
            descriptor = {"digest": chosen["digest"]}
            manifest = read_json(fetch("manifests", descriptor), "manifest")
        if not {"config", "layers"} <= manifest.keys():
            raise ImageError(f"{reference} is not an image in OCI's form or docker's second")
        for blob in [manifest["config"], *manifest["layers"]]:
            fetch("blobs", blob)
        descriptor["mediaType"] = manifest.get("mediaType", MANIFEST_TYPES[0])
        descriptor["size"] = (partial / blob_path(descriptor["digest"])).stat().st_size
        index = {"schemaVersion": 2, "mediaType": INDEX_TYPES[0], "manifests": [descriptor]}
        (partial / "index.json").write_bytes(compact_json(index))
        (partial / "oci-layout").write_bytes(compact_json({"imageLayoutVersion": "1.0.0"}))


class _Repository:
    """One repository of a registry, to read from."""

    def __init__(self, host: str, name: str, docker_config: Path | None, plain_http: bool) -> None:
        scopes = [f"repository:{name}:pull"]
        self._registry = Registry(host, scopes, docker_config, plain_http=plain_http)
        self._name = name

    def fetch(self, kind: str, digest: str, path: Path) -> None:
        """Writes to ``path`` what has a digest; ``kind`` is ``manifests`` or ``blobs``."""
        url = self._registry.url(f"{self._name}/{kind}/{digest}")
        self._registry.attempt(url, lambda: self._download(url, digest, path))

    def _download(self, url: str, wanted: str, path: Path) -> None:
        digest = hashlib.sha256()
        with self._registry.open("GET", url, headers=_ACCEPTED) as response, path.open("wb") as file:
            while chunk := response.read(_CHUNK):
                digest.update(chunk)
                file.write(chunk)
        if (found := f"sha256:{digest.hexdigest()}") != wanted:
            raise Corrupt(f"{url}: what came has the digest {found}")
