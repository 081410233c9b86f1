"""Podman with images of its own, and a registry that tells how much it has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.http.processes import cores, free_port, listening

_CONTAINERS = """\
[containers]
default_ulimits = ["nofile=16384:16384", "nproc=4096:4096"]
netns = "host"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
"""Settings that work without systemd and inside of containers."""


@dataclass(frozen=True)
class Registry:
    """Debian's docker-registry on the loopback interface, with its images in a folder."""

    host: str
    folder: Path

    @property
    def bytes(self) -> int:
        """The size of all blobs that it has: layers, configurations and manifests, each once."""
        blobs = self.folder / "docker/registry/v2/blobs"
        return sum(file.stat().st_size for file in blobs.rglob("data"))


@contextmanager
def registry(folder: Path) -> Iterator[Registry]:
    program = _program("docker-registry")
    made = Registry(f"127.0.0.1:{free_port()}", folder / "images")
    settings = folder / "registry.json"
    storage = {"filesystem": {"rootdirectory": str(made.folder)}}
    settings.write_text(json.dumps({"version": 0.1, "storage": storage, "http": {"addr": made.host}}))
    port = int(made.host.rpartition(":")[2])
    with listening([program, "serve", settings], port, cores()[0], {}, folder / "registry.log"):
        yield made


class Engine:
    """Podman. What it builds and stores is in a folder that goes with it."""

    def __init__(self, folder: Path) -> None:
        self._podman = _program("podman")
        settings = folder / "containers.conf"
        settings.write_text(_CONTAINERS)
        storage = folder / "storage.conf"
        self._graph = folder / "graph"
        places = {"graphroot": self._graph, "runroot": folder / "run"}
        lines = [f'{name} = "{place}"\n' for name, place in places.items()]
        storage.write_text("".join(["[storage]\n", 'driver = "overlay"\n', *lines]))
        self._environment = {
            **os.environ,
            "CONTAINERS_CONF": str(settings),
            "CONTAINERS_STORAGE_CONF": str(storage),
        }

    def pull(self, source: str, name: str) -> None:
        """An image from an archive or a layout, under a name."""
        image = self("pull", "--quiet", source).split()[-1]
        self("tag", image, name)

    def build(self, context: Path, name: str, *, afresh: bool = False) -> None:
        self("build", "--quiet", *(["--no-cache"] if afresh else []), "--tag", name, str(context))

    def push(self, name: str, to: Registry) -> None:
        self("push", "--quiet", "--tls-verify=false", name, f"{to.host}/{name}")

    def config(self, name: str) -> dict[str, Any]:
        """What the image says of how it is run."""
        answer: dict[str, Any] = json.loads(self("image", "inspect", "--format", "{{json .Config}}", name))
        return answer

    def unpack(self, name: str, root: Path) -> None:
        """The image's file system, in a folder."""
        container = self("create", name).strip()
        root.mkdir(parents=True)
        with (root.parent / f"{root.name}.tar").open("w+b") as archive:
            subprocess.run(
                [self._podman, "export", container], env=self._environment, stdout=archive, check=True
            )
            archive.seek(0)
            with tarfile.open(fileobj=archive) as tar:
                tar.extraction_filter = getattr(tarfile, "tar_filter", None)  # from Python 3.11.4 on
                tar.extractall(root)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        """Lets go of what it may have mounted, so that its folder can be removed."""
        self("rm", "--all", "--force")
        if os.path.ismount(self._graph / "overlay"):
            subprocess.run(["umount", self._graph / "overlay"], check=True)

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            [self._podman, *arguments], env=self._environment, capture_output=True, text=True
        )
        if done.returncode:
            raise OSError(f"podman {' '.join(arguments)}: {done.stderr}")
        return done.stdout


def copy(source: str, to: Registry, name: str) -> None:
    """Pushes an archive or a layout as it is."""
    options = ("--quiet", "--dest-tls-verify=false")
    subprocess.run([_program("skopeo"), "copy", *options, source, f"docker://{to.host}/{name}"], check=True)


def _program(name: str) -> str:
    if found := shutil.which(name):
        return found
    raise OSError(f"{name} is not installed (Debian: apt-get install podman runc skopeo docker-registry)")
