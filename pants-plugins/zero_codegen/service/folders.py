"""The folders that a service writes to, by its configuration: in Kubernetes each is a volume of the pod, for the root
is read-only."""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zero_codegen.diagnostics import Diagnostic
from zero_codegen.service.secrets import FOLDER as SECRETS
from zero_codegen.service.sections import section
from zero_codegen.service.spec import Spec

WORKING_FOLDER = "/app"
"""That of the image: relative paths begin there."""
CONFIGURATION = f"{WORKING_FOLDER}/etc"
TEMPORARY = "/tmp"
LOG_SIZE = 1024
"""Mebibytes for logs, where rotation does not bound them."""
SPILL_SIZE = 256
"""Mebibytes that the folder of unsent logs may hold, where the configuration does not say (the runtime's default)."""
SPANS_SIZE = 1024
"""Mebibytes for a file of spans, which nothing bounds."""

_DEVICES = "/dev"
_MEBIBYTE = 1 << 20
_PLAIN = re.compile(r"[-\w./ ]+")


@dataclass(frozen=True)
class Folder:
    """A folder that the service writes to. `key` is where the configuration names it, `size` is in mebibytes."""

    name: str
    key: str
    path: str
    size: int


def folders(values: Mapping[str, Any]) -> Iterator[Folder]:
    """Those of log files, of logs that a collector has not taken yet, and of a file of spans.

    That file may lie in a folder which can be written to anyway.
    """
    found = list(_of_logs(section(values, "Log")))
    yield from found
    telemetry = section(values, "Telemetry")
    if (
        telemetry.get("Batcher") == "file"
        and telemetry.get("Endpoint")
        and telemetry.get("Disabled") is not True
    ):
        path = posixpath.dirname(_path(telemetry["Endpoint"]))
        if path not in (TEMPORARY, _DEVICES, *(folder.path for folder in found)):
            yield Folder("spans", "Telemetry.Endpoint", path, SPANS_SIZE)


def _of_logs(log: Mapping[str, Any]) -> Iterator[Folder]:
    if str(log.get("Mode", "console")) not in ("console", "none"):
        yield Folder("logs", "Log.Path", _path(log.get("Path") or "logs"), _size_of_logs(log))
    fluentd = section(log, "Fluentd")
    if fluentd.get("Host") and fluentd.get("Spill"):
        size = fluentd.get("SpillBytes")
        held = math.ceil(size / _MEBIBYTE) if isinstance(size, int) and size > 0 else SPILL_SIZE
        # Kubernetes ends a pod whose volume grows larger than this, so there is room above the bound.
        yield Folder("spill", "Log.Fluentd.Spill", _path(fluentd["Spill"]), math.ceil(held * 1.25))


def mistakes(spec: Spec, values: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Folders at which no volume can be mounted."""
    taken: dict[str, str] = {}
    for folder in folders(values):
        hint = f"name a folder of its own, like `/var/log/{spec.name}`"
        if not _PLAIN.fullmatch(folder.path):
            message = (
                f"`config`: `{folder.key}`: `{folder.path}` has to be a path, for a volume is mounted there"
            )
            yield spec.diagnostic(message, hint=hint)
        elif (
            any(_overlap(folder.path, other) for other in (CONFIGURATION, SECRETS))
            or folder.path == TEMPORARY
        ):
            message = (
                f"`config`: `{folder.key}`: at `{folder.path}`, a volume would hide others of the service"
            )
            yield spec.diagnostic(message, hint=hint)
        elif (twin := taken.setdefault(folder.path, folder.key)) != folder.key:
            yield spec.diagnostic(f"`config`: `{twin}` and `{folder.key}` are the same folder", hint=hint)


def _path(text: object) -> str:
    return posixpath.normpath(posixpath.join(WORKING_FOLDER, str(text)))


def _size_of_logs(log: Mapping[str, Any]) -> int:
    """The file of today, those before it, and one that is being compressed."""
    size, backups = log.get("MaxSize"), log.get("MaxBackups")
    if (
        log.get("Rotation") == "size"
        and isinstance(size, int)
        and isinstance(backups, int)
        and size * backups > 0
    ):
        return size * (backups + 2)
    return LOG_SIZE


def _overlap(path: str, other: str) -> bool:
    return posixpath.commonpath([path, other]) in (path, other)
