"""The command against a small registry on loopback ports, with tokens and with storage on another host."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from zero_image.errors import ImageError
from zero_image.registry import client
from zero_image.registry.layout import OciLayout
from zero_image.registry.pull import pull

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
LOGIN = base64.b64encode(b"me:secret").decode()


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Registry:
    """What the two servers share: the registry, which sends blobs on to ``storage``."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.auth = ""  # or "basic" or "bearer"
        self.realm = ""  # of tokens; empty for this server's own
        self.failures = 0
        self.requests: list[str] = []
        self.server = self._start(self.answer)
        self.storage = self._start(self.answer_storage)
        self.host = f"127.0.0.1:{self.server.server_port}"

    @staticmethod
    def _start(answer: Any) -> ThreadingHTTPServer:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server

    def close(self) -> None:
        for server in (self.server, self.storage):
            server.shutdown()
            server.server_close()

    def push(self, architecture: str = "amd64", **manifest: Any) -> dict[str, Any]:
        """Stores an image and answers the descriptor of its manifest."""
        config, layer = (
            json.dumps({"architecture": architecture}).encode(),
            b"layer of " + architecture.encode(),
        )
        document = {
            "mediaType": MANIFEST_TYPE,
            "config": {"digest": digest(config)},
            "layers": [{"digest": digest(layer)}, {"digest": digest(layer)}],
            **manifest,
        }
        data = json.dumps(document).encode()
        self.content |= {digest(blob): blob for blob in (config, layer, data)}
        return {"digest": digest(data), "platform": {"os": "linux", "architecture": architecture}}

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path
        self.requests.append(path)
        given = handler.headers.get("Authorization", "")
        if path.startswith("/token?"):
            known = "service=here&scope=repository%3Ashop%2Fpython%3Apull" in path
            return self.send(
                handler, 200 if known else 400, b'{"token": "%s"}' % (given or "anonymous").encode()
            )
        if self.failures:
            self.failures -= 1
            return self.send(handler, 503)
        if self.auth == "basic" and given != f"Basic {LOGIN}":
            return self.send(handler, 401, headers={"WWW-Authenticate": 'Basic realm="here"'})
        wanted = ("Bearer anonymous", f"Bearer Basic {LOGIN}")
        if self.auth == "bearer" and given not in wanted:
            realm = self.realm or f"http://{self.host}/token"
            challenge = f'Bearer realm="{realm}",service="here",scope="repository:shop/python:pull"'
            return self.send(handler, 401, headers={"WWW-Authenticate": challenge})
        if "/blobs/" in path:
            location = f"http://127.0.0.1:{self.storage.server_port}/{path.rpartition('/')[2]}"
            return self.send(handler, 307, headers={"Location": location})
        found = self.content.get(path.rpartition("/")[2])
        self.send(handler, 200 if found is not None else 404, found or b"")

    def answer_storage(self, handler: BaseHTTPRequestHandler) -> None:
        # As object stores do: they refuse credentials that are not for them.
        refused = "Authorization" in handler.headers
        self.send(handler, 400 if refused else 200, self.content.get(handler.path.strip("/"), b""))

    @staticmethod
    def send(
        handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    monkeypatch.setattr(client, "_PAUSE", 0.001)
    registry = Registry()
    yield registry
    registry.close()


def login(folder: Path, registry: Registry, **config: Any) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(config or {"auths": {registry.host: {"auth": LOGIN}}}))
    return path


def test_writes_a_layout_of_what_the_digest_names(registry: Registry, tmp_path: Path) -> None:
    found = registry.push()
    pull(f"{registry.host}/shop/python:3.11@{found['digest']}", "amd64", None, tmp_path / "layout")
    layout = OciLayout(tmp_path / "layout")
    manifest, descriptor = layout.manifest("amd64")
    assert descriptor["digest"] == found["digest"]
    assert descriptor["size"] == len(registry.content[found["digest"]])
    assert layout.document(manifest["config"]) == {"architecture": "amd64"}
    blobs = sorted(path.name for path in (tmp_path / "layout" / "blobs" / "sha256").iterdir())
    assert blobs == sorted(name.removeprefix("sha256:") for name in registry.content)
    # A blob that a manifest has twice is fetched once.
    assert len(registry.requests) == 3


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_answers_for_the_reader_whose_login_docker_stored(
    auth: str, registry: Registry, tmp_path: Path
) -> None:
    found = registry.push()
    registry.auth = auth
    config = login(tmp_path, registry)
    pull(f"{registry.host}/shop/python@{found['digest']}", "amd64", config, tmp_path / "layout")
    assert OciLayout(tmp_path / "layout").manifest("amd64")


