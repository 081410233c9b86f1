from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.servers.certificates import Authority
from tests.servers.etcd import PASSWORD, USER, Etcd, etcd
from tests.servers.process import free_port
from zero_runtime.config import EtcdConf, InvalidValue, RpcServerConf
from zero_runtime.discovery import announce
from zero_runtime.discovery.conftest import run
from zero_runtime.discovery.etcd import client, registration
from zero_runtime.discovery.etcd.registration import Registration, register

KEY = "user.rpc"
ADDRESS = "10.0.0.1:8080"


@pytest.fixture(scope="module")
def shared() -> Iterator[Etcd]:
    """For tests that leave it as it was."""
    with etcd() as server:
        yield server


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "PATIENCE", 0.3)


@asynccontextmanager
async def registered(server: Etcd, key: str = KEY, ttl: int = 1, **conf: Any) -> AsyncIterator[Registration]:
    made = await register(EtcdConf(hosts=[server.host], **conf), key, ADDRESS, ttl)
    try:
        yield made
    finally:
        await made.withdraw()


async def until(condition: Callable[[], bool], timeout: float = 10.0) -> None:
    async with asyncio.timeout(timeout):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.02)


def test_an_entry_has_the_form_of_go_zero(shared: Etcd) -> None:
    """A publisher of go-zero 1.10.3 (``core/discov``) was seen to write ``go.rpc/2219045398098900748`` ->
    ``10.0.0.9:8080`` for the key ``go.rpc``, with the lease 2219045398098900748, which lasts 10 s."""

    async def test() -> None:
        announcement = await register(EtcdConf(hosts=[shared.host]), KEY, ADDRESS)
        (lease,) = shared.leases()
        assert shared.entries(KEY) == {f"{KEY}/{lease}": ADDRESS}
        assert shared.ask("lease/timetolive", {"ID": lease})["grantedTTL"] == "10"
        await announcement.withdraw()
        await announcement.withdraw()
        assert shared.entries(KEY) == {}
        assert shared.leases() == []

    run(test())


def test_an_id_takes_the_place_of_the_lease(shared: Etcd) -> None:
    async def test() -> None:
        async with registered(shared, id=7) as first:
            assert shared.entries(KEY) == {f"{KEY}/7": ADDRESS}
            async with registered(shared, id=7):
                await first.withdraw()  # its entry belongs to its successor
                assert shared.entries(KEY) == {f"{KEY}/7": ADDRESS}
        assert shared.entries(KEY) == {}

    run(test())


def test_a_deleted_entry_is_written_again(shared: Etcd) -> None:
    async def test() -> None:
        async with registered(shared):
            before = shared.entries(KEY)
            for _ in range(3):
                for key in before:
                    shared.delete(key)
                await until(lambda: shared.entries(KEY) == before, timeout=1)

    run(test())


def test_a_lost_lease_is_replaced(shared: Etcd) -> None:
    async def test() -> None:
        async with registered(shared):
            (lease,) = shared.leases()
            shared.revoke(lease)
            await until(lambda: f"{KEY}/{lease}" not in shared.entries(KEY) and bool(shared.entries(KEY)))
            assert list(shared.entries(KEY).values()) == [ADDRESS]

    run(test())


def test_the_lease_is_kept_for_longer_than_it_lasts(shared: Etcd) -> None:
    async def test() -> None:
        async with registered(shared, ttl=1):
            before = shared.entries(KEY)
            await asyncio.sleep(1.7)
            assert shared.entries(KEY) == before

    run(test())


