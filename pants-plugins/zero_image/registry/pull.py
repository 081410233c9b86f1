"""The command ``pull``: fetches one image by digest over the registry API (opencontainers/distribution-spec).

Everything is verified by digest on the way, so what a reference names is what arrives, whoever serves it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

from zero_image.errors import ImageError
from zero_image.outputs import compact_json, new_folder, read_json
from zero_image.registry.layout import INDEX_TYPES, MANIFEST_TYPES, blob_path, choose_platform

_HOST = r"[\w-]+(?:\.[\w-]+)+(?::\d+)?|localhost(?::\d+)?|[\w-]+:\d+"
_REFERENCE = re.compile(
    rf"(?P<host>{_HOST})/(?P<name>[a-z0-9._/-]+)(?::[\w.-]+)?@(?P<digest>sha256:[0-9a-f]{{64}})", re.ASCII
)
_LOOPBACK = re.compile(r"(localhost|127(\.\d+){3})(:\d+)?")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_TIMEOUT = 60.0  # seconds without a byte
_ATTEMPTS = 3
_PAUSE = 1.0  # seconds before the second attempt, twice as many before the third
_CHUNK = 1 << 20


def pull(reference: str, architecture: str, docker_config: Path | None, output: Path) -> None:
    """Writes an OCI layout of the image; of an image for several platforms only that of ``architecture``."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise ImageError(
            f"{reference!r} does not name an image by registry and digest",
            hint="write it as HOST/NAME@sha256:DIGEST; a tag may move, a digest may not",
        )
    registry = Registry(match["host"], match["name"], docker_config)
    descriptor: dict[str, Any] = {"digest": match["digest"]}
    with new_folder(output) as partial:
        (partial / "blobs" / "sha256").mkdir(parents=True)

        def fetch(kind: str, wanted: dict[str, Any]) -> Path:
            path = partial / blob_path(wanted["digest"])
            if not path.exists():
                registry.fetch(kind, wanted["digest"], path)
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


class Registry:
    """One repository of one registry, read with the reader's own rights or anonymously."""

    def __init__(self, host: str, name: str, docker_config: Path | None) -> None:
        # As docker does: plain HTTP only to this very machine.
        scheme = "http" if _LOOPBACK.fullmatch(host) else "https"
        self._base = f"{scheme}://{host}/v2/{name}"
        self._name = name
        self._basic = _credentials(docker_config, host) if docker_config is not None else ""
        self._authorization = ""

    def fetch(self, kind: str, digest: str, path: Path) -> None:
        """Writes to ``path`` what has a digest; ``kind`` is ``manifests`` or ``blobs``."""
        url = f"{self._base}/{kind}/{digest}"
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                found = self._download(url, path)
                if found == digest:
                    return
                problem = ImageError(f"{url}: what came has the digest {found}")
            except (OSError, HTTPException) as error:
                problem = ImageError(f"{url}: {error}", hint=_hint(error))
                if isinstance(error, urllib.error.HTTPError) and error.code < 500:
                    break
            if attempt < _ATTEMPTS:
                time.sleep(_PAUSE * attempt)
        raise problem

    def _download(self, url: str, path: Path) -> str:
        digest = hashlib.sha256()
        with self._open(url) as response, path.open("wb") as file:
            while chunk := response.read(_CHUNK):
                digest.update(chunk)
                file.write(chunk)
        return f"sha256:{digest.hexdigest()}"

    def _open(self, url: str) -> HTTPResponse:
        accepted = ", ".join((*MANIFEST_TYPES, *INDEX_TYPES, "*/*"))
        request = urllib.request.Request(url, headers={"Accept": accepted})
        if self._authorization:
            # Not sent on to where a registry redirects, which is another host's storage.
            request.add_unredirected_header("Authorization", self._authorization)
        try:
            return _open(request)
        except urllib.error.HTTPError as error:
            challenge = error.headers.get("WWW-Authenticate", "")
            if error.code != 401 or self._authorization or not challenge:
                raise
            self._authorization = self._answer(challenge)
        return self._open(url)

    def _answer(self, challenge: str) -> str:
        """The Authorization that a registry's 401 asks for: Basic, or a token from the server it names."""
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic":
            return f"Basic {self._basic}"
        parameters = dict(_CHALLENGE.findall(rest))
        realm = parameters.get("realm", "")
        server = urllib.parse.urlsplit(realm)
        if server.scheme != "https" and not (server.scheme == "http" and _LOOPBACK.fullmatch(server.netloc)):
            raise ImageError(
                f"{self._base}: the registry names {realm!r} for tokens, which is not safe to ask"
            )
        query = {
            "service": parameters.get("service", ""),
            "scope": parameters.get("scope", f"repository:{self._name}:pull"),
        }
        request = urllib.request.Request(f"{realm}?{urllib.parse.urlencode(query)}")
        if self._basic:
            request.add_unredirected_header("Authorization", f"Basic {self._basic}")
        with _open(request) as response:
            try:
                answer = json.load(response)
                return f"Bearer {answer.get('token') or answer['access_token']}"
            except (ValueError, LookupError, AttributeError):
                raise ImageError(f"{realm}: the answer is not a token") from None


def _open(request: urllib.request.Request) -> HTTPResponse:
    response: HTTPResponse = urllib.request.urlopen(request, timeout=_TIMEOUT)
    return response


def _hint(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError) and error.code in (401, 403):
        return "the registry wants other credentials: name docker's config.json with --docker-config"
    return ""


def _credentials(docker_config: Path, host: str) -> str:
    """What ``docker login`` stored for a registry, as Basic credentials; empty when it has none."""
    config = read_json(docker_config, "docker configuration")
    helper = config.get("credHelpers", {}).get(host) or config.get("credsStore")
    if helper:
        program = f"docker-credential-{helper}"
        try:
            result = subprocess.run([program, "get"], input=f"{host}\n", capture_output=True, text=True)
        except FileNotFoundError:
            raise ImageError(f"{docker_config} names {program}, which is not on PATH") from None
        if result.returncode == 0:
            secret = json.loads(result.stdout)
            return base64.b64encode(f"{secret['Username']}:{secret['Secret']}".encode()).decode()
    entry = config.get("auths", {}).get(host, {})
    return str(entry.get("auth", ""))
