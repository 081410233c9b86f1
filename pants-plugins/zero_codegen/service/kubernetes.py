"""The Kubernetes manifest of a service.

What production expects is the default: the restricted Pod Security Standard, a read-only root, rollouts
without a gap, pods on many zones and hosts, a network policy with the edges of the service graph, and an API
token only for those that look services up in Kubernetes.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from zero_codegen import templates
from zero_codegen.service import secrets
from zero_codegen.service.configuration import as_yaml, seconds
from zero_codegen.service.network import destinations, is_registered, namespaces
from zero_codegen.service.wiring import Wiring
from zero_codegen.service.yaml_text import scalar

USER = 65532
"""User and group of the process, those of the image."""
CONFIG_FOLDER = "/app/etc"
TARGET_CPU = 70
"""Average use of the requested CPU, in percent, above which pods are added: the others still have room."""
TEMPORARY_SPACE = "64Mi"
"""Size of /tmp, the only place a service may write to."""
LEAST_GRACE = 30
"""Seconds until Kubernetes kills a pod that does not end (its own default)."""
GRACE_MARGIN = 10
"""Seconds to close connections and exit, beyond what the configuration allows for draining."""


def manifest(wiring: Wiring, values: Mapping[str, Any], image: str) -> str:
    """All objects of the service as one YAML stream; `image` is the reference by digest."""
    spec = wiring.spec
    config = as_yaml(wiring.spec.address, values)
    secret_keys = secrets.keys_of_secret(wiring, values)
    environment = spec.env | ({"ZERO_SECRETS_DIR": secrets.FOLDER} if secret_keys else {})
    selector = {"app.kubernetes.io/name": spec.name}
    drain = sum(seconds(values["Shutdown"][key]) or 0.0 for key in ("WrapUpTime", "WaitTime"))
    return templates.render(
        __file__,
        "kubernetes.yaml.jinja",
        spec=spec,
        kind=wiring.served.kind,
        image=image,
        config=config,
        config_checksum=hashlib.sha256(config.encode()).hexdigest(),
        config_folder=CONFIG_FOLDER,
        secrets=secret_keys,
        secrets_folder=secrets.FOLDER,
        environment=sorted(environment.items()),
        needs_address=is_registered(values) and "POD_IP" not in spec.env,
        labels=selector
        | {
            "app.kubernetes.io/component": wiring.served.kind,
            "app.kubernetes.io/part-of": _label(PurePosixPath(spec.directory).name) or spec.name,
            "app.kubernetes.io/managed-by": "zero",
        },
        selector=selector,
        port_name="http" if wiring.served.kind == "api" else "grpc",
        admin_port=values["DevServer"]["Port"],
        health_path=values["DevServer"]["HealthPath"],
        ready_path=values["DevServer"]["ReadyPath"],
        has_metrics=values["DevServer"].get("EnableMetrics", True) is not False,
        metrics_path=values["DevServer"].get("MetricsPath"),
        probes_grpc=_probes_grpc(wiring, values),
        is_registered=is_registered(values),
        callers=sorted((caller.service, spec.elsewhere(caller.namespace)) for caller in spec.callers),
        namespaces=namespaces(wiring, values),
        destinations=destinations(wiring, values),
        user=USER,
        grace=max(LEAST_GRACE, math.ceil(drain) + GRACE_MARGIN),
        target_cpu=TARGET_CPU,
        temporary_space=TEMPORARY_SPACE,
    )


def _probes_grpc(wiring: Wiring, values: Mapping[str, Any]) -> bool:
    """Whether the kubelet can ask the gRPC server itself: it speaks no TLS."""
    return wiring.served.kind == "rpc" and values.get("Health", True) is True and not values.get("CertFile")


def _label(text: str) -> str:
    """The nearest value that a label takes."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", text)[:63].strip("-_.")


def _mapping(values: Mapping[str, str], indent: int) -> str:
    """A mapping in YAML; its lines but the first are indented."""
    lines = [f"{scalar(key)}: {scalar(value)}" for key, value in values.items()]
    return f"\n{' ' * indent}".join(lines)


templates.environment(__file__).filters |= {"scalar": scalar, "mapping": _mapping}
