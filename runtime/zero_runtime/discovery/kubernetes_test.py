from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.servers.kubernetes import ApiServer, api_server, endpoint
from zero_runtime.config import InvalidValue
from zero_runtime.discovery import kubernetes
from zero_runtime.discovery.conftest import followed, run
from zero_runtime.discovery.kubernetes import Cluster, KubernetesResolver, Slice, addresses_in, in_cluster

A, B, C = "10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080"


def resolver(server: ApiServer, account: Path, port: str = "grpc", **more: Any) -> KubernetesResolver:
    cluster = Cluster(server.url, account)
    return KubernetesResolver("k8s:///user-rpc:grpc", cluster, "", "user-rpc", port, **more)


def slices(*described: dict[str, Any]) -> list[Slice]:
    named = [{"metadata": {"name": str(i)}, **one} for i, one in enumerate(described)]
    return msgspec.convert(named, list[Slice])


PORTS = [{"name": "metrics", "port": 9100}, {"name": "grpc", "port": 8080}]


@pytest.mark.parametrize(
    ("conditions", "is_called"),
    [
        ({}, True),  # not known is to be taken for ready
        ({"ready": True}, True),
        ({"ready": True, "serving": True, "terminating": False}, True),
        ({"ready": False}, False),
        ({"ready": False, "serving": False, "terminating": False}, False),
        ({"ready": False, "serving": True, "terminating": True}, False),
        ({"ready": True, "serving": True, "terminating": True}, False),  # publishNotReadyAddresses
    ],
)
def test_endpoints_are_called_when_they_are_ready_and_stay(
    conditions: dict[str, bool], is_called: bool
) -> None:
    endpoints = [endpoint("10.0.0.1", **conditions), endpoint("10.0.0.2", ready=True)]
    found = addresses_in(slices({"endpoints": endpoints, "ports": PORTS}), "grpc")
    assert found == ((A, B) if is_called else (B,))


def test_those_that_leave_but_still_serve_are_called_when_nobody_is_ready() -> None:
    endpoints = [
        endpoint("10.0.0.1", ready=False, serving=True, terminating=True),
        endpoint("10.0.0.2", ready=False, serving=False, terminating=True),
        endpoint("10.0.0.3", ready=False, terminating=True),
        endpoint("10.0.0.4", ready=False, serving=False, terminating=False),
    ]
    assert addresses_in(slices({"endpoints": endpoints, "ports": PORTS}), "grpc") == (A,)


def test_all_slices_count_each_with_its_own_ports() -> None:
    described = slices(
        {"endpoints": [endpoint("10.0.0.2"), endpoint("10.0.0.1")], "ports": PORTS},
        {"endpoints": [endpoint("10.0.0.3")], "ports": [{"name": "grpc", "port": 9090}]},
        {"endpoints": [endpoint("10.0.0.1")], "ports": PORTS},
        {"endpoints": None, "ports": None},
        {"endpoints": [endpoint("10.0.0.4")], "ports": None},
    )
    assert addresses_in(described, "grpc") == (A, B, "10.0.0.3:9090")
    assert addresses_in(described, "") == ("10.0.0.1:9100", "10.0.0.2:9100", "10.0.0.3:9090")
    assert addresses_in(described, "80") == ("10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80")
    assert addresses_in(described, "http") == ()


def test_a_pod_with_addresses_of_both_families_is_one_server() -> None:
    six = {"addressType": "IPv6", "endpoints": [endpoint("fd00::1")], "ports": PORTS}
    four = {"addressType": "IPv4", "endpoints": [endpoint("10.0.0.1", "10.9.9.9")], "ports": PORTS}
    names = {"addressType": "FQDN", "endpoints": [endpoint("example.org")], "ports": PORTS}
    assert addresses_in(slices(six, four, names), "grpc") == (A,)
    assert addresses_in(slices(six, names), "grpc") == ("[fd00::1]:8080",)


def test_slices_are_followed(tmp_path: Path) -> None:
    async def test() -> None:
        async with api_server(tmp_path) as server:
            await server.put("user-rpc-x", "user-rpc", endpoint("10.0.0.1"))
            await server.put("order-rpc-x", "order-rpc", endpoint("10.0.0.9"))
            async with followed(resolver(server, tmp_path)) as user:
                await user.until(A)
                await server.put("user-rpc-y", "user-rpc", endpoint("10.0.0.2"))
                await user.until(A, B)
                await server.put("user-rpc-x", "user-rpc", endpoint("10.0.0.1", ready=False))
                await user.until(B)
                await server.put("order-rpc-x", "order-rpc", endpoint("10.0.0.8"))
                await server.put("user-rpc-x", "user-rpc", endpoint("10.0.0.3"))
                await user.until(B, C)
                await server.delete("user-rpc-y")
                await user.until(C)
            assert server.requests == ["list", "watch 1002"]
            assert user.seen == [(A,), (A, B), (B,), (B, C), (C,)]

    run(test())


def test_a_slice_of_a_thousand_endpoints_is_read(tmp_path: Path) -> None:
    many = [f"10.0.{i // 250}.{i % 250}" for i in range(1000)]

    async def test() -> None:
        async with api_server(tmp_path) as server, followed(resolver(server, tmp_path)) as user:
            while len(server.requests) < 2:
                await asyncio.sleep(0.01)
            await server.put("x", "user-rpc", *(endpoint(it, ready=True) for it in many))
            await user.until(*sorted(f"{it}:8080" for it in many))

    run(test())


