"""What of a configuration is secret: it stands in a Kubernetes Secret, and the configuration refers to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zero_codegen.diagnostics import Diagnostic
from zero_codegen.naming import snake
from zero_codegen.service import databases, keys
from zero_codegen.service.sections import section
from zero_codegen.service.wiring import Wiring

FOLDER = "/run/secrets/zero"
"""Where the Secret of a service is mounted, with a file per key."""

_REFERENCE = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)(:-[^}]*)?\}")
"""The runtime's references; `$${` is its escape of a literal `${`."""
_FILE = re.compile(rf"{FOLDER}/([-._A-Za-z0-9]+)")
"""A file that is a key of the Secret."""


_REPLICAS = ("Database", "Replicas")
_FLUENTD = ("Log", "Fluentd")
_HEADERS = ("Telemetry", "OtlpHeaders")
"""Sent to the collector of traces: mostly they are how it knows who sends."""


@dataclass(frozen=True)
class _Place:
    """A key that holds a secret, by its path; `user` is the key beside it that cannot do without.

    A data source is one only where it has a user and a password.
    """

    path: tuple[str, ...]
    user: str | None = None
    is_source: bool = False

    @property
    def key(self) -> str:
        return ".".join(self.path)


def variable(*path: str) -> str:
    """The variable that the secret at a path is taken from: `USER_RPC_ETCD_PASS`."""
    return "_".join(re.sub(r"\W", "_", snake(part)) for part in path).upper()


def reference(*path: str) -> str:
    """What the configuration has in place of the secret at a path."""
    return f"${{{variable(*path)}}}"


def variables(text: str) -> list[str]:
    """The variables that a value refers to without a default."""
    return [name for name, default in _REFERENCE.findall(text) if not default]


def refer(wiring: Wiring, values: dict[str, Any]) -> None:
    """Put references where the configuration names a user without a password."""
    for place in _places(wiring):
        *sections, key = place.path
        found = section(values, *sections)
        if place.user and found.get(place.user) and isinstance(found, dict):
            found.setdefault(key, reference(*place.path))


def mistakes(wiring: Wiring, values: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Secrets whose values would stand in a ConfigMap or a Deployment."""
    spec = wiring.spec
    for place, value in [*_held(wiring, values), *_replicas(wiring, values)]:
        hint = f"write `{reference(*place.path)}` and keep the value in the Secret `{spec.name}`"
        is_secret = value != "" and (not place.is_source or "@" in str(value))
        if is_secret and not variables(str(value)):
            yield spec.diagnostic(f"`config`: `{place.key}` holds a secret in plain text", hint=hint)
        if (name := variable(*place.path)) in spec.env:
            yield spec.diagnostic(f"`env`: `{name}` holds a secret in plain text", hint=hint)


def _held(wiring: Wiring, values: Mapping[str, Any]) -> Iterator[tuple[_Place, object]]:
    headers = {(*_HEADERS, name): value for name, value in section(values, *_HEADERS).items()}
    for path, value in headers.items():
        yield _Place(path), value
    for place in _places(wiring):
        *sections, key = place.path
        yield place, section(values, *sections).get(key, "")


def _replicas(wiring: Wiring, values: Mapping[str, Any]) -> Iterator[tuple[_Place, object]]:
    """The data sources of replicas, each a secret of its own; counted from one, as people do."""
    if wiring.models:
        for number, source in enumerate(databases.replicas(values), 1):
            yield _Place((*_REPLICAS, str(number)), is_source=True), source


def keys_of_secret(wiring: Wiring, values: Mapping[str, Any]) -> list[str]:
    """The keys of the Secret: variables that the configuration refers to and `env` does not set, and files in
    the folder it is mounted at, such as the keys of certificates."""
    texts = list(_texts(values))
    named = {name for text in texts for name in variables(text)}
    files = {found[1] for text in texts if (found := _FILE.fullmatch(text))}
    return sorted(named - wiring.spec.env.keys() | files)


def _places(wiring: Wiring) -> Iterator[_Place]:
    for jwt in wiring.jwts:
        for key in jwt.secret_keys:
            yield _Place((jwt.key, key))
    yield _Place(("Redis", "Pass"), user="User")
    if wiring.spec.kind == "rpc":
        yield _Place(("Etcd", "Pass"), user="User")
    yield _Place((*_FLUENTD, "Pass"), user="User")
    yield _Place((*_FLUENTD, "SharedKey"))
    for client in wiring.clients:
        yield _Place((client.key, "Token"), user="App")
        yield _Place((client.key, "Etcd", "Pass"), user="User")
    if wiring.models:
        yield _Place((keys.DATA_SOURCE,), is_source=True)
    if wiring.caches:
        yield _Place(("Cache", "Redis", "Pass"), user="User")


def _texts(values: object) -> Iterator[str]:
    if isinstance(values, str):
        yield values
    elif isinstance(values, Mapping):
        for value in values.values():
            yield from _texts(value)
    elif isinstance(values, list):
        for value in values:
            yield from _texts(value)
