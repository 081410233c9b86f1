"""The Kubernetes objects of a service in one environment.

What production expects is the default: the restricted Pod Security Standard, a read-only root, rollouts
without a gap, pods on many zones and hosts, a network policy with the edges of the service graph, and an API
token only for those that look services up in Kubernetes.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

import yaml

from zero_codegen import templates
from zero_codegen.service import secrets
from zero_codegen.service.administration import administration, metrics
from zero_codegen.service.configuration import WAIT_TIME, as_yaml, seconds
from zero_codegen.service.folders import CONFIGURATION, TEMPORARY, folders
from zero_codegen.service.network import destinations, is_registered, namespaces
from zero_codegen.service.sections import section
from zero_codegen.service.wiring import Wiring
from zero_codegen.service.yaml_text import scalar

USER = 65532
"""User and group of the process, those of the image."""
TARGET_CPU = 70
"""Average use of the requested CPU, in percent, above which pods are added: the others still have room."""
TARGET_MEMORY = 80
"""The same of memory (go-zero's default), of which the limit is what is requested."""
TEMPORARY_SPACE = "64Mi"
"""Size of /tmp, which Python and libraries expect to be there."""
LEAST_GRACE = 30
"""Seconds until Kubernetes kills a pod that does not end (its own default)."""
GRACE_MARGIN = 10
"""Seconds to close connections and exit, beyond what the configuration allows for draining and the last logs."""
FLUENTD_TIMEOUT = "5s"
"""How long the collector of logs may take, where the configuration does not say (the runtime's default)."""

_Context = dict[str, Any]


@dataclass(frozen=True)
class Manifest:
    """The objects of a service in one environment.

    `namespace` is its own one there. `head` are comments on all of it, `documents` the objects as text.
    """

    namespace: str | None
    head: str
    documents: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it as one stream."""
        return self.head + "".join(f"---\n{document}" for document in self.documents)

    @cached_property
    def objects(self) -> tuple[dict[str, Any], ...]:
        """The objects, in the order of the documents."""
        return tuple(map(yaml.safe_load, self.documents))


def manifest(wiring: Wiring, values: Mapping[str, Any], image: str) -> Manifest:
    """The objects of the service; `image` is the reference by digest."""
    spec = wiring.spec
    context = _context(wiring, values, image)
    documents = tuple(
        templates.render(__file__, f"{template}.yaml.jinja", **context, **more)
        for template, more in _parts(wiring, values, context)
    )
    return Manifest(spec.namespace, _head(spec.name, spec.address, context["secrets"]), documents)


def _parts(wiring: Wiring, values: Mapping[str, Any], context: _Context) -> Iterator[tuple[str, _Context]]:
    """The templates of the objects, each with what it takes besides the context of all."""
    spec = wiring.spec
    yield "service_account", {}
    for namespace in namespaces(wiring, values):
        # In another namespace, others may have a service of this name.
        name = f"{spec.namespace}.{spec.name}" if namespace else spec.name
        for role in "Role", "RoleBinding":
            yield (
                "role",
                {"role": role, "role_name": name, "role_namespace": namespace or spec.namespace},
            )
    yield "config_map", {}
    if spec.kind == "job":
        yield "cron_job", {}
    else:
        yield "deployment", {}
        yield "service", {}
        if spec.replicas.min < spec.replicas.max:
            yield "autoscaler", {}
        yield "disruption_budget", {}
    if spec.monitor and context["metrics"]:
        yield "pod_monitor", {}
    if spec.hostnames:
        yield "route", {}
    yield "network_policy", {}


def _context(wiring: Wiring, values: Mapping[str, Any], image: str) -> _Context:
    """What the templates of all objects take."""
    spec = wiring.spec
    config = as_yaml(spec.address, values)
    secret_keys = secrets.keys_of_secret(wiring, values)
    environment = spec.env | ({"ZERO_SECRETS_DIR": secrets.FOLDER} if secret_keys else {})
    selector = {"app.kubernetes.io/name": spec.name}
    return {
        "spec": spec,
        "kind": spec.kind,
        "image": image,
        "config": config,
        "config_folder": CONFIGURATION,
        "annotations": _annotations(wiring, values, config),
        "secrets": secret_keys,
        "secrets_folder": secrets.FOLDER,
        "environment": sorted(environment.items()),
        "needs_address": is_registered(values) and "POD_IP" not in spec.env,
        "labels": selector
        | {
            "app.kubernetes.io/component": spec.kind,
            "app.kubernetes.io/part-of": _label(PurePosixPath(spec.directory).name) or spec.name,
            "app.kubernetes.io/managed-by": "zero",
        },
        "selector": selector,
        "port_name": _PORT_NAMES.get(spec.kind),
        "app_protocol": _app_protocol(wiring, values),
        "ports": _ports(wiring, values),
        "administration": administration(spec, values),
        "metrics": metrics(spec, values),
        "probes_grpc": _probes_grpc(wiring, values),
        "is_open": _is_open(wiring, values),
        "callers": sorted((caller.service, spec.elsewhere(caller.namespace)) for caller in spec.callers),
        "namespaces": namespaces(wiring, values),
        "destinations": destinations(wiring, values),
        "folders": list(folders(values)),
        "temporary_folder": TEMPORARY,
        "temporary_space": TEMPORARY_SPACE,
        "user": USER,
        "grace": _grace(values),
        "target_cpu": TARGET_CPU,
        "target_memory": TARGET_MEMORY,
    }


_PORT_NAMES = {"api": "http", "rpc": "grpc"}


def _head(name: str, address: str, secret_keys: list[str]) -> str:
    lines = [f"Generated by Zero from {address}. Do not edit: change the target."]
    if secret_keys:
        lines += ["", f"Needs a Secret `{name}` in its namespace with the keys"]
        lines += [f"  {key}" for key in secret_keys]
        lines += ["Their values are never generated."]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def _annotations(wiring: Wiring, values: Mapping[str, Any], config: str) -> dict[str, str]:
    """Those of pods. A job needs no sum of its configuration: each run is a new pod."""
    spec = wiring.spec
    own: dict[str, str] = {}
    if spec.kind != "job":
        own["checksum/config"] = hashlib.sha256(config.encode()).hexdigest()
    if (found := metrics(spec, values)) and not spec.monitor:
        own |= {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": str(found.port),
            "prometheus.io/path": found.path,
        }
    return own | spec.annotations


def _ports(wiring: Wiring, values: Mapping[str, Any]) -> dict[str, Any]:
    """The ports of the container by name."""
    spec = wiring.spec
    found: dict[str, Any] = {}
    if spec.kind in _PORT_NAMES:
        found[_PORT_NAMES[spec.kind]] = spec.port
    if administered := administration(spec, values):
        found["admin"] = administered.port
    if measured := metrics(spec, values):
        found[measured.port_name] = measured.port
    return found


def _app_protocol(wiring: Wiring, values: Mapping[str, Any]) -> str | None:
    """What gateways and meshes are told; for gRPC without TLS that is Kubernetes' own word."""
    is_secure = bool(values.get("CertFile"))
    if wiring.spec.kind == "api":
        return "https" if is_secure else "http"
    return None if is_secure else "kubernetes.io/h2c"


def _is_open(wiring: Wiring, values: Mapping[str, Any]) -> str | None:
    """Why the network policy lets everyone to the service's port, if it does."""
    spec = wiring.spec
    if is_registered(values):
        return "It tells etcd where it is: it is for whoever finds it there."
    if spec.hostnames:
        return (
            "A route leads to it: it is for callers from outside, and the pods of gateways may be anywhere."
        )
    if spec.kind == "api" and not spec.callers:
        return "No service of the repository calls it: it is for callers from outside."
    return None


def _probes_grpc(wiring: Wiring, values: Mapping[str, Any]) -> bool:
    """Whether the kubelet can ask the gRPC server itself: it speaks no TLS."""
    return wiring.spec.kind == "rpc" and values.get("Health", True) is True and not values.get("CertFile")


def _grace(values: Mapping[str, Any]) -> int:
    """Seconds that a pod has to end."""
    shutdown = {"WrapUpTime": "0s", "WaitTime": WAIT_TIME, **section(values, "Shutdown")}
    drain = sum(seconds(text) or 0.0 for text in shutdown.values())
    fluentd = section(values, "Log", "Fluentd")
    last_lines = seconds(fluentd.get("Timeout", FLUENTD_TIMEOUT)) or 0.0 if fluentd.get("Host") else 0.0
    return max(LEAST_GRACE, math.ceil(drain + last_lines) + GRACE_MARGIN)


def _label(text: str) -> str:
    """The nearest value that a label takes."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", text)[:63].strip("-_.")


def _mapping(values: Mapping[str, str], indent: int) -> str:
    """A mapping in YAML; its lines but the first are indented."""
    lines = [f"{scalar(key)}: {scalar(value)}" for key, value in values.items()]
    return f"\n{' ' * indent}".join(lines)


templates.environment(__file__).filters |= {"scalar": scalar, "mapping": _mapping}
