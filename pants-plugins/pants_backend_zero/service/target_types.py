"""`zero_service`."""

from __future__ import annotations

import os.path
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar, Dict, Iterable, Mapping, Optional, Tuple, Union

from pants.backend.python.target_types import InterpreterConstraintsField, PythonResolveField
from pants.core.goals.package import OutputPathField
from pants.core.goals.run import RestartableField
from pants.engine.addresses import Address, UnparsedAddressInputs
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    AsyncFieldMixin,
    Dependencies,
    DictStringToStringField,
    Field,
    IntField,
    InvalidFieldException,
    InvalidFieldTypeException,
    MultipleSourcesField,
    SequenceField,
    StringField,
    StringSequenceField,
    Target,
)
from pants.util.frozendict import FrozenDict
from pants.util.strutil import help_text


class ServesField(StringField, AsyncFieldMixin):
    alias = "serves"
    required = True
    value: str
    help = help_text("""
        The contract that this service serves: the address of a `zero_api` or `zero_rpc`. Example: `":rpc"`.
        """)

    def to_unparsed_address_inputs(self) -> UnparsedAddressInputs:
        return _addresses(self, (self.value,))


@dataclass(frozen=True)
class LogicClass:
    """A class of logic. `service` is the one of the proto that it serves, None where it serves them all."""

    service: Optional[str]
    path: str
    """Of its file, in the repository."""
    name: str


class LogicField(AsyncFieldMixin):
    alias = "logic"
    required = True
    value: Union[str, FrozenDict[str, str]]
    help = help_text("""
        The business logic: a Python file in the BUILD file's folder or below, and the class in it that implements the
        contract's abstract class and takes the service's context. Example: `"rpc_logic.py:UserLogic"`.

        A proto with several services has an abstract class for each. One class implements all of them, or each
        service has a class of its own, in a dictionary by the services' names. All get the same context.
        Example: `{"Orders": "orders.py:OrdersLogic", "Stock": "stock.py:StockLogic"}`.
        """)

    @classmethod
    def compute_value(
        cls, raw_value: Optional[Union[str, Dict[str, str]]], address: Address
    ) -> Union[str, FrozenDict[str, str]]:
        value = super().compute_value(raw_value, address)
        classes = value if isinstance(value, Mapping) else {"": value}
        if not classes or not all(isinstance(text, str) for text in chain(*classes.items())):
            expected = "a class, or a dictionary from the services of a proto to their classes"
            raise InvalidFieldTypeException(address, cls.alias, raw_value, expected_type=expected)
        wrong = [
            f"{text!r}" + (f" for `{service}`" if service else "")
            for service, text in classes.items()
            if not _names_class(text)
        ]
        if wrong:
            raise InvalidFieldException(
                f"The `{cls.alias}` field of {address} must be a Python file, in the BUILD file's folder or below, "
                f'and a class in it, such as "rpc_logic.py:UserLogic", but was {" and ".join(wrong)}.'
            )
        twice = [text for text, times in Counter(classes.values()).items() if times > 1]
        if twice:
            raise InvalidFieldException(
                f"The `{cls.alias}` field of {address} names {' and '.join(twice)} for several services. Give each a "
                "class of its own, or name the one class of all services alone, without a dictionary."
            )
        return FrozenDict(value) if isinstance(value, Mapping) else value

    @property
    def classes(self) -> tuple[LogicClass, ...]:
        services = {None: self.value} if isinstance(self.value, str) else self.value
        parts = ((service, *text.split(":")) for service, text in services.items())
        return tuple(
            LogicClass(service, os.path.join(self.address.spec_path, file), name)
            for service, file, name in parts
        )


def _names_class(text: str) -> bool:
    """Whether it is a Python file below the BUILD file's folder, and a class in it."""
    path, _, class_name = text.partition(":")
    inside = path == os.path.normpath(path) and not path.startswith(("/", "../"))
    return path.endswith(".py") and inside and class_name.isidentifier()


class ModelsField(StringSequenceField, AsyncFieldMixin):
    alias = "models"
    help = help_text("""
        The tables that this service keeps: addresses of `zero_model` targets. For each table the context has
        a repository, named after it: `context.user_model`. Contracts whose tables the others refer to by
        foreign keys have to be among them. Example: `[":model"]`.
        """)

    def to_unparsed_address_inputs(self) -> UnparsedAddressInputs:
        return _addresses(self, self.value or ())


