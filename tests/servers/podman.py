"""podman with images and containers of its own, set up for machines that give containers little, such as CI's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.process import PATH, missing, require

# Debian's default runtime wants control groups that a container itself rarely has, and more open files than it may.
_CONTAINERS = """\
[containers]
default_ulimits = ["nofile=16384:16384", "nproc=4096:4096"]
netns = "host"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
_STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{0}/graph"
runroot = "{0}/run"
"""


@dataclass(frozen=True)
class Podman:
    program: str
    environment: dict[str, str]
    """What names the configuration, for whatever else runs podman."""

    def __call__(self, *arguments: str | Path) -> str:
        """The output of a command, which has to succeed."""
        result = subprocess.run(
            [self.program, *arguments], env=self.environment, capture_output=True, text=True
        )
        assert result.returncode == 0, f"podman {arguments[0]}: {result.stderr}"
        return result.stdout.strip()

    def inspect(self, name: str, *, kind: str = "image") -> dict[str, Any]:
        """What podman knows of an image or, as `kind` says, of a `container`."""
        (facts,) = json.loads(self("inspect", "--type", kind, name))
        value: dict[str, Any] = facts
        return value

    def hardened(self, *arguments: str) -> list[str]:
        """The command that runs a container as Kubernetes' restricted standard asks: `podman run … <arguments>`.

        The service's variables are those of the process that runs the command.
        """
        return [
            *(self.program, "run", "--rm", "--read-only", "--read-only-tmpfs=false"),
            *("--cap-drop=ALL", "--security-opt=no-new-privileges", "--tmpfs=/state:mode=0777"),
            *("--env=ZERO_*", "--env=DATA_SOURCE", "--env=AUTH_ACCESS_SECRET"),
            *arguments,
        ]


@contextmanager
def podman() -> Iterator[Podman]:
    """podman without images; all that it has at the end of the block is deleted."""
    program = require("podman", "podman")
    require("runc", "runc")
    if os.geteuid() != 0:
        missing("podman is run by root here, as users may lack a range of ids to give to containers")
    with tempfile.TemporaryDirectory(prefix="podman-", dir="/tmp") as name:
        folder = Path(name)
        (folder / "containers.conf").write_text(_CONTAINERS)
        (folder / "storage.conf").write_text(_STORAGE.format(folder))
        environment = {
            "PATH": PATH,
            "HOME": name,
            "TMPDIR": name,
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        }
        engine = Podman(program, environment)
        try:
            yield engine
        finally:
            engine("rm", "--all", "--force", "--time=0")
            engine("rmi", "--all", "--force")
            # The folder of mounts is a mount itself as long as there were containers.
            if (mounts := folder / "graph" / "overlay").is_mount():
                subprocess.run([shutil.which("umount", path=PATH) or "umount", mounts], check=True)
