"""What an image is to be, besides its files: the JSON document that `assemble` and `docker-context` read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeGuard

from zero_image.conventions import APP, SOURCES, USER
from zero_image.errors import ImageError, nearest
from zero_image.layers.base import Base
from zero_image.outputs import read_json

# What image tools accept as a name (distribution/reference), a digest left out.
_REFERENCE = re.compile(
    r"(?:[\w.-]+(?::\d+)?/)?[a-z0-9]+(?:(?:\.|_|__|-+|/)[a-z0-9]+)*(?::(?P<tag>\w[\w.-]{0,127}))?", re.ASCII
)
_PORT = re.compile(r"(\d{1,5})(?:/(tcp|udp|sctp))?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PYTHONPATH": f"/{SOURCES}",
    # Bytecode is in the image, whose root file system may be read-only.
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    # The working folder is not a place to import from.
    "PYTHONSAFEPATH": "1",
}
"""What every image sets over its base's variables and under its own; and /app/bin comes first on PATH."""


@dataclass(frozen=True)
class Spec:
    reference: str
    """The image's name, with or without a registry and a tag: ``registry.example/shop/user-api:1.4.2``."""
    entrypoint: list[str]
    """The command: ``["/app/bin/python", "-m", "user.api"]``."""
    cmd: list[str] = field(default_factory=list)
    """Arguments that whoever runs the image may replace."""
    env: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    """Of the manifest, and of the index of several platforms; they are labels too, which is what docker shows."""
    labels: dict[str, str] = field(default_factory=dict)
    """Further labels."""
    ports: list[str] = field(default_factory=list)
    """``8080`` or ``8080/tcp``."""
    user: str = f"{USER}:{USER}"
    workdir: str = f"/{APP}"
    stop_signal: str = "SIGTERM"

    @property
    def tag(self) -> str:
        match = _REFERENCE.fullmatch(self.reference)
        return (match and match["tag"]) or "latest"

    @property
    def tagged(self) -> str:
        """The reference with its tag, whether it was written or not."""
        return self.reference if self.reference.endswith(f":{self.tag}") else f"{self.reference}:{self.tag}"

    def own_environment(self, base: Base) -> dict[str, str]:
        """The variables that the image adds to its base's, sorted by name."""
        path = _environment(base).get("PATH", _SYSTEM_PATH)
        return dict(sorted({**ENVIRONMENT, "PATH": f"/{APP}/bin:{path}", **self.env}.items()))

    def annotated(self, base: Base) -> dict[str, str]:
        """The annotations of the manifest."""
        return {**self.annotations, **base.annotations}

    def own_labels(self, base: Base) -> dict[str, str]:
        """The labels that the image adds to its base's."""
        return {**self.annotated(base), **self.labels}

    def config(self, base: Base) -> dict[str, Any]:
        """The ``config`` object of the OCI image configuration."""
        environment = _environment(base) | self.own_environment(base)
        config = {
            **base.config,
            "User": self.user,
            "Env": [f"{name}={value}" for name, value in environment.items()],
            "Entrypoint": self.entrypoint,
            "Cmd": self.cmd,
            "WorkingDir": self.workdir,
            "Labels": {**(base.config.get("Labels") or {}), **self.own_labels(base)},
            "ExposedPorts": {
                **(base.config.get("ExposedPorts") or {}),
                **{port: {} for port in self.exposed},
            },
            "StopSignal": self.stop_signal,
        }
        return {key: value for key, value in config.items() if value}

    @property
    def exposed(self) -> list[str]:
        """The ports with their protocols: ``8080/tcp``."""
        return [port if "/" in port else f"{port}/tcp" for port in self.ports]


def read_spec(path: Path) -> Spec:
    """Raises ImageError with all that is wrong in the document."""
    value = read_json(path, "image specification")
    known = {one.name for one in fields(Spec)}
    problems = [f"{path}: unknown key {key!r}{nearest(key, known)}" for key in value if key not in known]
    problems += [f"{path}: {key!r} is missing" for key in ("reference", "entrypoint") if key not in value]
    for key, item in value.items():
        if key in _CHECKS and not _CHECKS[key](item):
            problems.append(f"{path}: {key!r} is {item!r}, which is not {_MEANINGS[key]}")
    if problems:
        raise ImageError(*problems)
    return Spec(**value)


def _environment(base: Base) -> dict[str, str]:
    return dict(variable.split("=", 1) for variable in base.config.get("Env") or [])


def _is_text(value: object) -> bool:
    # A line break has no place in a Dockerfile, nor in a label.
    return isinstance(value, str) and value.isprintable()


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(_is_text(item) for item in value)


def _is_mapping(value: object) -> TypeGuard[dict[str, str]]:
    return isinstance(value, dict) and all(_is_text(item) for item in value.values())


def _is_names(value: object) -> bool:
    return _is_mapping(value) and all(_is_text(name) and " " not in name for name in value)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "reference": lambda value: isinstance(value, str) and _REFERENCE.fullmatch(value) is not None,
    "entrypoint": lambda value: _is_texts(value) and bool(value),
    "cmd": _is_texts,
    "env": lambda value: _is_mapping(value) and all(_VARIABLE.fullmatch(name) for name in value),
    "annotations": _is_names,
    "labels": _is_names,
    "ports": lambda value: _is_texts(value) and all(map(_is_port, value)),
    "user": lambda value: isinstance(value, str) and re.fullmatch(r"\w+(:\w+)?", value) is not None,
    "workdir": lambda value: _is_text(value) and value.startswith("/"),
    "stop_signal": lambda value: isinstance(value, str)
    and re.fullmatch(r"SIG[A-Z0-9+-]+|\d+", value) is not None,
}
_MEANINGS = {
    "reference": "an image's name such as registry.example/shop/user-api:1.4.2",
    "entrypoint": "a list of strings, at least one",
    "cmd": "a list of strings",
    "env": "an object of variables, each a printable string",
    "annotations": "an object of annotations, each a printable string",
    "labels": "an object of labels, each a printable string",
    "ports": "a list of ports such as '8080' or '53/udp'",
    "user": "a user such as '65532:65532'",
    "workdir": "an absolute path",
    "stop_signal": "a signal such as 'SIGTERM'",
}


def _is_port(value: str) -> bool:
    match = _PORT.fullmatch(value)
    return match is not None and 0 < int(match[1]) < 65536
