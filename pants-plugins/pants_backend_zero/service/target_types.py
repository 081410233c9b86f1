"""`zero_service`."""

from __future__ import annotations

import os.path
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import Dict, Mapping, Optional, Union

from pants.backend.python.target_types import InterpreterConstraintsField, PythonResolveField
from pants.core.goals.package import OutputPathField
from pants.core.goals.run import RestartableField
from pants.engine.addresses import Address, UnparsedAddressInputs
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    AsyncFieldMixin,
    Dependencies,
    IntField,
    InvalidFieldException,
    InvalidFieldTypeException,
    MultipleSourcesField,
    StringField,
    StringSequenceField,
    Target,
)
from pants.util.frozendict import FrozenDict
from pants.util.strutil import help_text

from pants_backend_zero.service.configuration_fields import (
    ConfigField,
    EnvField,
    ObservabilityField,
)
from pants_backend_zero.service.environments import EnvironmentsField
from pants_backend_zero.service.fields import addresses
from pants_backend_zero.service.image_fields import (
    ImageBaseField,
    ImageLicensesField,
    ImagePlatformsField,
    ImageRepositoryField,
    ImageTagsField,
)
from pants_backend_zero.service.job_fields import (
    JobRetriesField,
    JobTimeoutField,
    ScheduleField,
    TimeZoneField,
)
from pants_backend_zero.service.kubernetes_fields import (
    AnnotationsField,
    CpuLimitField,
    CpuRequestField,
    EgressPortsField,
    GatewayField,
    HostnamesField,
    ImagePullSecretsField,
    KubernetesContextField,
    KubernetesFormatField,
    MaxReplicasField,
    MemoryField,
    MinReplicasField,
    MonitorField,
    NamespaceField,
    NodeSelectorField,
    PriorityClassField,
    ServiceAccountAnnotationsField,
)


class ServesField(StringField, AsyncFieldMixin):
    alias = "serves"
    help = help_text("""
        The contract that this service serves: the address of a `zero_api` or `zero_rpc`. Every service serves one,
        unless it has a `schedule`. Example: `":rpc"`.
        """)

    def to_unparsed_address_inputs(self) -> UnparsedAddressInputs:
        return addresses(self, (self.value,) if self.value else ())


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

        The logic of a job (`schedule`) is one class with `async def run(self) -> None`.
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
        return addresses(self, self.value or ())


class ClientsField(StringSequenceField, AsyncFieldMixin):
    alias = "clients"
    help = help_text("""
        The services that this one calls, by their contracts: addresses of `zero_rpc` targets. For each proto
        service the context has a typed client, named after it: `context.user_rpc`. Which service answers, and
        where, Zero finds in the build graph; it goes into the configuration, the discovery keys and the
        network policies of both. Example: `[":rpc"]`.
        """)

    def to_unparsed_address_inputs(self) -> UnparsedAddressInputs:
        return addresses(self, self.value or ())


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
        HostnamesField,
        GatewayField,
        MonitorField,
        AnnotationsField,
        ServiceAccountAnnotationsField,
        NodeSelectorField,
        PriorityClassField,
        ImagePullSecretsField,
        KubernetesContextField,
        KubernetesFormatField,
        ScheduleField,
        TimeZoneField,
        JobTimeoutField,
        JobRetriesField,
        EnvironmentsField,
        ImageRepositoryField,
        ImageTagsField,
        ImageBaseField,
        ImagePlatformsField,
        ImageLicensesField,
        ServiceSourcesField,
        ServiceDependenciesField,
        OutputPathField,
        RestartableField,
        PythonResolveField,
        ServiceInterpreterConstraintsField,
    )
    help = help_text("""
        One process: a contract served, or a job on a schedule; the logic behind it, its tables and the services it
        calls.

        `package` writes to `dist/` a PEX, an OCI image (also as a Dockerfile with its context), the
        configuration and the Kubernetes manifests; `run` starts the service here, with embedded defaults:
        SQLite, a registry in a local folder, logs on the terminal. The logic imports the typed context from
        the generated module `<name>_service`.

            zero_service(
                name="user-rpc", serves=":rpc", logic="rpc_logic.py:UserLogic", models=[":model"]
            )
            zero_service(
                name="user-api", serves=":http", logic="api_logic.py:UserLogic", clients=[":rpc"]
            )
            zero_service(
                name="user-sweep", schedule="0 3 * * *", logic="sweep.py:Sweep", models=[":model"]
            )

        The name is the service's name everywhere: of its process, image, Kubernetes objects and discovery
        key. It must be unique in the repository.
        """)
