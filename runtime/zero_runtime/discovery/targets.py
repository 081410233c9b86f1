"""Targets as configuration writes them."""

from __future__ import annotations

import difflib
import re

from zero_runtime.config import InvalidValue, RpcClientConf
from zero_runtime.discovery.local import LocalResolver, local_registry
from zero_runtime.discovery.resolver import FixedResolver, Resolver

_GRPC_SCHEMES = ("dns", "ipv4", "ipv6", "unix", "unix-abstract", "vsock", "xds")
"""What gRPC resolves itself: https://github.com/grpc/grpc/blob/master/doc/naming.md."""

_SCHEMES = ("direct", "local", *_GRPC_SCHEMES)
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s:/,]+):[0-9]{1,5}")


class TargetError(InvalidValue):
    """The target of a client is written wrongly."""


def resolver_for(conf: RpcClientConf) -> Resolver:
    """The resolver that a client is configured for. ``Endpoints`` wins over ``Target``, as in go-zero.

    Raises TargetError with what is wrong.
    """
    if conf.endpoints:
        return FixedResolver(",".join(conf.endpoints), [_address(endpoint) for endpoint in conf.endpoints])
    target = conf.target
    scheme, colon, rest = target.partition(":")
    if not colon or _ADDRESS.fullmatch(target):
        return FixedResolver(target, [_address(target)])
    if scheme in _GRPC_SCHEMES:
        return FixedResolver(target, [target])
    if scheme not in _SCHEMES:
        near = difflib.get_close_matches(scheme, _SCHEMES, n=1)
        hint = f", did you mean `{near[0]}`?" if near else f"; known are {', '.join(_SCHEMES)}"
        raise TargetError(f"target `{target}`: unknown scheme `{scheme}`{hint}")
    if not rest.startswith("///"):
        raise TargetError(f"target `{target}`: expected three slashes: `{scheme}:///{rest.lstrip('/')}`")
    value = rest[3:]
    if scheme == "direct":
        return FixedResolver(target, [_address(address, target) for address in value.split(",")])
    try:
        return LocalResolver(local_registry(), value)
    except InvalidValue as error:
        raise TargetError(f"target `{target}`: {error}") from None


def _address(text: str, target: str | None = None) -> str:
    if not _ADDRESS.fullmatch(text):
        raise TargetError(f"target `{target or text}`: expected `host:port`, got `{text}`")
    return text
