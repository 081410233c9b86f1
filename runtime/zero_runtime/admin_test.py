from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest

from zero_runtime import admin
from zero_runtime.config import DevServerConf, PrometheusConf, ServiceConf
from zero_runtime.observability import Metrics

Get = Callable[[str], Awaitable[httpx.Response]]


def serving(
    conf: ServiceConf, caplog: pytest.LogCaptureFixture, test: Callable[[Get, list[str]], Awaitable[None]]
) -> None:
    """Runs a test with a way to ask, and the addresses that the log tells."""

    async def run() -> None:
        async with AsyncExitStack() as resources, httpx.AsyncClient() as client, asyncio.timeout(20):
            await admin.serve(conf, lambda: True, Metrics() if conf.has_metrics else None, resources)
            await test(client.get, re.findall(r"http://\S+", "\n".join(caplog.messages)))

    with caplog.at_level(logging.INFO, "zero.service"):
        asyncio.run(run())


DEV = DevServerConf(host="127.0.0.1", port=0)


def test_metrics_have_a_port_of_their_own(caplog: pytest.LogCaptureFixture) -> None:
    async def test(get: Get, addresses: list[str]) -> None:
        health, own = addresses
        assert own.endswith("/numbers")
        for address in own, health.replace("/healthz", "/metrics"):
            answer = await get(address)
            assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
            assert "process_cpu_seconds_total" in answer.text
        assert (await get(own.replace("/numbers", "/healthz"))).status_code == 404

    own = PrometheusConf(host="127.0.0.1", port=0, path="/numbers")
    serving(ServiceConf(name="test", dev_server=DEV, prometheus=own), caplog, test)


def test_metrics_without_an_administration_port(caplog: pytest.LogCaptureFixture) -> None:
    async def test(get: Get, addresses: list[str]) -> None:
        (own,) = addresses
        assert (await get(own)).status_code == 200

    own = PrometheusConf(host="127.0.0.1", port=0)
    serving(ServiceConf(name="test", mode="dev", prometheus=own), caplog, test)


def test_an_administration_port_without_metrics(caplog: pytest.LogCaptureFixture) -> None:
    async def test(get: Get, addresses: list[str]) -> None:
        (health,) = addresses
        assert (await get(health)).status_code == 200
        for path in "/metrics", admin.PROFILE_PATH:
            assert (await get(health.replace("/healthz", path))).status_code == 404

    conf = DevServerConf(host="127.0.0.1", port=0, enable_metrics=False)
    serving(ServiceConf(name="test", dev_server=conf), caplog, test)


def test_profiles(caplog: pytest.LogCaptureFixture) -> None:
    async def test(get: Get, addresses: list[str]) -> None:
        (health,) = addresses
        profile = health.replace("/healthz", admin.PROFILE_PATH)

        def working() -> None:
            end = asyncio.get_running_loop().time() + 0.02
            while asyncio.get_running_loop().time() < end:
                pass

        async def work() -> None:
            while True:
                working()
                await asyncio.sleep(0.001)

        task = asyncio.create_task(work())
        first, second = await asyncio.gather(get(f"{profile}?seconds=0.5"), get(f"{profile}?seconds=0.5"))
        task.cancel()
        assert sorted((first.status_code, second.status_code)) == [200, 409]
        (answer,) = (each for each in (first, second) if each.status_code == 200)
        assert re.search(r"^MainThread;\S+working 1?\d+$", answer.text, re.MULTILINE)
        for seconds in "0", "x", "61":
            assert (await get(f"{profile}?seconds={seconds}")).status_code == 400

    conf = DevServerConf(host="127.0.0.1", port=0, enable_pprof=True)
    serving(ServiceConf(name="test", dev_server=conf), caplog, test)


def test_a_profile_keeps_no_service_from_its_end(caplog: pytest.LogCaptureFixture) -> None:
    async def test(get: Get, addresses: list[str]) -> None:
        (health,) = addresses
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                await get(health.replace("/healthz", f"{admin.PROFILE_PATH}?seconds=15"))

    begun = time.monotonic()
    conf = DevServerConf(host="127.0.0.1", port=0, enable_pprof=True)
    serving(ServiceConf(name="test", dev_server=conf), caplog, test)  # it waits for the loop's threads
    assert time.monotonic() - begun < 10
