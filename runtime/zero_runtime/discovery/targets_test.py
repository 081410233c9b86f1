from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime.config import EtcdConf, RpcClientConf
from zero_runtime.discovery import FixedResolver, LocalResolver, TargetError, local_registry, resolver_for
from zero_runtime.discovery.dns import DnsResolver
from zero_runtime.discovery.etcd.resolver import EtcdResolver


def addresses(conf: RpcClientConf) -> tuple[str, ...]:
    return resolver_for(conf).addresses()


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("direct:///a:1,b:2,a:1", ("a:1", "b:2")),
        ("direct:///[::1]:80", ("[::1]:80",)),
        ("127.0.0.1:8080", ("127.0.0.1:8080",)),
        ("[::1]:8080", ("[::1]:8080",)),
        ("dns:///127.0.0.1:8080", ("127.0.0.1:8080",)),
        ("unix:/run/user.sock", ("unix:/run/user.sock",)),
        ("unix:///run/user.sock", ("unix:///run/user.sock",)),
        ("unix-abstract:user", ("unix-abstract:user",)),
        ("ipv4:10.0.0.1:80,10.0.0.2:80", ("10.0.0.1:80", "10.0.0.2:80")),
        ("ipv6:[::1]:80", ("[::1]:80",)),
    ],
)
def test_addresses_in_targets(target: str, expected: tuple[str, ...]) -> None:
    assert isinstance(resolver_for(RpcClientConf(target=target)), FixedResolver)
    assert addresses(RpcClientConf(target=target)) == expected


@pytest.mark.parametrize("target", ["dns:///user-rpc:8080", "dns:user-rpc:8080", "user-rpc:8080"])
def test_names_in_targets_are_looked_up(target: str) -> None:
    resolver = resolver_for(RpcClientConf(target=target))
    assert isinstance(resolver, DnsResolver)
    assert resolver.target == target
    assert resolver.server_name == "user-rpc"


def test_endpoints_win_over_the_target_and_that_over_etcd() -> None:
    etcd = EtcdConf(hosts=["c:1"], key="user-rpc")
    assert addresses(RpcClientConf(endpoints=["a:1", "b:2"], target="x", etcd=etcd)) == ("a:1", "b:2")
    assert addresses(RpcClientConf(target="direct:///a:1", etcd=etcd)) == ("a:1",)
    resolver = resolver_for(RpcClientConf(etcd=etcd))
    assert isinstance(resolver, EtcdResolver)
    assert resolver.target == "etcd:///c:1?key=user-rpc"


@pytest.mark.parametrize(
    ("target", "hosts", "key"),
    [
        ("etcd:///a:2379,b:2379?key=user.rpc", ["a:2379", "b:2379"], "user.rpc"),
        ("etcd:///a:2379?key=%2Fteam%2Fuser+rpc", ["a:2379"], "/team/user rpc"),
        ("etcd://a:2379/user.rpc", ["a:2379"], "user.rpc"),
        ("etcd://a:2379,b:2379/team/user.rpc", ["a:2379", "b:2379"], "team/user.rpc"),
        ("discov:///a:2379?key=user.rpc", ["a:2379"], "user.rpc"),
        ("discov://a:2379/user.rpc", ["a:2379"], "user.rpc"),
    ],
)
def test_etcd_in_the_forms_of_go_zero(target: str, hosts: list[str], key: str) -> None:
    resolver = resolver_for(RpcClientConf(target=target, etcd=EtcdConf(user="zero", pass_="secret")))
    assert isinstance(resolver, EtcdResolver)
    assert resolver.conf.hosts == hosts
    assert resolver.conf.key == key
    assert (resolver.conf.user, resolver.conf.pass_) == ("zero", "secret")


