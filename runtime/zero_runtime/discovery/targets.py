"""Targets as configuration writes them."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, quote

import msgspec

from zero_runtime.config import InvalidValue, RpcClientConf
from zero_runtime.discovery.dns import DnsResolver
from zero_runtime.discovery.local import LocalResolver, local_registry
from zero_runtime.discovery.resolver import ADDRESS, FixedResolver, Resolver

_K8S_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""Names of Services, namespaces and ports.

https://kubernetes.io/docs/concepts/overview/working-with-objects/names/."""


class TargetError(InvalidValue):
    """The target of a client is written wrongly."""


def resolver_for(conf: RpcClientConf) -> Resolver:
    """The resolver that a client is configured for: by ``Endpoints``, else ``Target``, else ``Etcd``.

    That is go-zero's order. Raises TargetError with what is wrong.
    """
    if conf.endpoints:
        target = ",".join(conf.endpoints)
        return FixedResolver(target, [_address(endpoint, endpoint) for endpoint in conf.endpoints])
    if not conf.target:
        target = f"etcd:///{','.join(conf.etcd.hosts)}?key={quote(conf.etcd.key)}"
        conf = msgspec.structs.replace(conf, target=target)
    try:
        return _resolver(conf)
    except TargetError:
        raise
    except InvalidValue as error:
        raise _wrong(conf.target, str(error)) from None


def _resolver(conf: RpcClientConf) -> Resolver:
    scheme, colon, rest = conf.target.partition(":")
    if not colon or ADDRESS.fullmatch(conf.target):
        return _host(conf.target, conf.target)
    if scheme not in _SCHEMES:
        near = difflib.get_close_matches(scheme, _SCHEMES, n=1)
        hint = f", did you mean `{near[0]}`?" if near else f"; known are {', '.join(_SCHEMES)}"
        raise _wrong(conf.target, f"unknown scheme `{scheme}`{hint}")
    return _SCHEMES[scheme](conf, rest)


def _etcd(conf: RpcClientConf, rest: str) -> Resolver:
    """``etcd:///h1:2379,h2:2379?key=user.rpc``, or go-zero's older form ``etcd://h1:2379/user.rpc``."""
    scheme = conf.target.partition(":")[0]
    expected = f"expected `{scheme}:///host:port,host:port?key=user-rpc`"
    if not rest.startswith("//"):
        raise _wrong(conf.target, expected)
    authority, _, path = rest[2:].partition("/")
    if authority:
        return _etcd_resolver(conf, authority.split(","), path.strip("/"))
    hosts, _, query = path.partition("?")
    options = parse_qs(query, keep_blank_values=True)
    for option in options:
        if option != "key":
            raise _wrong(conf.target, f"unknown option `{option}`, {expected}")
    if len(options.get("key", ())) > 1:
        raise _wrong(conf.target, "more than one key")
    return _etcd_resolver(conf, hosts.strip("/").split(","), options.get("key", [""])[0])


def _etcd_resolver(conf: RpcClientConf, hosts: list[str], key: str) -> Resolver:
    for host in hosts:
        _address(host, conf.target)
    if not key.strip("/"):
        raise _wrong(conf.target, f"no key, expected `etcd:///{','.join(hosts)}?key=user-rpc`")
    # Not before: it needs grpc.aio and its own messages.
    from zero_runtime.discovery.etcd.resolver import EtcdResolver

    return EtcdResolver(conf.target, msgspec.structs.replace(conf.etcd, hosts=hosts, key=key), key)


def _k8s(conf: RpcClientConf, rest: str) -> Resolver:
    """``k8s://namespace/service:port``; the namespace may be left out, and the port."""
    namespace, slash, service = rest.removeprefix("//").partition("/")
    name, colon, port = service.partition(":")
    if not rest.startswith("//") or not slash or "/" in service or (colon and not port):
        raise _wrong(conf.target, "expected `k8s://namespace/service:port`")
    for what, value in (("namespace", namespace), ("Service", name), ("port", port)):
        if not _K8S_NAME.fullmatch(value) and (value or what == "Service"):
            raise _wrong(conf.target, f"`{value}` is not the name of a {what}")
    if port.isdigit() and not 1 <= int(port) <= 65535:
        raise _wrong(conf.target, "ports are between 1 and 65535")
    # Not before: it needs aiohttp.
    from zero_runtime.discovery.kubernetes import KubernetesResolver, in_cluster

    return KubernetesResolver(conf.target, in_cluster(), namespace, name, port)


def _dns(conf: RpcClientConf, rest: str) -> Resolver:
    """``dns:///host:port`` or ``dns:host:port``."""
    if rest.startswith("//"):
        server, _, rest = rest[2:].partition("/")
        if server:
            raise _wrong(
                conf.target, f"this machine's name server is asked, not `{server}`: `dns:///{rest or server}`"
            )
    return _host(rest, conf.target)


def _direct(conf: RpcClientConf, rest: str) -> Resolver:
    """``direct:///host:port,host:port``."""
    addresses = _after_slashes(conf.target, rest).split(",")
    return FixedResolver(conf.target, [_address(address, conf.target) for address in addresses])


def _ip(conf: RpcClientConf, rest: str) -> Resolver:
    """gRPC's ``ipv4:address:port,address:port`` and ``ipv6:[address]:port``."""
    return FixedResolver(conf.target, [_address(address, conf.target) for address in rest.split(",")])


def _local(conf: RpcClientConf, rest: str) -> Resolver:
    """``local:///name``."""
    return LocalResolver(local_registry(), _after_slashes(conf.target, rest))


def _unix(conf: RpcClientConf, rest: str) -> Resolver:
    """gRPC's ``unix:path``, ``unix:///path`` and ``unix-abstract:name``, one server each."""
    if not rest.strip("/"):
        raise _wrong(conf.target, "no path")
    return FixedResolver(conf.target, [conf.target])


_SCHEMES: Mapping[str, Callable[[RpcClientConf, str], Resolver]] = {
    "etcd": _etcd,
    "discov": _etcd,
    "k8s": _k8s,
    "dns": _dns,
    "direct": _direct,
    "local": _local,
    "unix": _unix,
    "unix-abstract": _unix,
    "ipv4": _ip,
    "ipv6": _ip,
}


def _host(text: str, target: str) -> Resolver:
    """All servers behind one host, which may be a name."""
    host, _, port = _address(text, target).rpartition(":")
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        pass
    else:
        return FixedResolver(target, [text])
    try:
        host.encode("idna")
    except UnicodeError:
        raise _wrong(target, f"`{host}` is not the name of a host") from None
    return DnsResolver(target, host, int(port))


def _address(text: str, target: str) -> str:
    found = ADDRESS.fullmatch(text)
    if not found:
        raise _wrong(target, f"expected `host:port`, got `{text}`")
    if not 1 <= int(found[2]) <= 65535:
        raise _wrong(target, f"ports are between 1 and 65535, got `{text}`")
    return text


def _after_slashes(target: str, rest: str) -> str:
    if not rest.startswith("///"):
        scheme = target.partition(":")[0]
        raise _wrong(target, f"expected three slashes: `{scheme}:///{rest.lstrip('/')}`")
    return rest[3:]


def _wrong(target: str, what: str) -> TargetError:
    return TargetError(f"target `{target}`: {what}")
