"""What a service is made of: `spec.json`, which the backend writes from the build graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from zero_codegen.diagnostics import ContractError, Diagnostic
from zero_codegen.model.settings import Settings
from zero_codegen.service import fields, schedule


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the specification: an unknown member is an error."""


class Contract(_Part, frozen=True, kw_only=True):
    """A contract file of the sandbox; `source_root` is the prefix of its path that module names leave out."""

    path: str
    source_root: str


class Served(Contract, frozen=True, kw_only=True):
    kind: Literal["api", "rpc"]


class Model(Contract, frozen=True, kw_only=True):
    """A contract of tables, and what its target says of how it is read."""

    settings: Settings = Settings()


class Client(Contract, frozen=True, kw_only=True):
    """An RPC contract that the service calls, and the service of this repository that serves it, if any.

    `namespace` is that service's, None where it is not said.
    """

    service: str | None
    port: int | None
    namespace: str | None


class Caller(_Part, frozen=True, kw_only=True):
    """A service of this repository that calls this one, and its namespace, if that is said."""

    service: str
    namespace: str | None


class Logic(_Part, frozen=True, kw_only=True, rename={"class_": "class"}):
    """A class of logic. `service` is the one of the proto that it serves, None where it serves them all."""

    module: str
    class_: str
    service: str | None


class Replicas(_Part, frozen=True, kw_only=True):
    min: int
    max: int


class Resources(_Part, frozen=True, kw_only=True):
    """Kubernetes quantities. The memory limit equals the request; without `cpu_limit` the CPU has none."""

    cpu_request: str
    memory: str
    cpu_limit: str | None


class Job(_Part, frozen=True, kw_only=True):
    """When a job runs, in cron's form, and for how many seconds at most."""

    schedule: str
    time_zone: str | None
    timeout: int
    retries: int


KubernetesFormat: TypeAlias = Literal["manifest", "kustomize", "helm"]
"""What a folder `k8s` has: a file for each environment, a base with overlays, or a chart with values."""


class Spec(_Part, frozen=True, kw_only=True):
    """A service, as the build graph knows it, in one environment or in none in particular."""

    name: str
    address: str
    directory: str
    source_root: str
    serves: Served | None
    """None for a job."""
    logic: tuple[Logic, ...]
    """One for all of the contract, or one for each service of a proto."""
    http_server: Literal["uvicorn", "granian"] = "uvicorn"
    """What an HTTP service is served by."""
    rpc_server: Literal["http2", "grpcio"] = "http2"
    """What an RPC service is served by: Zero's own gRPC or that of grpcio."""
    models: tuple[Model, ...]
    clients: tuple[Client, ...]
    callers: tuple[Caller, ...]
    port: int | None
    job: Job | None = None
    tables_of: str | None = None
    """The service that keeps the tables of a job: without a configuration, both have one database."""
    replicas: Replicas
    resources: Resources
    env: dict[str, str]
    config: dict[str, Any]
    egress_ports: tuple[int, ...]
    """TCP ports the service may reach anywhere, beyond those that its clients and database imply."""
    source_roots: tuple[str, ...] = ()
    """Those of contracts that only the service's own import: their paths in imports are relative to these."""
    namespace: str | None
    hostnames: tuple[str, ...] = ()
    gateway: str | None = None
    """`<namespace>/<name>`, or `<name>`."""
    monitor: bool = False
    annotations: dict[str, str] = {}
    """Of pods."""
    service_account_annotations: dict[str, str] = {}
    node_selector: dict[str, str] = {}
    priority_class: str | None = None
    image_pull_secrets: tuple[str, ...] = ()
    image_repository: str
    kubernetes_format: KubernetesFormat = "manifest"
    environments: dict[str, Spec] = {}
    """The service as it is in each environment; empty there."""

    @property
    def kind(self) -> Literal["api", "rpc", "job"]:
        """What is served; a job serves nothing."""
        return self.serves.kind if self.serves else "job"

    def module(self, suffix: str) -> str:
        """The name of a generated module: `module("_main")` of `user-api` is `user.user_api_main`."""
        return ".".join([*self._package.parts, self.name.replace("-", "_") + suffix])

    def output(self, suffix: str) -> str:
        """The path of a generated module."""
        return f"{self.module(suffix).replace('.', '/')}.py"

    def elsewhere(self, namespace: str | None) -> str | None:
        """The namespace of another service, None if it is this one's. One that is not said is taken to be."""
        return namespace if namespace != self.namespace else None

    def diagnostic(self, message: str, *, hint: str | None = None) -> Diagnostic:
        """A diagnostic whose place is the target."""
        return Diagnostic(self.address, 0, 0, message, hint)

    @property
    def _package(self) -> PurePosixPath:
        root = "" if self.source_root == "." else self.source_root
        return PurePosixPath(self.directory).relative_to(root)


def read_spec(path: Path) -> Spec:
    """Read and check a specification. Raises ContractError with every wrong value at the target."""
    content = path.read_bytes()
    try:
        spec = msgspec.json.decode(content, type=Spec)
    except msgspec.DecodeError as error:
        raise ContractError([Diagnostic(_address(content) or str(path), 0, 0, str(error))]) from error
    if mistakes := everywhere(spec, lambda there: [*fields.mistakes(there), *schedule.mistakes(there)]):
        raise ContractError(mistakes)
    return spec


def everywhere(spec: Spec, mistakes: Callable[[Spec], Iterable[Diagnostic]]) -> list[Diagnostic]:
    """The mistakes of a service, and those that it has in one of its environments only, which are named."""
    found = list(mistakes(spec))
    for name, there in spec.environments.items():
        found += [
            replace(mistake, message=f"in `{name}`: {mistake.message}")
            for mistake in mistakes(there)
            if mistake not in found
        ]
    return found


def read_digest(path: Path) -> str:
    """The digest in the description of an image, `image.json`."""
    return msgspec.json.decode(path.read_bytes(), type=_Image).digest


class _Image(msgspec.Struct):
    """What manifests need of `image.json`, which the image builder writes."""

    digest: Annotated[str, msgspec.Meta(pattern="^sha256:[0-9a-f]{64}$")]


def _address(content: bytes) -> str | None:
    try:
        raw = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return None
    address = raw.get("address") if isinstance(raw, dict) else None
    return address if isinstance(address, str) else None
