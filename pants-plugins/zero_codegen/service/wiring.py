"""What a service is wired from: its specification, and what its contracts say."""

from __future__ import annotations

from dataclasses import dataclass

from zero_codegen.naming import pascal
from zero_codegen.service import keys
from zero_codegen.service.spec import Spec


@dataclass(frozen=True)
class Jwt:
    """A key of signatures, which an HTTP contract asks for with `jwt: Auth`."""

    name: str
    attribute: str

    @property
    def key(self) -> str:
        """Its place in the configuration."""
        return pascal(self.attribute)

    @property
    def variable(self) -> str:
        """The variable that configuration takes the secret from."""
        return f"{self.attribute.strip('_').upper()}_ACCESS_SECRET"


@dataclass(frozen=True)
class Part:
    """An attribute of the context: an instance of a generated class."""

    attribute: str
    module: str
    class_name: str


@dataclass(frozen=True)
class Client(Part):
    """The client of one service of a proto, and the service of this repository that serves it, if any."""

    service: str | None
    port: int | None

    @property
    def channel(self) -> str:
        """The variable of its channel in the main module."""
        return f"{self.attribute.removesuffix('_rpc')}_channel"

    @property
    def key(self) -> str:
        """Its place in the configuration."""
        return pascal(self.attribute)

    @property
    def target(self) -> str | None:
        """Where the graph says it is: a headless Service, so that the client balances over its pods."""
        return f"dns:///{self.service}:{self.port}" if self.service else None


@dataclass(frozen=True)
class Model(Part):
    """The repository of one table."""


@dataclass(frozen=True)
class Served:
    """What the service serves; `bind` is the generated function that binds it to logic."""

    kind: str
    module: str
    bind: str


@dataclass(frozen=True)
class Wiring:
    """A service as it is generated. The attributes of its context have distinct names.

    `schemas` are the modules that hold a `SCHEMA`: one for each SQL contract.
    """

    spec: Spec
    served: Served
    jwts: tuple[Jwt, ...]
    clients: tuple[Client, ...]
    models: tuple[Model, ...]
    schemas: tuple[str, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """What the context has of generated classes."""
        return *self.clients, *self.models

    @property
    def known_keys(self) -> keys.Keys:
        """The configuration keys of the service."""
        return {
            **keys.SERVERS[self.served.kind],
            **{jwt.key: keys.JWT for jwt in self.jwts},
            **{client.key: keys.CLIENT for client in self.clients},
            **({keys.DATA_SOURCE: None} if self.models else {}),
        }