def test_the_entry_of_a_killed_process_is_gone_after_its_lease(shared: Etcd) -> None:
    code = (
        "import asyncio, sys\n"
        "from zero_runtime.config import EtcdConf\n"
        "from zero_runtime.discovery.etcd.registration import register\n"
        "async def main():\n"
        "    await register(EtcdConf(hosts=[sys.argv[1]]), 'killed.rpc', '10.0.0.1:8080', 1)\n"
        "    print('registered', flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, shared.host],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"registered\n"
        assert list(shared.entries("killed.rpc").values()) == ["10.0.0.1:8080"]
        process.kill()
    run(until(lambda: shared.entries("killed.rpc") == {}, timeout=5))


@pytest.mark.parametrize("empty", [False, True])
def test_an_entry_is_back_after_etcd_was_away(empty: bool) -> None:
    async def test() -> None:
        with etcd() as server:
            async with registered(server):
                await asyncio.to_thread(server.kill)
                if empty:
                    server.forget()
                else:
                    await asyncio.sleep(1.2)  # longer than the lease
                await asyncio.to_thread(server.start)
                await until(lambda: list(server.entries(KEY).values()) == [ADDRESS])
                await asyncio.sleep(
                    1.2
                )  # and it stays for longer than a lease that etcd has found in its data
                assert list(server.entries(KEY).values()) == [ADDRESS]
            assert server.entries(KEY) == {}

    run(test())


def test_a_service_starts_while_etcd_is_away_and_is_registered_when_it_is_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test() -> None:
        with etcd(start=False) as server:
            conf = RpcServerConf(
                name="user-rpc", listen_on="10.0.0.1:8080", etcd=EtcdConf(hosts=[server.host])
            )
            began = time.monotonic()
            announcement = await announce(conf, "10.0.0.1:8080")
            assert time.monotonic() - began < 1
            warnings = [record for record in caplog.records if record.levelname == "WARNING"]
            assert len(warnings) == 1
            assert f"10.0.0.1:8080 is not registered: {server.host}: " in warnings[0].getMessage()
            await asyncio.to_thread(server.start)
            await until(lambda: list(server.entries("user-rpc/").values()) == ["10.0.0.1:8080"])
            await announcement.withdraw()
            assert server.entries("user-rpc/") == {}

    run(test())


def test_withdrawing_does_not_wait_for_an_etcd_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        with etcd() as server:
            made = await register(EtcdConf(hosts=[server.host]), KEY, ADDRESS)
            await asyncio.to_thread(server.kill)
            began = time.monotonic()
            await made.withdraw()
            assert time.monotonic() - began < 1
            assert f"the entry of {ADDRESS} stays for up to 10 s" in caplog.text

    run(test())


def test_withdrawing_does_not_wait_for_an_etcd_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        with etcd() as server:
            made = await register(EtcdConf(hosts=[server.host]), KEY, ADDRESS)
            server.pause()
            monkeypatch.setattr(client, "REQUEST_TIMEOUT", 0.3)
            began = time.monotonic()
            await made.withdraw()
            assert time.monotonic() - began < 1
            server.go_on()

    run(test())


def test_another_member_is_asked_when_one_is_away_or_hangs(
    shared: Etcd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "REQUEST_TIMEOUT", 0.1)

    async def test() -> None:
        with etcd() as hanging:
            hanging.pause()
            hosts = [f"127.0.0.1:{free_port()}", hanging.host, shared.host]
            made = await register(EtcdConf(hosts=hosts), "moved.rpc", ADDRESS)
            assert list(shared.entries("moved.rpc").values()) == [ADDRESS]
            await made.withdraw()
            assert shared.entries("moved.rpc") == {}
            hanging.go_on()

    run(test())


def test_tokens_are_renewed() -> None:
    async def test() -> None:
        with etcd(token_ttl=1) as server:
            server.ask_for_accounts()
            async with registered(server, user=USER, pass_=PASSWORD):
                before = server.entries(KEY)
                assert list(before.values()) == [ADDRESS]
                await asyncio.sleep(2.5)  # etcd forgets tokens that nobody used for so long
                for key in before:
                    server.delete(key)
                await until(lambda: server.entries(KEY) == before)
                await asyncio.to_thread(server.restart)  # it forgets all tokens
                await until(lambda: list(server.entries(KEY).values()) == [ADDRESS])
            assert server.entries(KEY) == {}

    run(test())


def test_accounts_may_be_asked_for_later_or_not_at_all() -> None:
    async def test() -> None:
        with etcd() as server:
            async with registered(server, user=USER, pass_=PASSWORD):
                before = server.entries(KEY)
                assert list(before.values()) == [ADDRESS]
                server.ask_for_accounts()
                for key in before:
                    server.delete(key)
                await until(lambda: server.entries(KEY) == before)

    run(test())


def test_a_wrong_password_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        with etcd() as server:
            server.ask_for_accounts()
            async with registered(server, user=USER, pass_="wrong"):
                assert server.entries(KEY) == {}
            assert "authentication failed, invalid user ID or password" in caplog.text
            assert "wrong" not in caplog.text

    run(test())


def test_tls_with_certificates_on_both_sides(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    authority = Authority(tmp_path)
    service = authority.issue("service")
    files: dict[str, Any] = {"cert_file": str(service.certificate), "cert_key_file": str(service.key)}

    async def test() -> None:
        with etcd(authority=authority) as server:
            async with registered(server, ca_cert_file=str(authority.file), **files):
                assert list(server.entries(KEY).values()) == [ADDRESS]
            assert server.entries(KEY) == {}
            stranger = Authority(tmp_path, "stranger")
            wrong: list[dict[str, Any]] = [
                {"ca_cert_file": str(stranger.file), **files},  # it is not who it should be
                {"ca_cert_file": str(authority.file)},  # nor are we
                {},
            ]
            for conf in wrong:
                caplog.clear()
                async with registered(server, **conf):
                    assert server.entries(KEY) == {}
                    assert f"{ADDRESS} is not registered: {server.host}: " in caplog.text

    run(test())


def test_a_start_that_is_cancelled_leaves_no_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "PATIENCE", 60)

    async def test() -> None:
        starting = asyncio.create_task(register(EtcdConf(hosts=[f"127.0.0.1:{free_port()}"]), KEY, ADDRESS))
        await asyncio.sleep(0.1)
        starting.cancel()
        await asyncio.wait([starting])

    run(test())  # no task is left


def test_a_defect_is_told_and_does_not_end_the_registration(
    shared: Etcd, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    defects = [RuntimeError("a defect")]

    class Defective(client.Client):
        async def grant(self, ttl: int) -> int:
            if defects:
                raise defects.pop()
            return await super().grant(ttl)

    monkeypatch.setattr(registration, "Client", Defective)

    async def test() -> None:
        async with registered(shared):
            await until(lambda: list(shared.entries(KEY).values()) == [ADDRESS])
        assert f"{ADDRESS} is not registered: a defect\nTraceback" in caplog.text

    run(test())


def test_what_can_never_work_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()

    async def attempt(**conf: Any) -> None:
        await register(EtcdConf(**conf), KEY, ADDRESS)

    with pytest.raises(InvalidValue, match="Etcd: Hosts: `http://a:1` is not `host:port`; .*`b` is not"):
        run(attempt(hosts=["http://a:1", "b"]))
    with pytest.raises(InvalidValue, match=r"Etcd: CACertFile: .*missing\.pem: No such file or directory"):
        run(attempt(hosts=["a:1"], ca_cert_file=str(tmp_path / "missing.pem")))
    with pytest.raises(InvalidValue, match=r"Etcd: CACertFile: .*empty\.pem: there is no PEM in it"):
        run(attempt(hosts=["a:1"], ca_cert_file=str(tmp_path / "empty.pem")))
