"""Where the servers of a target are: fixed addresses, the registry folder of this machine, or gRPC's own
resolvers."""

from zero_runtime.discovery.local import Announcement, LocalRegistry, LocalResolver, local_registry
from zero_runtime.discovery.resolver import FixedResolver, Resolver
from zero_runtime.discovery.targets import TargetError, resolver_for

__all__ = [
    "Announcement",
    "FixedResolver",
    "LocalRegistry",
    "LocalResolver",
    "Resolver",
    "TargetError",
    "local_registry",
    "resolver_for",
]