class ClientsField(StringSequenceField, AsyncFieldMixin):
    alias = "clients"
    help = help_text("""
        The services that this one calls, by their contracts: addresses of `zero_rpc` targets. For each proto
        service the context has a typed client, named after it: `context.user_rpc`. Which service answers, and
        where, Zero finds in the build graph; it goes into the configuration, the discovery keys and the
        network policies of both. Example: `[":rpc"]`.
        """)

    def to_unparsed_address_inputs(self) -> UnparsedAddressInputs:
        return _addresses(self, self.value or ())


def _addresses(field: Field, values: tuple[str, ...]) -> UnparsedAddressInputs:
    return UnparsedAddressInputs(
        values,
        owning_address=field.address,
        description_of_origin=f"the `{field.alias}` field of {field.address}",
    )


class PortField(IntField):
    alias = "port"
    help = help_text("""
        The port that the service listens on. Default: 8888 for an HTTP contract, 8080 for an RPC contract, as
        go-zero has it.
        """)

    @classmethod
    def compute_value(cls, raw_value: Optional[int], address: Address) -> Optional[int]:
        value = super().compute_value(raw_value, address)
        if value is not None and not 1024 <= value <= 65535:
            raise InvalidFieldException(
                f"The `{cls.alias}` field of {address} must be between 1024 and 65535 (the service runs without "
                f"privileges), but was {value}."
            )
        return value


class HttpServerField(StringField):
    alias = "http_server"
    valid_choices = ("uvicorn", "granian")
    help = help_text("""
        What serves an HTTP contract. Default: `uvicorn`. `granian`, written in Rust, needs the requirement
        `granian` in the service's resolve; the generated code and the logic are the same for both.
        """)


class RpcServerField(StringField):
    alias = "rpc_server"
    valid_choices = ("http2", "grpcio")
    help = help_text("""
        What serves an RPC contract. Default: `http2`, Zero's own server of gRPC over HTTP/2. `grpcio` is the
        server of the package of that name; clients, the generated code and the logic are the same for both.
        """)


class PositiveIntField(IntField):
    @classmethod
    def compute_value(cls, raw_value: Optional[int], address: Address) -> Optional[int]:
        value = super().compute_value(raw_value, address)
        if value is not None and value < 1:
            raise InvalidFieldException(
                f"The `{cls.alias}` field of {address} must be at least 1, but was {value}."
            )
        return value


class MinReplicasField(PositiveIntField):
    alias = "min_replicas"
    default = 2
    value: int
    help = "The least number of pods that run. Two or more keep the service up while a node is drained."


class MaxReplicasField(PositiveIntField):
    alias = "max_replicas"
    default = 10
    value: int
    help = "The largest number of pods that the autoscaler may start."


class CpuRequestField(StringField):
    alias = "cpu_request"
    default = "100m"
    value: str
    help = "The processor time that Kubernetes reserves for a pod, as a Kubernetes quantity. The autoscaler's scale."


class CpuLimitField(StringField):
    alias = "cpu_limit"
    help = help_text("""
        The processor time that a pod may use at the most, as a Kubernetes quantity. Default: no limit, so
        that a pod may use what its node has left and is not throttled.
        """)


class MemoryField(StringField):
    alias = "memory"
    default = "256Mi"
    value: str
    help = "The memory that a pod gets: requested and limited alike, as a Kubernetes quantity."


class EnvField(DictStringToStringField):
    alias = "env"
    help = help_text("""
        Environment variables of the service's container, in the image and the manifest. Not for secrets:
        these are mounted from the Kubernetes Secret named after the service.
        """)


class NestedDictField(Field):
    """A dictionary of strings, numbers, truth values, lists and such dictionaries, kept as given."""

    value: FrozenDict[str, Any]
    default: ClassVar[FrozenDict[str, Any]] = FrozenDict()

    @classmethod
    def compute_value(cls, raw_value: Optional[Dict[str, Any]], address: Address) -> FrozenDict[str, Any]:
        value = super().compute_value(raw_value, address)
        if not isinstance(value, Mapping):
            raise InvalidFieldTypeException(
                address, cls.alias, raw_value, expected_type="a dictionary with string keys"
            )
        return _freeze(value, cls.alias, address)


def _freeze(value: Any, alias: str, address: Address) -> Any:
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value):
            return FrozenDict({k: _freeze(v, alias, address) for k, v in value.items()})
    elif isinstance(value, (list, tuple)):
        return tuple(_freeze(v, alias, address) for v in value)
    elif value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise InvalidFieldException(
        f"The `{alias}` field of {address} may hold strings, numbers, True, False, None, lists and dictionaries with "
        f"string keys, but has {value!r}."
    )


