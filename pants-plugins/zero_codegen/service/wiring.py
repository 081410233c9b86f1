"""What a service is wired from: its specification, and what its contracts say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from zero_codegen.naming import pascal
from zero_codegen.service import keys
from zero_codegen.service.spec import Spec


@dataclass(frozen=True)
class Jwt:
    """A key of signatures, which an HTTP contract asks for with `jwt: Auth`."""

    name: str
    attribute: str

    setting: ClassVar[str] = "jwt"
    """The word of the contract that asks for it."""
    class_name: ClassVar[str] = "Jwt"
    """What it is at run time; its configuration has the same name with `Conf` behind."""
    purpose: ClassVar[str] = "Issues and verifies"
    known_keys: ClassVar[keys.Keys] = keys.JWT
    secret_keys: ClassVar[tuple[str, ...]] = ("AccessSecret",)
    """Keys of its configuration that hold secrets; the first has to be there."""

    @property
    def key(self) -> str:
        """Its place in the configuration."""
        return pascal(self.attribute)


@dataclass(frozen=True)
class JwtTransition(Jwt):
    """The key of today and the one before it, which a contract asks for with `jwtTransition: Auth`."""

    setting = "jwtTransition"
    class_name = "JwtTransition"
    purpose = "Verifies"
    known_keys = keys.JWT_TRANSITION
    secret_keys = ("Secret", "PrevSecret")


@dataclass(frozen=True)
class Part:
    """An attribute of the context: an instance of a generated class."""

    attribute: str
    module: str
    class_name: str


@dataclass(frozen=True)
class Client(Part):
    """The client of one service of a proto, and the service of this repository that serves it, if any.

    `namespace` is where that is, None in the namespace of the client's own service.
    """

    service: str | None
    port: int | None
    namespace: str | None = None

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
        host = ".".join(filter(None, (self.service, self.namespace)))
        return f"dns:///{host}:{self.port}" if self.service else None


@dataclass(frozen=True)
class Model(Part):
    """The repository of one table, and whether the rows of that are cached."""

    cached: bool = False


@dataclass(frozen=True)
class Bind:
    """A generated function that binds what is served to logic, and the class of that logic."""

    function: str
    logic: str


@dataclass(frozen=True)
class Served:
    """What the service serves.

    `binds` are one for HTTP, one for each service of a proto; `signature` tells that some of its HTTP routes
    take signed requests only.
    """

    kind: Literal["api", "rpc"]
    module: str
    binds: tuple[Bind, ...]
    signature: bool = False

    @property
    def shared_logic(self) -> str | None:
        """The class of logic that several services of a proto share, if they do."""
        return self.binds[0].logic if len({bind.logic for bind in self.binds}) < len(self.binds) else None


@dataclass(frozen=True)
class Wiring:
    """A service as it is generated. The attributes of its context have distinct names.

    `served` is None for a job. `schemas` are the modules that hold a `SCHEMA`: one for each SQL contract.
    """

    spec: Spec
    served: Served | None
    jwts: tuple[Jwt, ...]
    clients: tuple[Client, ...]
    models: tuple[Model, ...]
    schemas: tuple[str, ...]

    @property
    def server(self) -> str:
        """The module whose `Server` serves it, if it is no job."""
        if self.spec.kind == "rpc":
            return "zero_runtime.rpc.grpcio" if self.spec.rpc_server == "grpcio" else "zero_runtime.rpc"
        return "zero_runtime.rest.granian" if self.spec.http_server == "granian" else "zero_runtime.rest"

    @property
    def caches(self) -> bool:
        """Whether rows of any table are cached."""
        return any(model.cached for model in self.models)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What the context has of generated classes."""
        return *self.clients, *self.models

    @property
    def known_keys(self) -> keys.Keys:
        """The configuration keys of the service."""
        return {
            **keys.SERVERS[self.spec.kind],
            **{jwt.key: jwt.known_keys for jwt in self.jwts},
            **{client.key: keys.CLIENT for client in self.clients},
            **({keys.DATA_SOURCE: None, "Database": keys.DATABASE} if self.models else {}),
            **({"Cache": keys.CACHE} if self.caches else {}),
        }
