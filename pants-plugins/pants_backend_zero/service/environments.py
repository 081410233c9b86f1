"""What differs from one environment to another."""

from __future__ import annotations

import re
from typing import Any, Dict, Optional

from pants.engine.addresses import Address
from pants.engine.target import Field, InvalidFieldException, Target
from pants.util.frozendict import FrozenDict
from pants.util.strutil import help_text

from pants_backend_zero.errors import nearest
from pants_backend_zero.service.configuration_fields import (
    ConfigField,
    EnvField,
    ObservabilityField,
)
from pants_backend_zero.service.fields import NestedDictField, merged
from pants_backend_zero.service.image_fields import ImageRepositoryField
from pants_backend_zero.service.job_fields import ONLY_OF_JOBS
from pants_backend_zero.service.kubernetes_fields import (
    AnnotationsField,
    CpuLimitField,
    CpuRequestField,
    EgressPortsField,
    GatewayField,
    HostnamesField,
    ImagePullSecretsField,
    KubernetesContextField,
    MaxReplicasField,
    MemoryField,
    MinReplicasField,
    MonitorField,
    NamespaceField,
    NodeSelectorField,
    PriorityClassField,
    ServiceAccountAnnotationsField,
)

_ENVIRONMENT = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")

VARIED = (
    MinReplicasField,
    MaxReplicasField,
    CpuRequestField,
    CpuLimitField,
    MemoryField,
    EnvField,
    ConfigField,
    ObservabilityField,
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
    ImageRepositoryField,
    KubernetesContextField,
    *ONLY_OF_JOBS,
)
"""The fields that may differ from one environment to another."""


class EnvironmentsField(NestedDictField):
    alias = "environments"
    value: FrozenDict[str, FrozenDict[str, Any]]
    help = help_text("""
        What differs where the service is deployed: for each environment, fields of this target with other values.
        Dictionaries (`config`, `observability`, `env`, ...) lie on top of the target's own, all else takes its
        place. The image is the same everywhere. Example: `{"staging": {"namespace": "shop-staging",
        "min_replicas": 1, "config": {"Log": {"Level": "debug"}}}}`.

        Fields that may differ: FIELDS.
        """.replace("FIELDS", ", ".join(f"`{field.alias}`" for field in VARIED)))

    @classmethod
    def compute_value(cls, raw_value: Optional[Dict[str, Any]], address: Address) -> FrozenDict[str, Any]:
        environments = super().compute_value(raw_value, address)
        fields = {field.alias: field for field in VARIED}
        computed: Dict[str, FrozenDict[str, Any]] = {}
        for name, values in environments.items():
            if not _ENVIRONMENT.fullmatch(name):
                raise InvalidFieldException(
                    f"The `{cls.alias}` field of {address} has an environment {name!r}: name it in lower-case letters, "
                    "digits and `-`, such as `staging`."
                )
            if not isinstance(values, FrozenDict):
                raise InvalidFieldException(
                    f"The `{cls.alias}` field of {address} must give fields by name for {name!r}, but gives {values!r}."
                )
            for alias in values:
                if alias not in fields:
                    close = nearest(alias, fields)
                    raise InvalidFieldException(
                        f"The `{cls.alias}` field of {address} sets `{alias}` for {name!r}, which is no field that may "
                        f"differ." + (f" Did you mean `{close}`?" if close else "")
                    )
            try:
                computed[name] = FrozenDict(
                    {alias: fields[alias].compute_value(value, address) for alias, value in values.items()}
                )
            except InvalidFieldException as error:
                raise InvalidFieldException(f"{error} This is in `{cls.alias}`, for {name!r}.") from None
        return FrozenDict(computed)

    def value_in(self, environment: Optional[str], field: Field) -> Any:
        """What a field of the same target has in an environment; None for no environment in particular."""
        values = self.value.get(environment, FrozenDict()) if environment else FrozenDict()
        return merged(field.value, values[field.alias]) if field.alias in values else field.value


def value_in(environment: Optional[str], target: Target, field: type[Field]) -> Any:
    """What a field of a service has in an environment; None for no environment in particular."""
    return target[EnvironmentsField].value_in(environment, target[field])
