"""The fields of `zero_service` that its Kubernetes manifest takes."""

from __future__ import annotations

from typing import Iterable, Optional, Tuple

from pants.engine.addresses import Address
from pants.engine.target import (
    BoolField,
    DictStringToStringField,
    SequenceField,
    StringField,
    StringSequenceField,
)
from pants.util.strutil import help_text

from pants_backend_zero.service.fields import PositiveIntField


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


class HostnamesField(StringSequenceField):
    alias = "hostnames"
    help = help_text("""
        The host names under which callers from outside the cluster reach the service: the manifest gets a
        route of the Gateway API (an HTTPRoute, or a GRPCRoute for an RPC contract) at the `gateway`.
        Example: `["shop.example.com"]`.
        """)


class GatewayField(StringField):
    alias = "gateway"
    help = help_text("""
        The Gateway that the route of the `hostnames` belongs to, as `<namespace>/<name>`, or `<name>` in the
        service's own namespace. Set it once for all services, in the root BUILD file's `__defaults__`.
        """)


class MonitorField(BoolField):
    alias = "monitor"
    default = False
    help = help_text("""
        Whether the manifest has a PodMonitor, by which the Prometheus operator finds the service's metrics. Without it
        the pods say where their metrics are in the annotations `prometheus.io/*`.
        """)


class AnnotationsField(DictStringToStringField):
    alias = "annotations"
    help = "Annotations of the service's pods, besides Zero's own."


class ServiceAccountAnnotationsField(DictStringToStringField):
    alias = "service_account_annotations"
    help = help_text("""
        Annotations of the service's ServiceAccount: by these, clouds give a service an identity of theirs. Example:
        `{"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/orders"}`.
        """)


class NodeSelectorField(DictStringToStringField):
    alias = "node_selector"
    help = 'Labels that a node must have to run the service. Example: `{"kubernetes.io/arch": "amd64"}`.'


class PriorityClassField(StringField):
    alias = "priority_class"
    help = "The PriorityClass of the service's pods. Default: the cluster's."


class ImagePullSecretsField(StringSequenceField):
    alias = "image_pull_secrets"
    help = "The Secrets, by name, that hold credentials of the image's registry."


class KubernetesContextField(StringField):
    alias = "kubernetes_context"
    help = help_text("""
        The context of kubectl's configuration that `experimental-deploy` applies the manifest to. It has no default:
        the context that happens to be the current one is never used.
        """)


class KubernetesFormatField(StringField):
    alias = "kubernetes_format"
    default = "manifest"
    value: str
    valid_choices = ("manifest", "kustomize", "helm")
    help = help_text("""
        What `k8s/` has: `manifest`, a file for each of the `environments`; `kustomize`, a base and an overlay for
        each; `helm`, a chart with a file of values for each. All three make the same objects.
        """)
