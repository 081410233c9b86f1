"""A real Prometheus scrapes the services with the packaged configuration and rules, and answers all that the
packaged dashboard asks."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping

import httpx
import pytest

from tests.end_to_end.flow import ADA, register_login_and_look_up
from tests.servers.prometheus import Prometheus, prometheus
from tests.stack.fleet import STACK, Running, asked, fleet, read

_STRING = re.compile(r'"[^"]*"')
_NAME = re.compile(r"\b[a-z]+_[a-z_]+\b(?!\()")
_GROUPING = re.compile(r"\bby \([^)]*\)")

QUERIES = {
    f"{panel['title']} ({target['refId']}, panel {panel['id']})": target["expr"]
    for panel in json.loads((STACK / "grafana/dashboards/stack.json").read_text())["panels"]
    for target in panel.get("targets", ())
}
"""What the dashboard asks, by what it is for."""

OF_BAD_DAYS = ("zero_rpc_client_retries_total",)
"""What services tell only when others are away, which these are not."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with fleet(tmp_path_factory.mktemp("fleet")) as services:
        yield services


@pytest.fixture(scope="module")
def server(running: Running) -> Iterator[Prometheus]:
    """After a while of requests, good and bad ones, the last of them without Redis."""
    rules = (STACK / "prometheus/alerts.yml").read_text()
    with prometheus(running.prometheus(), {"alerts.yml": rules}) as server:
        server.wait_for('up{job="user-rpc"} == 1')
        register_login_and_look_up(running.clients["user-api"])
        _ask_for_much(running.clients)
        time.sleep(3)  # for two scrapes
        _ask_for_much(running.clients)
        running.redis.stop()
        _ask_for_much(running.clients)
        time.sleep(3)
        yield server


def _ask_for_much(clients: Mapping[str, httpx.Client]) -> None:
    users, shop = clients["user-api"], clients["shop"]
    users.post("/api/user/register", json=ADA)  # there is such a user
    users.post("/api/user/userinfo")  # whose?
    for _ in range(25):  # more than the limit
        shop.get("/v1/shop/products/saw")
    shop.get("/v1/shop/products", params={"category": "tools", "size": 5})


def names(query: str) -> set[str]:
    """The metrics of a query."""
    return set(_NAME.findall(_STRING.sub("", _GROUPING.sub("", query))))


def test_all_services_are_scraped_under_their_names(server: Prometheus, running: Running) -> None:
    found = {target["labels"]["job"]: target for target in server.targets()}
    assert set(found) == set(running.metrics)
    assert {name: target["health"] for name, target in found.items()} == dict.fromkeys(found, "up")
    assert {name: target["labels"]["kind"] for name, target in found.items()} == {
        "user-rpc": "rpc",
        "user-api": "api",
        "shop": "api",
    }


@pytest.mark.parametrize("what", QUERIES)
def test_a_panel_shows_something(server: Prometheus, what: str) -> None:
    query = asked(QUERIES[what], "30s")
    if any(name in query for name in OF_BAD_DAYS):
        server.value(query)  # it is a query
    else:
        assert server.value(query), f"nothing for {query}"


def test_rules_and_panels_ask_for_metrics_that_services_have(server: Prometheus) -> None:
    rules = [rule["expr"] for group in read("prometheus/alerts.yml")["groups"] for rule in group["rules"]]
    wanted = set().union(*map(names, [*QUERIES.values(), *rules]))
    assert {"up", "http_server_requests_duration_ms_bucket", "zero_cache_total"} <= wanted | {"up"}
    assert wanted - server.metrics() - {*OF_BAD_DAYS} == set()


def test_alerts_tell_that_redis_is_away(server: Prometheus) -> None:
    server.wait_for('ALERTS{alertname="CacheAway", job="shop"}')
    server.wait_for('ALERTS{alertname="LimitsWithoutRedis", job="shop"}')
    assert not [rule for rule in server.rules() if rule["health"] != "ok"]
