"""How long an image takes from the start of its process until the service listens."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.http.processes import cpu_seconds, free_port
from bench.package import Cost

WAIT = 60.0
"""Seconds a service may take."""

# What a container has, without the engine's own time: a read-only root, with an empty /tmp for each start.
# The line tells that all is prepared, right before the image's command takes the place of the shell.
_CONTAINER = """
mount --bind "$0" "$0"
mount -o remount,bind,ro "$0"
mount -t tmpfs tmpfs "$0/tmp"
mount --rbind /proc "$0/proc"
mount --rbind /dev "$0/dev"
chroot=$1
shift
echo
exec "$chroot" "$0" "$@"
"""


def start(root: Path, config: Mapping[str, Any]) -> Cost:
    """One start of what is in a folder, as its image says."""
    port = free_port()
    environment = {
        **dict(variable.split("=", 1) for variable in config["Env"]),
        "AUTH_ACCESS_SECRET": "a secret of more than thirty-two bytes",
        "ZERO_PORT": str(port),
        "ZERO_DEV_SERVER__PORT": "0",
        "ZERO_USER_RPC__TARGET": "127.0.0.1:1",
    }
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/usr/bin"])
    unshare, chroot = (shutil.which(program, path=path) or program for program in ("unshare", "chroot"))
    prepared = [unshare, "--map-root-user", "--mount", "sh", "-ceu", _CONTAINER, str(root), chroot]
    for folder in ("tmp", "proc", "dev"):
        (root / folder).mkdir(exist_ok=True)
    log = root.with_name(f"{root.name}.log")
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*prepared, *config["Entrypoint"]],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            process.stdout.readline()
            begin, cpu = time.monotonic(), cpu_seconds(process.pid)
            while not _listens(port):
                if process.poll() is not None or time.monotonic() - begin > WAIT:
                    raise OSError(f"{' '.join(config['Entrypoint'])} does not start:\n{log.read_text()}")
                time.sleep(0.001)
            return Cost(time.monotonic() - begin, cpu_seconds(process.pid) - cpu)
        finally:
            process.kill()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def without_bytecode(root: Path) -> Path:
    """The same file system again, in which the application has not been compiled."""
    copy = root.with_name(f"{root.name}-not-compiled")
    shutil.copytree(root, copy, symlinks=True)
    for compiled in list((copy / "app").rglob("__pycache__")):
        shutil.rmtree(compiled)
    return copy