def test_local_targets_are_looked_up_in_the_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZERO_STATE_DIR", str(tmp_path))
    announcement = local_registry().announce("user-rpc", "127.0.0.1:4001")
    assert isinstance(resolver_for(RpcClientConf(target="local:///user-rpc")), LocalResolver)
    assert addresses(RpcClientConf(target="local:///user-rpc")) == ("127.0.0.1:4001",)
    assert (tmp_path / "registry" / "user-rpc").is_dir()
    asyncio.run(announcement.withdraw())


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("locl:///user-rpc", "unknown scheme `locl`, did you mean `local`?"),
        ("dns:///user..rpc:80", "`user..rpc` is not the name of a host"),
        ("ectd:///a:1?key=b", "unknown scheme `ectd`, did you mean `etcd`?"),
        ("consul://c/user-rpc", "unknown scheme `consul`; known are etcd, discov, k8s, dns, direct, local"),
        ("local://user-rpc", "expected three slashes: `local:///user-rpc`"),
        ("local:user-rpc", "expected three slashes: `local:///user-rpc`"),
        ("local:///../x", "`../x` is not the name of a service"),
        ("direct:///a:1,b", "expected `host:port`, got `b`"),
        ("direct:///", "expected `host:port`, got ``"),
        ("direct:///a:99999", "ports are between 1 and 65535, got `a:99999`"),
        ("user-rpc", "expected `host:port`, got `user-rpc`"),
        ("dns:///user-rpc", "expected `host:port`, got `user-rpc`"),
        (
            "dns://10.0.0.2/user-rpc:80",
            "this machine's name server is asked, not `10.0.0.2`: `dns:///user-rpc:80`",
        ),
        ("dns://user-rpc:80", "this machine's name server is asked, not `user-rpc:80`: `dns:///user-rpc:80`"),
        ("unix:", "no path"),
        ("etcd:///a:1", "no key, expected `etcd:///a:1?key=user-rpc`"),
        ("etcd://a:1/", "no key, expected `etcd:///a:1?key=user-rpc`"),
        ("etcd:///?key=user", "expected `host:port`, got ``"),
        ("etcd:///a?key=user", "expected `host:port`, got `a`"),
        ("etcd:///a:1?kye=user", "unknown option `kye`, expected `etcd:///host:port,host:port?key=user-rpc`"),
        ("discov:a:1", "expected `discov:///host:port,host:port?key=user-rpc`"),
        ("k8s://shop/user_rpc:80", "`user_rpc` is not the name of a Service"),
        ("k8s://Shop/user-rpc:80", "`Shop` is not the name of a namespace"),
        ("k8s:///user-rpc:GRPC", "`GRPC` is not the name of a port"),
        ("k8s:///user-rpc:0", "ports are between 1 and 65535"),
        ("k8s:///user-rpc:", "expected `k8s://namespace/service:port`"),
        ("k8s://user-rpc:80", "expected `k8s://namespace/service:port`"),
        ("k8s://shop/", "`` is not the name of a Service"),
        ("k8s://shop/user-rpc:80", "works in pods of a cluster only: KUBERNETES_SERVICE_HOST and"),
    ],
)
def test_wrong_targets_say_what_is_wrong(target: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(TargetError) as caught:
        resolver_for(RpcClientConf(target=target))
    assert f"target `{target}`: " in str(caught.value)
    assert message in str(caught.value)


def test_wrong_endpoints_say_what_is_wrong() -> None:
    with pytest.raises(TargetError, match="expected `host:port`, got `b`"):
        resolver_for(RpcClientConf(endpoints=["a:1", "b"]))


def test_wrong_hosts_of_etcd_say_what_is_wrong() -> None:
    with pytest.raises(TargetError, match="expected `host:port`, got `http://c:1`"):
        resolver_for(RpcClientConf(etcd=EtcdConf(hosts=["http://c:1"], key="user-rpc")))
    with pytest.raises(TargetError, match="CACertFile: /missing.pem: No such file or directory"):
        resolver_for(RpcClientConf(target="etcd:///c:1?key=x", etcd=EtcdConf(ca_cert_file="/missing.pem")))


@given(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(
            ["", "etcd:", "discov:", "k8s:", "dns:", "direct:", "local:", "unix:", "ipv6:", "x:"]
        ),
        st.sampled_from(["", "//", "///", "//a/", "//a:1/", "/"]),
        st.text(alphabet="ab1:/?=&%,.[]-_é \0", max_size=12),
    )
)
def test_whatever_is_written_is_a_target_or_a_mistake(target: str) -> None:
    with suppress(TargetError):
        assert resolver_for(RpcClientConf(target=target or "a", etcd=EtcdConf())).target
