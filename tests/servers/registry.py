"""A registry of images: Debian's docker-registry, open to one account."""

from __future__ import annotations

import base64
import json
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.process import free_port, require, running

USER, PASSWORD = "zero", "pass:w/ord"
_HTPASSWD = f"{USER}:$2b$04$K3gBJDY1BiOwRcqy.nxQvuy.cIy8K2AWH2vkIyv8JNGLCZwsobguy\n"  # PASSWORD, by bcrypt
_LOGIN = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
_MANIFESTS = ("manifest.v1", "index.v1")


@dataclass(frozen=True)
class ImageRegistry:
    host: str
    docker_config: Path
    """Docker's `config.json` with the account."""

    log: Path

    def get(self, path: str) -> tuple[bytes, str]:
        """What stands at a path below `/v2/`, and the digest that the registry gives for it."""
        accept = ", ".join(f"application/vnd.oci.image.{kind}+json" for kind in _MANIFESTS)
        headers = {"Authorization": f"Basic {_LOGIN}", "Accept": accept}
        request = urllib.request.Request(f"http://{self.host}/v2/{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read(), answer.headers.get("Docker-Content-Digest", "")

    def json(self, path: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.get(path)[0])
        return document

    def writes(self) -> list[str]:
        """All requests so far that wanted to change something: method, path, status."""
        lines = (json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{"))
        return [
            f"{line['http.request.method']} {line['http.request.uri']} {line['http.response.status']}"
            for line in lines
            if line["msg"] == "response completed" and line["http.request.method"] not in ("GET", "HEAD")
        ]


@contextmanager
def image_registry() -> Iterator[ImageRegistry]:
    """A registry over plain HTTP on a loopback port, with its images in a temporary folder."""
    program = require("docker-registry", "docker-registry")
    with tempfile.TemporaryDirectory(prefix="registry-", dir="/tmp") as name:
        folder = Path(name)
        registry = ImageRegistry(
            f"127.0.0.1:{free_port()}", folder / "docker" / "config.json", folder / "log"
        )
        accounts, settings = folder / "htpasswd", folder / "config.yml"
        accounts.write_text(_HTPASSWD)
        registry.docker_config.parent.mkdir()
        registry.docker_config.write_text(json.dumps({"auths": {registry.host: {"auth": _LOGIN}}}))
        settings.write_text(
            json.dumps(
                {
                    "version": 0.1,
                    "log": {"formatter": "json", "accesslog": {"disabled": True}},
                    "storage": {"filesystem": {"rootdirectory": str(folder / "images")}},
                    "http": {"addr": registry.host},
                    "auth": {"htpasswd": {"realm": "tests", "path": str(accounts)}},
                }
            )
        )

        def answers() -> bool:
            try:
                registry.get("")
            except OSError:
                return False
            return True

        with running([program, "serve", str(settings)], registry.log, answers):
            yield registry
