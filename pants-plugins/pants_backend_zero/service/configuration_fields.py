"""The fields of `zero_service` that its configuration takes."""

from __future__ import annotations

from pants.engine.target import DictStringToStringField
from pants.util.strutil import help_text

from pants_backend_zero.service.fields import NestedDictField


class EnvField(DictStringToStringField):
    alias = "env"
    help = help_text("""
        Environment variables of the service's container, in the image and the manifest. Not for secrets:
        these are mounted from the Kubernetes Secret named after the service.
        """)


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
