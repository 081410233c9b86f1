"""What a service is made of: `spec.json`, which the backend writes from the build graph."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import msgspec

from zero_codegen.diagnostics import ContractError, Diagnostic
from zero_codegen.model.settings import Settings

_NAME_LENGTH = 63
_SERVICE = re.compile(r"[a-z](?:[-a-z0-9]*[a-z0-9])?")
"""Names of Kubernetes Services: RFC 1035 labels."""
_NAMESPACE = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
"""Names of namespaces: RFC 1123 labels."""
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REGISTRY = r"(?=localhost/|[^/]*[.:])[A-Za-z0-9.-]+(?::[0-9]+)?"
_REPOSITORY = re.compile(rf"(?:{_REGISTRY}/)?{_COMPONENT}(?:/{_COMPONENT})*")
_CPU = re.compile(r"(?=.*[1-9])(?:[0-9]+m|[0-9]+(?:\.[0-9]{1,3})?)")
_MEMORY = re.compile(r"[1-9][0-9]*(?:[KMGT]i|[kMGT])?")


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


class Spec(_Part, frozen=True, kw_only=True):
    """A service, as the build graph knows it."""

    name: str
    address: str
    directory: str
    source_root: str
    serves: Served
    logic: tuple[Logic, ...]
    """One for all of the contract, or one for each service of a proto."""
    http_server: Literal["uvicorn", "granian"] = "uvicorn"
    """What an HTTP service is served by."""
    rpc_server: Literal["http2", "grpcio"] = "http2"
    """What an RPC service is served by: Zero's own gRPC or that of grpcio."""
    models: tuple[Model, ...]
    clients: tuple[Client, ...]
    callers: tuple[Caller, ...]
    port: int
    replicas: Replicas
    resources: Resources
    env: dict[str, str]
    config: dict[str, Any]
    egress_ports: tuple[int, ...]
    """TCP ports the service may reach anywhere, beyond those that its clients and database imply."""
    source_roots: tuple[str, ...] = ()
    """Those of contracts that only the service's own import: their paths in imports are relative to these."""
    namespace: str | None
    image_repository: str

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
    if mistakes := [*_wrong_names(spec), *_wrong_numbers(spec)]:
        raise ContractError(mistakes)
    return spec


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


def _wrong_names(spec: Spec) -> Iterator[Diagnostic]:
    if not _is_name(_SERVICE, spec.name):
        proposal = re.sub(r"[^a-z0-9]+", "-", spec.name.lower()).strip("-0123456789")
        proposal = proposal[:_NAME_LENGTH].rstrip("-")
        yield spec.diagnostic(
            f"a service cannot be named `{spec.name}`: Kubernetes takes lower-case letters, digits and `-`, "
            f"a letter first, {_NAME_LENGTH} characters at most",
            hint=f"name it `{proposal}`" if proposal else None,
        )
    if spec.namespace is not None and not _is_name(_NAMESPACE, spec.namespace):
        yield spec.diagnostic(f"`namespace`: `{spec.namespace}` is not a name Kubernetes takes")
    if not _REPOSITORY.fullmatch(spec.image_repository):
        yield spec.diagnostic(
            f"`image_repository`: `{spec.image_repository}` is not the name of an image repository",
            hint="write it in lower case without tag and digest, like `registry.example.com/shop/user-api`",
        )
    for part in spec.module("").split(".")[:-1]:
        if not part.isidentifier() or keyword.iskeyword(part):
            yield spec.diagnostic(f"the folder name `{part}` cannot be part of a Python module name")
    for name in spec.env:
        if not _ENVIRONMENT_NAME.fullmatch(name):
            yield spec.diagnostic(f"`env`: `{name}` is not the name of an environment variable")


def _wrong_numbers(spec: Spec) -> Iterator[Diagnostic]:
    ports = {"port": (spec.port,), "egress_ports": spec.egress_ports}
    for field, numbers in ports.items():
        for number in numbers:
            if not 1 <= number <= 65535:
                yield spec.diagnostic(f"`{field}`: {number} is not a TCP port (1 to 65535)")
    low, high = spec.replicas.min, spec.replicas.max
    if low < 1:
        yield spec.diagnostic(f"`min_replicas`: {low} is less than 1")
    if low > high:
        yield spec.diagnostic(f"`min_replicas`: {low} is more than `max_replicas`, {high}")
    resources = spec.resources
    cpu = {"cpu_request": resources.cpu_request, "cpu_limit": resources.cpu_limit}
    wrong = {
        field: amount for field, amount in cpu.items() if amount is not None and not _CPU.fullmatch(amount)
    }
    for field, amount in wrong.items():
        hint = "write cores or thousandths of them: `0.5`, `500m`"
        yield spec.diagnostic(f"`{field}`: `{amount}` is not an amount of CPU", hint=hint)
    if not wrong and _cores(resources.cpu_request) > _cores(resources.cpu_limit or "inf"):
        message = (
            f"`cpu_request`: `{resources.cpu_request}` is more than `cpu_limit`, `{resources.cpu_limit}`"
        )
        yield spec.diagnostic(message)
    if not _MEMORY.fullmatch(resources.memory):
        message = f"`memory`: `{resources.memory}` is not an amount of memory"
        yield spec.diagnostic(message, hint="write it with its unit: `256Mi`, `1Gi`")


def _is_name(pattern: re.Pattern[str], name: str) -> bool:
    return pattern.fullmatch(name) is not None and len(name) <= _NAME_LENGTH


def _cores(quantity: str) -> float:
    return float(quantity.removesuffix("m")) / 1000 if quantity.endswith("m") else float(quantity)