class ConfigField(NestedDictField):
    alias = "config"
    help = help_text("""
        Settings of the service in go-zero's key names, on top of the generated ones, for example
        `{"Timeout": 5000, "Log": {"Level": "debug"}}`. They go into the image and the manifest's ConfigMap.
        """)


class ObservabilityField(NestedDictField):
    alias = "observability"
    help = help_text("""
        How the service is observed. Set it once for all services, in the root BUILD file's `__defaults__`,
        with the macro `observability(...)`: `__defaults__({zero_service:
        dict(observability=observability(log_level="info"))})`.
        """)


class EgressPortsField(SequenceField[int]):
    alias = "egress_ports"
    expected_element_type = int
    expected_type_description = "a list of TCP ports"
    help = help_text("""
        TCP ports that the service may reach at any address, besides those of the services it calls and of its
        database: of a payment provider, say. The manifest's NetworkPolicy closes all others. Example:
        `[443]`.
        """)

    @classmethod
    def compute_value(cls, raw_value: Optional[Iterable[int]], address: Address) -> Optional[Tuple[int, ...]]:
        return super().compute_value(raw_value, address)


class NamespaceField(StringField):
    alias = "namespace"
    help = help_text("""
        The Kubernetes namespace that the manifest names. Services find each other and may talk across
        namespaces: where the one that is called has another than its caller, the client's address is
        `user-rpc.<namespace>`, and the network policies of both select it. Default: none, so that `kubectl -n`
        decides; the service is then taken to run where those are that it calls and that call it.
        """)


class ImageRepositoryField(StringField):
    alias = "image_repository"
    help = help_text("""
        The image's repository, for example `registry.example.com/shop/user-rpc`. Default: the service's name
        below `[zero].image_registry`.
        """)


class ImageBaseField(StringField):
    alias = "image_base"
    help = help_text("""
        The base image, by digest: `registry.example.com/base/python@sha256:…`. It must have the Python that
        the PEX is made for; to be sure which, allow one version in `interpreter_constraints`. Default: the
        Debian packages of Zero's own lock, which need no registry.
        """)

    @classmethod
    def compute_value(cls, raw_value: Optional[str], address: Address) -> Optional[str]:
        value = super().compute_value(raw_value, address)
        if value is not None and "@sha256:" not in value:
            raise InvalidFieldException(
                f"The `{cls.alias}` field of {address} must name an image by digest (name@sha256:…), so that every "
                f"build has the same base, but was {value!r}."
            )
        return value


class ServiceInterpreterConstraintsField(InterpreterConstraintsField):
    help = help_text("""
        The Python interpreters that the service may run on, such as `["CPython==3.13.*"]`. The logic imports
        the service's context, so give its `python_sources` the same. Default: the option
        `[python].interpreter_constraints`.

        The PEX is made for one minor version: the one that Pants chooses of those that are allowed and
        installed here. The image has the same, or a version that is allowed and that Debian has.
        """)


class ServiceSourcesField(MultipleSourcesField):
    """No files: the service's modules are generated from its fields and contracts."""

    alias = "_sources"
    expected_num_files = 0
    help = "Unused: a service is generated from its other fields."


class ServiceDependenciesField(Dependencies):
    pass


class ZeroServiceTarget(Target):
    alias = "zero_service"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        ServesField,
        LogicField,
        ModelsField,
        ClientsField,
        PortField,
        HttpServerField,
        RpcServerField,
        ConfigField,
        ObservabilityField,
        EnvField,
        MinReplicasField,
        MaxReplicasField,
        CpuRequestField,
        CpuLimitField,
        MemoryField,
        EgressPortsField,
        NamespaceField,
        ImageRepositoryField,
        ImageBaseField,
        ServiceSourcesField,
        ServiceDependenciesField,
        OutputPathField,
        RestartableField,
        PythonResolveField,
        ServiceInterpreterConstraintsField,
    )
    help = help_text("""
        One process: a contract served, the logic behind it, its tables and the services it calls.

        `package` writes to `dist/` a PEX, an OCI image (also as a Dockerfile with its context), the
        configuration and the Kubernetes manifest; `run` starts the service here, with embedded defaults:
        SQLite, a registry in a local folder, logs on the terminal. The logic imports the typed context from
        the generated module `<name>_service`.

            zero_service(
                name="user-rpc", serves=":rpc", logic="rpc_logic.py:UserLogic", models=[":model"]
            )
            zero_service(
                name="user-api", serves=":http", logic="api_logic.py:UserLogic", clients=[":rpc"]
            )

        The name is the service's name everywhere: of its process, image, Kubernetes objects and discovery
        key. It must be unique in the repository.
        """)
