"""`zero_stack`."""

from __future__ import annotations

from pants.core.goals.package import OutputPathField
from pants.engine.addresses import UnparsedAddressInputs
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    AsyncFieldMixin,
    Dependencies,
    DictStringToStringField,
    StringField,
    StringSequenceField,
    Target,
)
from pants.util.strutil import help_text

from pants_backend_zero.service.fields import addresses


class StackServicesField(StringSequenceField, AsyncFieldMixin):
    alias = "services"
    help = help_text("""
        The services that the stack is for: addresses of `zero_service` targets. Those that these call, and so
        on, belong to it without being named: naming what the outside world reaches is enough. Default: all
        services in the folder of the target and below it, and what these call. Example:
        `["services/user:user-api"]`.
        """)

    def to_unparsed_address_inputs(self) -> UnparsedAddressInputs:
        return addresses(self, self.value or ())


class StackDatabaseField(StringField):
    alias = "database"
    default = "postgresql"
    value: str
    valid_choices = ("postgresql", "mariadb")
    help = help_text("""
        What the compose file keeps the tables of services in. What they use elsewhere, their configuration
        says.
        """)


class StackImagesField(DictStringToStringField):
    alias = "images"
    help = help_text("""
        Images of what the compose file starts besides the services, in place of the ones that Zero names: of
        another version, or of a registry of your own. Known here are `prometheus`, `grafana`, `jaeger`,
        `otel-collector`, `fluentd`, `etcd`, `redis`, `postgresql` and `mariadb`. Example:
        `{"prometheus": "registry.example.com/prom/prometheus:v3.5.0"}`.
        """)


class StackDependenciesField(Dependencies):
    pass


class ZeroStackTarget(Target):
    alias = "zero_stack"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        StackServicesField,
        StackDatabaseField,
        StackImagesField,
        StackDependenciesField,
        OutputPathField,
    )
    help = help_text("""
        What services need around them, from the service graph and the services' configuration.

        `package` writes Prometheus' configuration, for a compose file and for Kubernetes, with rules that
        alert; a dashboard for Grafana; configurations of OpenTelemetry's collector and of Fluentd; a compose
        file that starts the services with all of these, and with the database, Redis and etcd as far as they
        use them; and a picture of who calls whom, as SVG and as Mermaid. It builds no images.
        """)
