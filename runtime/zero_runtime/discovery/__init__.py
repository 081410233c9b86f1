"""Where the servers of a target are (etcd, Kubernetes, DNS, the registry folder of this machine, fixed
addresses), and how a server says where it is."""

from zero_runtime.discovery.announcement import Announcement
from zero_runtime.discovery.announcing import announce, host_for_others
from zero_runtime.discovery.local import LocalRegistry, LocalResolver, local_registry
from zero_runtime.discovery.resolver import FixedResolver, Resolver
from zero_runtime.discovery.targets import TargetError, resolver_for

__all__ = [
    "Announcement",
    "FixedResolver",
    "LocalRegistry",
    "LocalResolver",
    "Resolver",
    "TargetError",
    "announce",
    "host_for_others",
    "local_registry",
    "resolver_for",
]