def test_answers_for_a_login_that_a_helper_keeps(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = registry.push()
    registry.auth = "basic"
    helper = tmp_path / "docker-credential-vault"
    helper.write_text(
        f'#!/bin/sh\nread host\ntest "$host" = {registry.host} || exit 1\n'
        'echo \'{"Username": "me", "Secret": "secret"}\'\n'
    )
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    config = login(tmp_path, registry, credHelpers={registry.host: "vault"})
    pull(f"{registry.host}/shop/python@{found['digest']}", "amd64", config, tmp_path / "layout")
    assert OciLayout(tmp_path / "layout").manifest("amd64")


def test_a_helper_that_is_not_installed_is_told(registry: Registry, tmp_path: Path) -> None:
    config = login(tmp_path, registry, credsStore="absent")
    with pytest.raises(ImageError, match="docker-credential-absent"):
        pull(f"{registry.host}/shop/python@sha256:{'0' * 64}", "amd64", config, tmp_path / "layout")


def test_anyone_may_have_a_token_for_what_is_public(registry: Registry, tmp_path: Path) -> None:
    found = registry.push()
    registry.auth = "bearer"
    pull(f"{registry.host}/shop/python@{found['digest']}", "amd64", None, tmp_path / "layout")
    assert sum(path.startswith("/token") for path in registry.requests) == 1


def test_a_refusal_is_told_with_a_way_out(registry: Registry, tmp_path: Path) -> None:
    found = registry.push()
    registry.auth = "basic"
    with pytest.raises(ImageError, match="401") as raised:
        pull(f"{registry.host}/shop/python@{found['digest']}", "amd64", None, tmp_path / "layout")
    assert "--docker-config" in raised.value.hint
    assert not (tmp_path / "layout").exists()


@pytest.mark.parametrize("realm", ["file:///etc/passwd", "http://tokens.example/"])
def test_credentials_go_to_no_place_that_is_not_safe(realm: str, registry: Registry, tmp_path: Path) -> None:
    found = registry.push()
    registry.auth, registry.realm = "bearer", realm
    with pytest.raises(ImageError, match="which is not safe to ask"):
        pull(f"{registry.host}/shop/python@{found['digest']}", "amd64", None, tmp_path / "layout")


def test_what_is_no_token_is_told(registry: Registry, tmp_path: Path) -> None:
    found = registry.push()
    registry.auth, registry.realm = "bearer", f"http://127.0.0.1:{registry.storage.server_port}/token"
    with pytest.raises(ImageError, match="the answer is not a token"):
        pull(f"{registry.host}/shop/python@{found['digest']}", "amd64", None, tmp_path / "layout")


def test_an_image_in_docker_s_first_form_is_told(registry: Registry, tmp_path: Path) -> None:
    old = json.dumps({"schemaVersion": 1, "fsLayers": []}).encode()
    registry.content[digest(old)] = old
    with pytest.raises(ImageError, match="is not an image in OCI's form"):
        pull(f"{registry.host}/shop/python@{digest(old)}", "amd64", None, tmp_path / "layout")


def test_of_several_platforms_one_is_fetched(registry: Registry, tmp_path: Path) -> None:
    images = [registry.push("arm64"), registry.push("amd64")]
    index = json.dumps({"manifests": images}).encode()
    registry.content[digest(index)] = index
    pull(f"{registry.host}/shop/python@{digest(index)}", "arm64", None, tmp_path / "layout")
    _, descriptor = OciLayout(tmp_path / "layout").manifest("arm64")
    assert descriptor["digest"] == images[0]["digest"]
    assert len(list((tmp_path / "layout" / "blobs" / "sha256").iterdir())) == 3
    with pytest.raises(ImageError, match="no image for linux/s390x"):
        pull(f"{registry.host}/shop/python@{digest(index)}", "s390x", None, tmp_path / "other")


def test_what_has_another_digest_is_refused(registry: Registry, tmp_path: Path) -> None:
    found = registry.push()
    layer = digest(b"layer of amd64")
    registry.content[layer] = b"something else"
    with pytest.raises(ImageError, match=f"blobs/{layer}: what came has the digest"):
        pull(f"{registry.host}/shop/python@{found['digest']}", "amd64", None, tmp_path / "layout")
    assert list(tmp_path.iterdir()) == []


def test_a_registry_that_stumbles_is_asked_again(registry: Registry, tmp_path: Path) -> None:
    found = registry.push()
    registry.failures = 2
    pull(f"{registry.host}/shop/python@{found['digest']}", "amd64", None, tmp_path / "layout")
    registry.failures = 3
    with pytest.raises(ImageError, match="503"):
        pull(f"{registry.host}/shop/python@{found['digest']}", "amd64", None, tmp_path / "other")


def test_what_is_not_there_is_told_at_once(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="404"):
        pull(f"{registry.host}/shop/python@sha256:{'0' * 64}", "amd64", None, tmp_path / "layout")
    assert len(registry.requests) == 1


@pytest.mark.parametrize(
    "reference",
    [
        "python:3.11",
        f"python@sha256:{'0' * 64}",
        "registry.example/python:3.11",
        f"registry.example/Python@sha256:{'0' * 64}",
        f"registry.example/python@sha256:{'0' * 63}",
    ],
)
def test_a_reference_names_registry_and_digest(reference: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="does not name an image by registry and digest"):
        pull(reference, "amd64", None, tmp_path / "layout")
