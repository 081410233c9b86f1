"""Reads an OCI image layout, a folder or a tar archive of it (opencontainers/image-spec, image-layout.md)."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from zero_image.errors import ImageError

INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
Json = dict[str, Any]


def blob_path(digest: str) -> str:
    """Where a layout keeps the blob of a digest such as ``sha256:...``; raises ImageError for any other."""
    algorithm, _, value = digest.partition(":")
    if algorithm != "sha256" or len(value) != 64 or not set(value) <= set("0123456789abcdef"):
        raise ImageError(f"{digest!r} is not a SHA-256 digest")
    return f"blobs/sha256/{value}"


def choose_platform(index: Json, architecture: str, origin: str) -> Json:
    """The descriptor of an index's manifest for Linux on ``architecture``, as OCI names it."""
    manifests: list[Json] = index["manifests"]
    platforms = [one.get("platform") or {} for one in manifests]
    for descriptor, platform in zip(manifests, platforms, strict=True):
        if (platform.get("os"), platform.get("architecture")) == ("linux", architecture):
            return descriptor
    if len(manifests) == 1 and not platforms[0]:
        return manifests[0]
    there = ", ".join(f"{one.get('os')}/{one.get('architecture')}" for one in platforms)
    raise ImageError(f"{origin} has no image for linux/{architecture}; it has {there or 'none at all'}")


class OciLayout:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._tar: tarfile.TarFile | None = None
        if not path.is_dir():
            try:
                self._tar = tarfile.open(path, "r:")  # - read from as long as the layout is
            except FileNotFoundError:
                raise ImageError(f"{path}: there is no such OCI layout") from None
            except tarfile.ReadError:
                raise ImageError(f"{path} is not an OCI layout: neither a folder nor a tar archive") from None

    @property
    def index(self) -> Json:
        """What ``index.json`` says."""
        value: Json = json.loads(self._read("index.json"))
        return value

    def manifest(self, architecture: str) -> tuple[Json, Json]:
        """The manifest for Linux on ``architecture``, and its descriptor."""
        descriptor = choose_platform(self.index, architecture, str(self.path))
        while (document := self.document(descriptor)).get(
            "mediaType", descriptor.get("mediaType")
        ) in INDEX_TYPES:
            descriptor = choose_platform(document, architecture, str(self.path))
        return document, descriptor

    def document(self, descriptor: Json) -> Json:
        """The JSON blob of a descriptor, its digest verified."""
        data = self._read(blob_path(descriptor["digest"]))
        if hashlib.sha256(data).hexdigest() != descriptor["digest"].partition(":")[2]:
            raise ImageError(f"{self.path}: the blob {descriptor['digest']} has another digest")
        value: Json = json.loads(data)
        return value

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A file of the layout by its path in it."""
        try:
            stream = self._tar.extractfile(name) if self._tar is not None else (self.path / name).open("rb")
        except (KeyError, FileNotFoundError):
            stream = None
        if stream is None:
            raise ImageError(f"{self.path} is not a whole OCI layout: it has no {name}")
        with stream:
            yield stream

    def _read(self, name: str) -> bytes:
        with self.open(name) as stream:
            return stream.read()
