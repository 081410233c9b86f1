"""The command ``push``: puts an image into a registry, with its bills of materials
(opencontainers/distribution-spec).

Only what the registry lacks is sent; blobs that another repository of it has are mounted from there. Tags
come last, so none names an image that is not whole.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import urllib.error
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from zero_image.errors import ImageError
from zero_image.outputs import compact_json, read_json
from zero_image.registry.client import HOST, NAME, Opener, Registry
from zero_image.registry.layout import INDEX_TYPES, MANIFEST_TYPES, OciLayout, blob_path

_REPOSITORY = re.compile(rf"(?P<host>{HOST})/(?P<name>{NAME})", re.ASCII)
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_MOST_SIBLINGS = (
    8  # repositories that are asked for blobs: each costs a request per blob that none of them has
)
_ACCEPTED = {"Accept": ", ".join((*MANIFEST_TYPES, *INDEX_TYPES))}
_CYCLONEDX = "application/vnd.cyclonedx+json"
_TITLE = "org.opencontainers.image.title"
_ABSENT = (404,)
_HIDDEN = (401, 403, 404)  # what another repository does not show or give us is as good as not there
_EMPTY_TYPE, _EMPTY = "application/vnd.oci.empty.v1+json", b"{}"
Json = dict[str, Any]


def push(
    archive: Path,
    summary: Path,
    repository: str,
    tags: Sequence[str],
    siblings: Sequence[str],
    docker_config: Path | None,
    plain_http: bool = False,
) -> str:
    """Makes ``repository`` (HOST/NAME) hold the image under its digest and ``tags``; answers what was done.

    ``siblings`` are repositories of the same host that may have the same layers. The bills of materials that
    the ``summary`` names lie beside it; they become referrers of the images they describe (OCI 1.1).
    """
    match = _REPOSITORY.fullmatch(repository)
    if match is None:
        raise ImageError(
            f"{repository!r} does not name a repository of a registry",
            hint="write it as HOST/NAME, in lower case: registry.example.com/shop/user-api",
        )
    wrong = [tag for tag in tags if not _TAG.fullmatch(tag)]
    if wrong:
        raise ImageError(
            *(f"{tag!r} is not a tag" for tag in wrong),
            hint="a tag is letters, digits, `_`, `.` and `-`, 128 at most, none of the last two at its start",
        )
    facts = read_json(summary, "summary of an image")
    source = _Source(OciLayout(archive))
    target = _Repository(match["host"], match["name"], siblings, docker_config, plain_http)
    for image in source.images:
        target.put_image(source, image)
    for platform in facts["platforms"]:
        target.put_bill_of_materials(platform["digest"], summary.parent / platform["sbom"], source)
    target.put_manifest(source.top["digest"], source.top, source.read(source.top))
    for tag in tags:
        target.put_manifest(tag, source.top, source.read(source.top))
    return f"{repository}@{source.top['digest']}: {target.report}" + "".join(
        f"; tagged {tag}" for tag in tags
    )


class _Source:
    """The image to push, as its layout has it."""

    def __init__(self, layout: OciLayout) -> None:
        self.layout = layout
        with layout.open("index.json") as file:
            (self.top,) = json.load(file)["manifests"]
        self.images: list[Json] = self._images(self.top)
        """The descriptors of the manifests of all platforms."""

    def _images(self, descriptor: Json) -> list[Json]:
        if descriptor["mediaType"] not in INDEX_TYPES:
            return [descriptor]
        return [image for one in self.layout.document(descriptor)["manifests"] for image in self._images(one)]

    def read(self, descriptor: Json) -> bytes:
        with self.layout.open(blob_path(descriptor["digest"])) as stream:
            return stream.read()


class _Repository:
    """One repository of a registry, to write to."""

    def __init__(
        self, host: str, name: str, siblings: Sequence[str], docker_config: Path | None, plain_http: bool
    ) -> None:
        self._siblings = [
            sibling.partition("/")[2] for sibling in siblings if sibling.startswith(f"{host}/")
        ][:_MOST_SIBLINGS]
        scopes = [f"repository:{name}:pull,push", *(f"repository:{one}:pull" for one in self._siblings)]
        self._registry = Registry(host, scopes, docker_config, plain_http=plain_http)
        self._name = name
        self._there = self._mounted = self._sent = self._bytes = 0

    @property
    def report(self) -> str:
        """What became of the blobs."""
        sent = f"{self._sent} blobs sent ({self._bytes:,} bytes)"
        return f"{sent}, {self._mounted} mounted, {self._there} there already"

    def put_image(self, source: _Source, descriptor: Json) -> None:
        manifest = source.layout.document(descriptor)
        blobs = {blob["digest"]: blob for blob in (manifest["config"], *manifest["layers"])}
        if self._stored(descriptor["digest"]):
            # A registry takes a manifest only once it has all that this names.
            self._there += len(blobs)
            return
        for digest, blob in blobs.items():
            self._put_blob(digest, blob["size"], partial(source.layout.open, blob_path(digest)))
        self.put_manifest(descriptor["digest"], descriptor, source.read(descriptor))

    def put_manifest(self, name: str, descriptor: Json, content: bytes) -> None:
        """``name`` is a digest or a tag."""
        if self._stored(name) == descriptor["digest"]:
            return
        headers = {"Content-Type": descriptor["mediaType"], "Content-Length": str(len(content))}
        path = f"{self._name}/manifests/{name}"
        self._ask("PUT", path, headers=headers, content=partial(io.BytesIO, content))

    def put_bill_of_materials(self, digest: str, file: Path, source: _Source) -> None:
        """Makes the CycloneDX document a referrer of the image with that digest."""
        (subject,) = (image for image in source.images if image["digest"] == digest)
        document = file.read_bytes()
        layer = {**_descriptor(_CYCLONEDX, document), "annotations": {_TITLE: file.name}}
        manifest = compact_json(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPES[0],
                "artifactType": _CYCLONEDX,
                "config": _descriptor(_EMPTY_TYPE, _EMPTY),
                "layers": [layer],
                "subject": {key: subject[key] for key in ("mediaType", "digest", "size")},
            }
        )
        descriptor = _descriptor(MANIFEST_TYPES[0], manifest)
        if not self._stored(descriptor["digest"]):
            for content in (_EMPTY, document):
                self._put_blob(_digest(content), len(content), partial(io.BytesIO, content))
            self.put_manifest(descriptor["digest"], descriptor, manifest)
        if self._get(f"referrers/{digest}") is None:
            self._list_under_tag(digest, {**descriptor, "artifactType": _CYCLONEDX})

    def _list_under_tag(self, digest: str, referrer: Json) -> None:
        """What a registry without the referrers API has instead: an index under a tag made of the digest."""
        tag = digest.replace(":", "-")
        index = self._get(f"manifests/{tag}")
        known = json.loads(index)["manifests"] if index is not None else []
        if any(one["digest"] == referrer["digest"] for one in known):
            return
        content = compact_json(
            {"schemaVersion": 2, "mediaType": INDEX_TYPES[0], "manifests": [*known, referrer]}
        )
        self.put_manifest(tag, _descriptor(INDEX_TYPES[0], content), content)

    def _put_blob(self, digest: str, size: int, content: Opener) -> None:
        if self._has_blob(self._name, digest):
            self._there += 1
        elif self._mount(digest):
            self._mounted += 1
        else:
            url = self._registry.url(f"{self._name}/blobs/uploads/")
            self._registry.attempt(url, lambda: self._upload(url, digest, size, content))
            self._sent += 1
            self._bytes += size

    def _upload(self, url: str, digest: str, size: int, content: Opener) -> None:
        with self._registry.open("POST", url) as response:
            session = self._registry.follow(url, response.headers.get("Location", ""))
        to = f"{session}{'&' if '?' in session else '?'}{urllib.parse.urlencode({'digest': digest})}"
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        self._registry.open("PUT", to, headers=headers, body=content).close()

    def _mount(self, digest: str) -> bool:
        """Whether the registry has taken the blob over from another repository of its own."""
        for sibling in self._siblings:
            if self._has_blob(sibling, digest):
                query = urllib.parse.urlencode({"mount": digest, "from": sibling})
                # Whoever has one of the blobs likely has the others.
                self._siblings.remove(sibling)
                self._siblings.insert(0, sibling)
                answer = self._ask("POST", f"{self._name}/blobs/uploads/?{query}", absent=_HIDDEN)
                return answer is not None and answer.status == HTTPStatus.CREATED
        return False

    def _has_blob(self, name: str, digest: str) -> bool:
        hidden = _ABSENT if name == self._name else _HIDDEN
        return self._ask("HEAD", f"{name}/blobs/{digest}", absent=hidden) is not None

    def _stored(self, name: str) -> str:
        """The digest of the manifest with that digest or tag; empty if there is none."""
        answer = self._ask("HEAD", f"{self._name}/manifests/{name}", headers=_ACCEPTED, absent=_ABSENT)
        return str(answer.headers.get("Docker-Content-Digest", "")) if answer else ""

    def _get(self, path: str) -> bytes | None:
        answer = self._ask("GET", f"{self._name}/{path}", headers=_ACCEPTED, absent=_ABSENT)
        return answer.body if answer else None

    def _ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: Opener | None = None,
        absent: tuple[int, ...] = (),
    ) -> _Answer | None:
        """What the registry answers; None if it does so with a status that is ``absent``."""
        url = self._registry.url(path)

        def ask() -> _Answer | None:
            try:
                with self._registry.open(method, url, headers=headers, body=content) as response:
                    return _Answer(response.status, response.headers, response.read())
            except urllib.error.HTTPError as error:
                if error.code not in absent:
                    raise
                return None

        return self._registry.attempt(url, ask)


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Message
    body: bytes


def _descriptor(media_type: str, content: bytes) -> Json:
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