def test_a_watch_that_breaks_goes_on_after_the_last_bookmark(tmp_path: Path) -> None:
    async def test() -> None:
        async with api_server(tmp_path) as server:
            await server.put("x", "user-rpc", endpoint("10.0.0.1"))
            async with followed(resolver(server, tmp_path)) as user:
                await user.until(A)
                await server.put("x", "user-rpc", endpoint("10.0.0.2"))
                await user.until(B)
                version = await server.bookmark()
                await asyncio.sleep(0.05)
                server.drop()
                await server.put("x", "user-rpc", endpoint("10.0.0.3"))
                await user.until(C)
            assert server.requests == ["list", "watch 1001", f"watch {version}"]

    run(test())


@pytest.mark.parametrize("when", ["it begins", "it runs"])
def test_everything_is_listed_again_when_history_was_forgotten(tmp_path: Path, when: str) -> None:
    async def test() -> None:
        async with api_server(tmp_path) as server:
            await server.put("x", "user-rpc", endpoint("10.0.0.1"))
            await server.put("y", "user-rpc", endpoint("10.0.0.2"))
            async with followed(resolver(server, tmp_path)) as user:
                await user.until(A, B)
                if when == "it runs":
                    await server.fail_watches()
                else:
                    server.drop()
                await server.delete("y")
                await server.put("x", "user-rpc", endpoint("10.0.0.3"))
                server.forget()
                await user.until(C)
            assert server.requests[0] == "list"
            assert server.requests[-2:] == ["list", "watch 1004"]

    run(test())


def test_everything_is_listed_again_now_and_then(tmp_path: Path) -> None:
    async def test() -> None:
        async with api_server(tmp_path) as server:
            await server.put("x", "user-rpc", endpoint("10.0.0.1"))
            async with followed(resolver(server, tmp_path, resync=1)) as user:
                await user.until(A)
                await asyncio.sleep(1.7)
            assert server.requests[:4] == ["list", "watch 1001", "list", "watch 1001"]
            assert user.seen == [(A,)]

    run(test())


def test_a_silent_watch_is_taken_up_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes, "_SILENCE", 0.1)

    async def test() -> None:
        async with api_server(tmp_path) as server:
            await server.put("x", "user-rpc", endpoint("10.0.0.1"))
            async with followed(resolver(server, tmp_path)) as user:
                await user.until(A)
                await asyncio.sleep(0.5)
                await server.put("x", "user-rpc", endpoint("10.0.0.2"))
                await user.until(B)
            assert server.requests[:3] == ["list", "watch 1001", "watch 1001"]

    run(test())


def test_the_token_is_read_again(tmp_path: Path) -> None:
    async def test() -> None:
        async with api_server(tmp_path) as server:
            await server.put("x", "user-rpc", endpoint("10.0.0.1"))
            async with followed(resolver(server, tmp_path)) as user:
                await user.until(A)
                server.token = "second"
                (tmp_path / "token").write_text("second\n")
                server.drop()
                await server.put("x", "user-rpc", endpoint("10.0.0.2"))
                await user.until(B)

    run(test())


def test_addresses_stay_while_the_api_server_is_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        async with api_server(tmp_path) as server:
            await server.put("x", "user-rpc", endpoint("10.0.0.1"))
            user = resolver(server, tmp_path)
            async with followed(user) as watched:
                await watched.until(A)
                server.refuses = True
                before = len(server.requests)
                server.drop()
                await asyncio.sleep(1)
                assert user.addresses() == (A,)
                assert user.nothing_found == (
                    "cannot ask the API server: "
                    "403 endpointslices.discovery.k8s.io is forbidden: User cannot list"
                )
                assert "k8s:///user-rpc:grpc: 1 addresses stay as they are: 403" in caplog.text
                assert len(caplog.records) <= 2
                assert len(server.requests) - before == 0
                server.refuses = False
                await server.put("x", "user-rpc", endpoint("10.0.0.2"))
                await watched.until(B)

    run(test())


def test_why_nothing_was_found(tmp_path: Path) -> None:
    async def test() -> None:
        async with api_server(tmp_path) as server:
            user = resolver(server, tmp_path, port="http")
            assert user.nothing_found == "cannot ask the API server: it has not answered yet"
            async with followed(user):
                while len(server.requests) < 2:
                    await asyncio.sleep(0.01)
                assert user.nothing_found == "Service `user-rpc` in namespace `shop` has no endpoints"
                await server.put("x", "user-rpc", endpoint("10.0.0.1"))
                await asyncio.sleep(0.1)
                assert user.addresses() == ()
                assert user.nothing_found == (
                    "Service `user-rpc` in namespace `shop` has no endpoint that is ready at port `http`; "
                    "its ports: `grpc` (8080)"
                )

    run(test())


def test_a_stranger_is_not_taken_for_the_api_server(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()

    async def test() -> None:
        async with api_server(tmp_path) as server, api_server(tmp_path / "other"):
            user = resolver(server, tmp_path / "other")
            async with followed(user):
                await asyncio.sleep(0.3)
            assert "certificate verify failed" in user.nothing_found
            assert server.requests == []

    run(test())


def test_where_pods_find_the_api_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    assert in_cluster().url == "https://10.96.0.1:443"
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    assert in_cluster().url == "https://[fd00::1]:443"
    with pytest.raises(InvalidValue, match="namespace: No such file or directory"):
        KubernetesResolver("k8s:///a", Cluster("https://x", tmp_path), "", "a", "")
    with pytest.raises(InvalidValue, match=r"ca\.crt: No such file or directory"):
        KubernetesResolver("k8s://b/a", Cluster("https://x", tmp_path), "b", "a", "")
