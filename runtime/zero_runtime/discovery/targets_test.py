from __future__ import annotations

from pathlib import Path

import pytest

from zero_runtime.config import RpcClientConf
from zero_runtime.discovery import FixedResolver, LocalResolver, TargetError, local_registry, resolver_for


def addresses(conf: RpcClientConf) -> tuple[str, ...]:
    return resolver_for(conf).addresses()


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("direct:///a:1,b:2,a:1", ("a:1", "b:2")),
        ("direct:///[::1]:80", ("[::1]:80",)),
        ("user-rpc:8080", ("user-rpc:8080",)),
        ("127.0.0.1:8080", ("127.0.0.1:8080",)),
        ("[::1]:8080", ("[::1]:8080",)),
        ("dns:///user-rpc:8080", ("dns:///user-rpc:8080",)),
        ("dns:user-rpc:8080", ("dns:user-rpc:8080",)),
        ("unix:/run/user.sock", ("unix:/run/user.sock",)),
        ("ipv4:10.0.0.1:80,10.0.0.2:80", ("ipv4:10.0.0.1:80,10.0.0.2:80",)),
    ],
)
def test_targets(target: str, expected: tuple[str, ...]) -> None:
    assert isinstance(resolver_for(RpcClientConf(target=target)), FixedResolver)
    assert addresses(RpcClientConf(target=target)) == expected


def test_endpoints_win_over_the_target() -> None:
    assert addresses(RpcClientConf(endpoints=["a:1", "b:2"], target="etcd:///x")) == ("a:1", "b:2")


def test_local_targets_are_looked_up_in_the_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZERO_STATE_DIR", str(tmp_path))
    announcement = local_registry().announce("user-rpc", "127.0.0.1:4001")
    assert isinstance(resolver_for(RpcClientConf(target="local:///user-rpc")), LocalResolver)
    assert addresses(RpcClientConf(target="local:///user-rpc")) == ("127.0.0.1:4001",)
    assert (tmp_path / "registry" / "user-rpc").is_dir()
    announcement.withdraw()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("locl:///user-rpc", "unknown scheme `locl`, did you mean `local`?"),
        ("consul://c/user-rpc", "unknown scheme `consul`; known are direct, local, dns"),
        ("local://user-rpc", "expected three slashes: `local:///user-rpc`"),
        ("local:user-rpc", "expected three slashes: `local:///user-rpc`"),
        ("local:///../x", "`../x` is not the name of a service"),
        ("direct:///a:1,b", "expected `host:port`, got `b`"),
        ("direct:///", "expected `host:port`, got ``"),
        ("user-rpc", "expected `host:port`, got `user-rpc`"),
    ],
)
def test_wrong_targets_say_what_is_wrong(target: str, message: str) -> None:
    with pytest.raises(TargetError) as caught:
        resolver_for(RpcClientConf(target=target))
    assert f"target `{target}`: " in str(caught.value)
    assert message in str(caught.value)


def test_wrong_endpoints_say_what_is_wrong() -> None:
    with pytest.raises(TargetError, match="expected `host:port`, got `b`"):
        resolver_for(RpcClientConf(endpoints=["a:1", "b"]))
