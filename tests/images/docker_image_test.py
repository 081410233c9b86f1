"""What users do with the images in BUILD files: Pants' own `docker_image` around a service, and a base of their own."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.repository import Repository
from tests.servers.podman import Podman, podman

SERVICE = "services/hello:hello"
DIST = "dist/services.hello/hello"
HELLO = {
    "hello.api": """\
type HelloResponse {
	Greeting string `json:"greeting"`
}

service Hello {
	@handler Hello
	get /hello returns (HelloResponse)
}
""",
    "logic.py": """\
from hello.hello_api import HelloApi, HelloResponse
from hello.hello_service import Context


class HelloLogic(HelloApi):
    def __init__(self, context: Context) -> None:
        pass

    async def hello(self) -> HelloResponse:
        return HelloResponse(greeting="Hello")
""",
    "BUILD": """\
python_sources(name="logic")
zero_api(name="http", source="hello.api")
zero_service(name="hello", serves=":http", logic="logic.py:HelloLogic")
""",
}
"""A service that requires little: its image is made in a fraction of the time that an example's takes."""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    repository = Repository(tmp_path_factory.mktemp("repository"))
    repository.edit(
        "pants.toml", '  "pants_backend_zero",', '  "pants_backend_zero", "pants.backend.docker",'
    )
    for name, content in HELLO.items():
        repository.write(f"services/hello/{name}", content)
    yield repository
    repository.stop()


@pytest.fixture(scope="module")
def engine() -> Iterator[Podman]:
    with podman() as engine:
        yield engine


def test_a_docker_image_may_depend_on_a_service(
    repository: Repository, engine: Podman, tmp_path: Path
) -> None:
    """All artefacts of the service are in its context, the image's layers among them."""
    build = repository.root / "services/hello/BUILD"
    build.write_text(build.read_text() + """
docker_image(
    name="image",
    dependencies=[":hello"],
    instructions=[
        "FROM scratch",
        "ADD services.hello/hello/docker/*.tar.gz /",
        "COPY services.hello/hello/hello.cdx.json /",
        "USER 65532",
        'ENTRYPOINT ["/app/bin/python", "-c", "import msgspec; print(msgspec.json.encode([1]).decode())"]',
    ],
)
""")
    # podman speaks docker's language, under its name as well.
    (tmp_path / "docker").symlink_to(engine.program)
    variables = [f"{name}={value}" for name, value in engine.environment.items()]
    result = repository.pants(
        f"--docker-executable-search-paths=['{tmp_path}']",
        f"--docker-env-vars={json.dumps(variables)}",
        *("package", "services/hello:image"),
    )
    assert result.returncode == 0, result.stderr
    assert engine("run", "--rm", "--read-only", "localhost/image:latest") == "[1]"


def test_a_base_may_be_a_layout_of_the_repository(repository: Repository) -> None:
    """Here the service's own image, whose layers then are the lower ones; a wrong path is told."""
    packaged = repository.pants("package", SERVICE)
    assert packaged.returncode == 0, packaged.stderr
    archive = repository.root / DIST / "hello.oci.tar"
    shutil.copy(archive, repository.root / "3rdparty" / "base.tar")
    before = layers(archive)
    digest = json.loads((repository.root / DIST / "image.json").read_bytes())["digest"]
    edit = ('name="hello", ', 'name="hello", image_base="oci:3rdparty/base.tar", ')
    repository.edit("services/hello/BUILD", *edit)
    packaged = repository.pants("package", SERVICE)
    assert packaged.returncode == 0, packaged.stderr
    manifest = manifest_of(archive)
    assert layers(archive)[: len(before)] == before
    assert manifest["annotations"]["org.opencontainers.image.base.digest"] == digest
    repository.edit("services/hello/BUILD", "oci:3rdparty/base.tar", "oci:3rdparty/bases.tar")
    told = repository.refused("package", SERVICE).stderr
    assert "There is no OCI layout at '3rdparty/bases.tar'" in told
    assert "Did you mean `oci:3rdparty/base.tar`?" in told


def manifest_of(archive: Path) -> dict[str, Any]:
    def read(tar: tarfile.TarFile, name: str) -> dict[str, Any]:
        stream = tar.extractfile(name)
        assert stream is not None
        document: dict[str, Any] = json.load(stream)
        return document

    with tarfile.open(archive) as tar:
        (descriptor,) = read(tar, "index.json")["manifests"]
        return read(tar, f"blobs/{descriptor['digest'].replace(':', '/')}")


def layers(archive: Path) -> list[str]:
    return [layer["digest"] for layer in manifest_of(archive)["layers"]]
