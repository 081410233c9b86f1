"""The command against a small registry on a loopback port, with tokens that say what one may do."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from zero_image.errors import ImageError
from zero_image.registry import client
from zero_image.registry.push import push

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LOGIN = base64.b64encode(b"me:secret").decode()


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Registry:
    """Repositories with blobs and manifests. Each token is good for the scopes that it was asked for."""

    def __init__(self) -> None:
        self.blobs: dict[str, set[str]] = {}
        self.manifests: dict[str, dict[str, bytes]] = {}
        self.writes: list[str] = []
        """Of what was changed: method and path below `/v2/`, digests cut short."""

        self.scopes: list[list[str]] = []
        """Those that tokens were asked for."""

        self.granted: tuple[str, ...] = ("repository:shop/", "repository:lib/", "repository:theirs/")
        """How scopes begin that may be asked for; for others there is no token at all."""

        self.uses_of_a_token = 1000
        self.failures = 0
        self.has_referrers = True
        self.mounts = True
        self._tokens: dict[str, list[Any]] = {}
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                registry.answer(self)

            do_GET = do_POST = do_PUT = do_HEAD

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.host = f"127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        address = urllib.parse.urlsplit(handler.path)
        query = urllib.parse.parse_qs(address.query)
        if address.path == "/token":
            return self._give_token(handler, query, urllib.parse.parse_qs(body.decode()))
        if self.failures:
            self.failures -= 1
            return send(handler, 503)
        path = address.path.removeprefix("/v2/")
        name = path.partition("/blobs/")[0].partition("/manifests/")[0].partition("/referrers/")[0]
        right = "pull" if handler.command in ("HEAD", "GET") else "push"
        given = self._tokens.get(handler.headers.get("Authorization", "").removeprefix("Bearer "), [[], 0])
        given[1] -= 1
        if given[1] < 0:
            challenge = f'Bearer realm="http://{self.host}/token",service="here"'
            return send(handler, 401, headers={"WWW-Authenticate": challenge})
        if not any(one.startswith(f"repository:{name}:") and right in one for one in given[0]):
            return send(handler, 403, b'{"errors": [{"code": "DENIED", "message": "not yours"}]}')
        if right == "push":
            self.writes.append(f"{handler.command} {path}"[:40])
        self._answer(handler, path, name, query, body)

    def _give_token(self, handler: Any, query: dict[str, list[str]], form: dict[str, list[str]]) -> None:
        identified = form.get("refresh_token") == ["identity"]
        scopes = form["scope"][0].split() if identified else query["scope"]
        self.scopes.append(scopes)
        known = identified or handler.headers.get("Authorization") == f"Basic {LOGIN}"
        if not known or not all(scope.startswith(self.granted) for scope in scopes):
            return send(handler, 403)
        token = str(len(self._tokens))
        ours = [scope for scope in scopes if not scope.startswith("repository:theirs/")]
        self._tokens[token] = [ours, self.uses_of_a_token]
        send(handler, 200, json.dumps({"token": token}).encode())

    def _answer(self, handler: Any, path: str, name: str, query: dict[str, list[str]], body: bytes) -> None:
        blobs, manifests = self.blobs.setdefault(name, set()), self.manifests.setdefault(name, {})
        last = path.rpartition("/")[2]
        if handler.command == "POST" and "mount" in query:
            if not self.mounts:
                return send(handler, 403)
            mounted = query["mount"][0] in self.blobs[query["from"][0]]
            assert mounted
            blobs.add(query["mount"][0])
            return send(handler, 201)
        if handler.command == "POST":
            return send(handler, 202, headers={"Location": f"/v2/{name}/blobs/uploads/1?state=x"})
        if handler.command == "PUT" and "/uploads/" in path:
            good = query["digest"] == [digest(body)] and query["state"] == ["x"]
            blobs.update(query["digest"] if good else ())
            return send(handler, 201 if good else 400)
        if handler.command == "PUT":
            document = json.loads(body)
            needed = [*document.get("layers", ()), *filter(None, [document.get("config")])]
            whole = all(blob["digest"] in blobs for blob in needed)
            whole = whole and all(one["digest"] in manifests for one in document.get("manifests", ()))
            if whole:
                manifests[last] = manifests[digest(body)] = body
            return send(handler, 201 if whole else 400)
        if "/referrers/" in path:
            return send(handler, 200 if self.has_referrers else 404, b"{}")
        if "/manifests/" in path:
            found = manifests.get(last)
            headers = {"Docker-Content-Digest": digest(found)} if found else {}
            return send(handler, 200 if found else 404, found or b"", headers)
        send(handler, 200 if last in blobs else 404)


def send(handler: Any, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
    handler.send_response(status)
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


class Built:
    """An archive and its summary as `assemble` writes them, for one platform or several."""

    def __init__(self, folder: Path, *architectures: str) -> None:
        self.archive, self.summary = folder / "user-api.oci.tar", folder / "image.json"
        files: dict[str, bytes] = {}

        def store(media_type: str, data: bytes) -> dict[str, Any]:
            files[f"blobs/{digest(data).replace(':', '/')}"] = data
            return {"mediaType": media_type, "digest": digest(data), "size": len(data)}

        def described(document: Any) -> bytes:
            return json.dumps(document).encode()

        images, platforms = [], []
        for architecture in architectures:
            layers = [store("layer", b"base"), store("layer", f"code for {architecture}".encode())]
            config = store("config", described({"architecture": architecture}))
            manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
            images.append(store(MANIFEST, described(manifest)))
            sbom = f"user-api.{architecture}.cdx.json"
            (folder / sbom).write_bytes(described({"bomFormat": "CycloneDX", "for": architecture}))
            platforms.append({"digest": images[-1]["digest"], "sbom": sbom})
        self.images = [image["digest"] for image in images]
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": images}
        (top,) = images if len(images) == 1 else [store(INDEX, described(index))]
        self.digest = top["digest"]
        files["index.json"] = described({"schemaVersion": 2, "manifests": [top]})
        with tarfile.open(self.archive, "w") as tar:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        self.summary.write_bytes(described({"digest": self.digest, "platforms": platforms}))


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    monkeypatch.setattr(client, "_PAUSE", 0.001)
    registry = Registry()
    yield registry
    registry.close()


@pytest.fixture
def built(tmp_path: Path) -> Built:
    return Built(tmp_path, "amd64")


@pytest.fixture
def docker_config(registry: Registry, tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"auths": {registry.host: {"auth": LOGIN}}}))
    return path


def test_a_tag_comes_after_all_that_it_stands_for(
    registry: Registry, built: Built, docker_config: Path
) -> None:
    told = push(
        built.archive, built.summary, f"{registry.host}/shop/user-api", ["1.0", "latest"], [], docker_config
    )
    assert told == (
        f"{registry.host}/shop/user-api@{built.digest}: 5 blobs sent (87 bytes), 0 mounted, 0 there already"
        "; tagged 1.0; tagged latest"
    )
    manifests = registry.manifests["shop/user-api"]
    assert digest(manifests["latest"]) == digest(manifests["1.0"]) == built.digest
    assert registry.writes[-2:] == ["PUT shop/user-api/manifests/1.0", "PUT shop/user-api/manifests/latest"]


def test_a_second_push_changes_nothing(registry: Registry, built: Built, docker_config: Path) -> None:
    def again() -> str:
        return push(
            built.archive, built.summary, f"{registry.host}/shop/user-api", ["latest"], [], docker_config
        )

    again()
    registry.writes.clear()
    assert "0 blobs sent (0 bytes), 0 mounted, 3 there already" in again()
    assert registry.writes == []


@pytest.mark.parametrize("has_referrers", [True, False])
def test_an_index_has_a_bill_of_materials_for_each_platform(
    registry: Registry, tmp_path: Path, docker_config: Path, has_referrers: bool
) -> None:
    registry.has_referrers = has_referrers
    built = Built(tmp_path, "amd64", "arm64")
    for _ in range(2):
        push(built.archive, built.summary, f"{registry.host}/shop/user-api", ["latest"], [], docker_config)
    manifests = registry.manifests["shop/user-api"]
    assert digest(manifests["latest"]) == built.digest
    documents = {name: json.loads(data) for name, data in manifests.items()}
    bills = {
        one["subject"]["digest"]: name for name, one in documents.items() if one.get("subject") is not None
    }
    assert set(bills) == set(built.images)
    for image, name in bills.items():
        assert documents[name]["artifactType"] == "application/vnd.cyclonedx+json"
        listed = documents.get(image.replace(":", "-"), {"manifests": []})["manifests"]
        assert [one["digest"] for one in listed] == ([] if has_referrers else [name])


def test_layers_of_other_services_are_mounted(registry: Registry, built: Built, docker_config: Path) -> None:
    registry.blobs = {"lib/python": {digest(b"base")}, "lib/empty": set()}
    siblings = [f"{registry.host}/lib/empty", f"{registry.host}/lib/python", "elsewhere.example/lib/python"]
    told = push(
        built.archive, built.summary, f"{registry.host}/shop/user-api", ["1"], siblings, docker_config
    )
    assert "4 blobs sent (83 bytes), 1 mounted, 0 there already" in told
    assert registry.scopes == [
        ["repository:shop/user-api:pull,push", "repository:lib/empty:pull", "repository:lib/python:pull"]
    ]


def test_a_layer_that_may_not_be_mounted_is_sent(
    registry: Registry, built: Built, docker_config: Path
) -> None:
    registry.mounts, registry.blobs = False, {"lib/python": {digest(b"base")}}
    siblings = [f"{registry.host}/lib/python"]
    told = push(
        built.archive, built.summary, f"{registry.host}/shop/user-api", ["1"], siblings, docker_config
    )
    assert "5 blobs sent (87 bytes), 0 mounted" in told


def test_other_repositories_may_be_closed_to_us(
    registry: Registry, built: Built, docker_config: Path
) -> None:
    registry.granted = ("repository:shop/",)
    siblings = [f"{registry.host}/lib/python"]
    told = push(
        built.archive, built.summary, f"{registry.host}/shop/user-api", ["1"], siblings, docker_config
    )
    assert "5 blobs sent" in told
    assert registry.scopes[1] == ["repository:shop/user-api:pull,push"]


def test_tokens_run_out_and_registries_stumble(registry: Registry, built: Built, docker_config: Path) -> None:
    registry.uses_of_a_token, registry.failures = 3, 2
    push(built.archive, built.summary, f"{registry.host}/shop/user-api", ["1"], [], docker_config)
    assert len(registry.scopes) > 3
    assert digest(registry.manifests["shop/user-api"]["1"]) == built.digest


def test_an_identity_token_serves_too(registry: Registry, built: Built, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"auths": {registry.host: {"identitytoken": "identity"}}}))
    push(built.archive, built.summary, f"{registry.host}/shop/user-api", ["1"], [], config)
    assert digest(registry.manifests["shop/user-api"]["1"]) == built.digest


def test_a_refusal_is_told_with_its_reason(registry: Registry, built: Built, docker_config: Path) -> None:
    with pytest.raises(ImageError, match=r"theirs/api/manifests/sha256:\w+: HTTP Error 403") as raised:
        push(built.archive, built.summary, f"{registry.host}/theirs/api", ["1"], [], docker_config)
    assert "may not do this" in raised.value.hint
    with pytest.raises(ImageError, match="403") as raised:
        push(built.archive, built.summary, f"{registry.host}/shop/user-api", ["1"], [], None)
    assert "`docker login` writes" in raised.value.hint


def test_a_registry_that_is_away_is_told(registry: Registry, built: Built) -> None:
    registry.close()
    with pytest.raises(ImageError, match="Connection refused") as raised:
        push(built.archive, built.summary, f"{registry.host}/shop/user-api", ["1"], [], None)
    assert raised.value.hint == f"is {registry.host} the registry, and can this machine reach it?"


@pytest.mark.parametrize("repository", ["user-api", "shop/user-api", "registry.example.com/Shop/api", "a.b/"])
def test_a_repository_is_one_of_a_registry(repository: str, built: Built) -> None:
    with pytest.raises(ImageError, match="does not name a repository of a registry"):
        push(built.archive, built.summary, repository, ["1"], [], None)


def test_all_wrong_tags_are_told(built: Built) -> None:
    with pytest.raises(ImageError) as raised:
        push(built.archive, built.summary, "localhost:1/api", ["-1", "1.0", "a b"], [], None)
    assert raised.value.problems == ("'-1' is not a tag", "'a b' is not a tag")
