"""A service as the generator takes it (`zero_codegen.service.spec`), in each of its environments."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Optional

from pants.engine.target import Field, Target

from pants_backend_zero.api.target_types import API
from pants_backend_zero.contracts import Contract
from pants_backend_zero.errors import ZeroError
from pants_backend_zero.rpc.target_types import RPC
from pants_backend_zero.service.configuration_fields import (
    ConfigField,
    EnvField,
    ObservabilityField,
)
from pants_backend_zero.service.environments import EnvironmentsField, value_in
from pants_backend_zero.service.fields import merged
from pants_backend_zero.service.image_fields import ImageRepositoryField
from pants_backend_zero.service.job_fields import (
    DEFAULT_RETRIES,
    DEFAULT_TIMEOUT,
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
from pants_backend_zero.service.target_types import (
    HttpServerField,
    LogicField,
    RpcServerField,
)
from pants_backend_zero.subsystem import Zero

if TYPE_CHECKING:
    from pants_backend_zero.service.graph import Service, ServiceGraph, ServiceReferences

SERVER_FIELDS = {API: (HttpServerField, "uvicorn"), RPC: (RpcServerField, "http2")}
"""The field that says what serves a contract, and what does if it says nothing."""


@dataclass(frozen=True)
class Description:
    """A service as the generator takes it, in one environment or in none in particular."""

    references: ServiceReferences
    graph: ServiceGraph
    zero: Zero
    source_roots: list[str]

    def spec(self, environment: Optional[str]) -> dict[str, Any]:
        references, service = self.references, self.references.service
        target = service.target

        def value(field: type[Field]) -> Any:
            return value_in(environment, target, field)

        spec = {
            "name": service.name,
            "address": str(target.address),
            "directory": service.folder,
            "source_root": service.source_root,
            "source_roots": self.source_roots,
            "serves": references.serves
            and {"kind": references.serves.kind.name, **_located(references.serves)},
            "logic": [
                {"service": logic.service, "module": service.module_of_file(logic.path), "class": logic.name}
                for logic in target[LogicField].classes
            ],
            "models": [{**_located(model), "settings": model.settings} for model in references.models],
            "clients": [
                {**_located(client), **self._serving(client, environment)} for client in references.clients
            ],
            "callers": self._callers(environment),
            "port": references.port,
            "job": self._job(environment),
            "tables_of": self._tables_of(),
            "replicas": {"min": value(MinReplicasField), "max": value(MaxReplicasField)},
            "resources": {
                "cpu_request": value(CpuRequestField),
                "cpu_limit": value(CpuLimitField),
                "memory": value(MemoryField),
            },
            "env": value(EnvField) or {},
            "config": merged(value(ObservabilityField), value(ConfigField)),
            "egress_ports": value(EgressPortsField) or (),
            "namespace": value(NamespaceField),
            "hostnames": value(HostnamesField) or (),
            "gateway": value(GatewayField),
            "monitor": value(MonitorField),
            "annotations": value(AnnotationsField) or {},
            "service_account_annotations": value(ServiceAccountAnnotationsField) or {},
            "node_selector": value(NodeSelectorField) or {},
            "priority_class": value(PriorityClassField),
            "image_pull_secrets": value(ImagePullSecretsField) or (),
            "image_repository": image_repository(target, environment, self.zero),
            "kubernetes_format": target[KubernetesFormatField].value,
        }
        if references.serves is not None:
            spec[SERVER_FIELDS[references.serves.kind][0].alias] = references.server
        return spec

    def _job(self, environment: Optional[str]) -> Optional[dict[str, Any]]:
        if self.references.serves is not None:
            return None
        target = self.references.service.target
        schedule, time_zone, timeout, retries = (
            value_in(environment, target, field)
            for field in (ScheduleField, TimeZoneField, JobTimeoutField, JobRetriesField)
        )
        return {
            "schedule": schedule,
            "time_zone": time_zone,
            "timeout": timeout or DEFAULT_TIMEOUT,
            "retries": retries or DEFAULT_RETRIES,
        }

    def _tables_of(self) -> Optional[str]:
        """The service whose tables a job works on; the first by name where several have some of them."""
        references = self.references
        if references.serves is not None:
            return None
        keepers = (self.graph.keepers.get(model.target.address, ()) for model in references.models)
        return min((keeper.name for keeper in chain.from_iterable(keepers)), default=None)

    def _callers(self, environment: Optional[str]) -> list[dict[str, Any]]:
        """The callers, each once. In an environment that this service does not have, they call it as it is in none."""
        serves = self.references.serves
        own = self.references.service.target[EnvironmentsField].value
        found = []
        for caller in self.graph.callers.get(serves.target.address, ()) if serves else ():
            others = [name for name in caller.target[EnvironmentsField].value if name not in own]
            for place in [environment] if environment else [None, *others]:
                if (placed := _placed(caller, place)) not in found:
                    found.append(placed)
        return found

    def _serving(self, client: Contract, environment: Optional[str]) -> dict[str, Any]:
        """The one service that serves a contract, or none where it is served outside this repository."""
        servers = self.graph.servers.get(client.target.address, ())
        if len(servers) > 1:
            names = ", ".join(str(server.service.target.address) for server in servers)
            raise ZeroError(
                f"{self.references.service.target.address} calls the contract {client.target.address}, which several "
                f"services serve: {names}. Zero cannot tell which one is meant: serve it by one of them."
            )
        if not servers:
            return {"service": None, "port": None, "namespace": None}
        return {**_placed(servers[0].service, environment), "port": servers[0].port}


def image_repository(target: Target, environment: Optional[str], zero: Zero) -> str:
    """Where a service's image goes in an environment, or in none in particular: `HOST/NAME`, or a name alone."""
    own = value_in(environment, target, ImageRepositoryField)
    return own or "/".join(filter(None, (zero.image_registry, target.address.target_name)))


def _located(contract: Contract) -> dict[str, str]:
    return {"path": contract.path, "source_root": contract.source_root}


def _placed(service: Service, environment: Optional[str]) -> dict[str, Any]:
    """A service as others find it in Kubernetes."""
    return {
        "service": service.name,
        "namespace": value_in(environment, service.target, NamespaceField),
    }
