from __future__ import annotations

import ipaddress
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.servers.etcd import etcd
from zero_runtime.config import EtcdConf, InvalidValue, RpcServerConf
from zero_runtime.discovery import announce, announcing, host_for_others, local_registry
from zero_runtime.discovery.conftest import run


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZERO_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("POD_IP", raising=False)


def conf(**options: Any) -> RpcServerConf:
    return RpcServerConf(**{"name": "user-rpc", **options})


def test_a_server_is_announced_everywhere_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POD_IP", "10.1.2.3")

    async def test() -> None:
        with etcd() as server:
            both = conf(register="local", etcd=EtcdConf(hosts=[server.host]))
            announcement = await announce(both, "127.0.0.1:4001")
            assert local_registry().addresses("user-rpc") == ("127.0.0.1:4001",)
            assert list(server.entries("user-rpc/").values()) == ["10.1.2.3:4001"]
            await announcement.withdraw()
            await announcement.withdraw()
            assert local_registry().addresses("user-rpc") == ()
            assert server.entries("user-rpc/") == {}
            named = conf(etcd=EtcdConf(hosts=[server.host], key="team/user.rpc"))
            announcement = await announce(named, "127.0.0.1:4001")
            assert list(server.entries("team/user.rpc/").values()) == ["10.1.2.3:4001"]
            await announcement.withdraw()

    run(test())


def test_a_server_is_announced_nowhere_unless_it_is_told_to() -> None:
    async def test() -> None:
        await (await announce(conf(), "127.0.0.1:4001")).withdraw()
        assert local_registry().addresses("user-rpc") == ()

    run(test())


def test_where_one_registry_can_never_work_the_other_is_left() -> None:
    async def test() -> None:
        with pytest.raises(InvalidValue, match="`nonsense` is not `host:port`"):
            await announce(conf(register="local", etcd=EtcdConf(hosts=["nonsense"])), "127.0.0.1:4001")
        assert local_registry().addresses("user-rpc") == ()

    run(test())


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost", "[::1]", "user-rpc.shop"])
def test_a_host_that_is_told_is_announced(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POD_IP", "10.1.2.3")
    assert host_for_others(host) == host


@pytest.mark.parametrize("host", ["", "0.0.0.0", "[::]"])
def test_instead_of_all_interfaces_that_of_the_pod_is_announced(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POD_IP", "10.1.2.3")
    assert host_for_others(host) == "10.1.2.3"
    monkeypatch.setenv("POD_IP", "fd00::1")
    assert host_for_others(host) == "[fd00::1]"


def test_without_a_pod_it_is_an_address_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        found = host_for_others("0.0.0.0")
    except InvalidValue:
        pytest.skip("this machine has no network")
    ipaddress.ip_address(found.strip("[]"))
    with socket.create_server(
        (found.strip("[]"), 0), family=socket.AF_INET6 if "[" in found else socket.AF_INET
    ):
        pass  # what can be listened on is ours
    # As on a machine without any route.
    monkeypatch.setattr(announcing, "_ELSEWHERE", ((socket.AF_INET, "255.255.255.255"),))
    with pytest.raises(InvalidValue, match="no network, .*: set POD_IP or a host in ListenOn"):
        host_for_others("0.0.0.0")
