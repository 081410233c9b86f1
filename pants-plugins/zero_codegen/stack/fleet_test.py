"""What follows from the wiring and the configuration of services."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_codegen.stack.conftest import MakeFleet
from zero_codegen.stack.fleet import TIMEOUTS, Fleet, Member, groups
from zero_runtime.config import RestConf, RpcServerConf

JOB = {
    "serves": None,
    "port": None,
    "callers": [],
    "clients": [],
    "logic": [{"module": "user.sweep", "class": "Sweep", "service": None}],
    "job": {"schedule": "0 3 * * *", "time_zone": None, "timeout": 3600, "retries": 0},
}


def only(fleet: Fleet) -> Member:
    (member,) = fleet
    return member


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, ("admin", 6060, "/metrics")),
        ({"DevServer": {"Port": 7070, "MetricsPath": "/m"}}, ("admin", 7070, "/m")),
        ({"Prometheus": {"Host": "0.0.0.0"}}, ("metrics", 9101, "/metrics")),
        ({"Prometheus": {"Host": "0.0.0.0", "Port": 9081, "Path": "/m"}}, ("metrics", 9081, "/m")),
        ({"DevServer": {"EnableMetrics": False}}, None),
    ],
)
def test_metrics_are_where_the_configuration_says(
    make_fleet: MakeFleet, config: dict[str, object], expected: tuple[str, int, str] | None
) -> None:
    found = only(make_fleet({"user-rpc": {"config": config}})).metrics
    assert (found and (found.port_name, found.port, found.path)) == expected


def test_a_job_is_not_scraped_and_limits_nothing(make_fleet: MakeFleet) -> None:
    config = {"Redis": {"Host": "redis:6379"}, "DevServer": {"Enabled": True}}
    job = only(make_fleet({"user-rpc/user-sweep": JOB | {"config": config}}))
    assert (job.kind, job.metrics, job.uses_redis) == ("job", None, False)


def test_redis_is_used_for_limits_and_for_rows_that_are_cached(make_fleet: MakeFleet) -> None:
    order = only(make_fleet({"order-rpc": {}}))
    assert (order.limits_in_redis, order.caches_in_redis) == (True, True)
    config = {
        "Etcd": {"Hosts": ["etcd:2379"]},
        "Cache": {"Store": "none"},
        "UserRpc": {"Etcd": {"Hosts": ["etcd:2379"], "Key": "user.rpc"}},
    }
    order = only(make_fleet({"order-rpc": {"config": config}}))
    assert (order.limits_in_redis, order.caches_in_redis) == (False, False)
    assert (order.is_registered, order.looks_up) == (True, ("UserRpc",))


@pytest.mark.parametrize(
    ("memory", "expected"),
    [("256Mi", 256 << 20), ("1Gi", 1 << 30), ("500M", 500_000_000), ("64k", 64_000), ("1048576", 1 << 20)],
)
def test_memory(make_fleet: MakeFleet, memory: str, expected: int) -> None:
    resources = {"cpu_request": "100m", "cpu_limit": None, "memory": memory}
    assert only(make_fleet({"user-rpc": {"resources": resources}})).memory == expected


def test_the_time_limit_is_that_of_the_configuration(make_fleet: MakeFleet) -> None:
    assert only(make_fleet({"user-api": {"config": {"Timeout": 700}}})).timeout == 700
    assert only(make_fleet({"user-rpc": {"config": {}}})).timeout == 2000


def test_time_limits_are_those_of_the_runtime() -> None:
    assert {"api": RestConf(name="a").timeout, "rpc": RpcServerConf(name="a").timeout} == TIMEOUTS


def test_routes_of_events_are_known(make_fleet: MakeFleet, tmp_path: Path) -> None:
    contract = tmp_path / "feed.api"
    contract.write_text(
        'type Key {\n\tId int64 `path:"id"`\n}\ntype Event {\n\tText string `json:"text"`\n}\n'
        "@server (\n\tprefix: /v1\n\tsse: true\n)\n"
        "service feed {\n\t@handler Watch\n\tget /feed/:id (Key) returns (Event)\n}\n"
        "service feed {\n\t@handler Last\n\tget /last returns (Event)\n}\n"
    )
    serves = {"kind": "api", "path": str(contract), "source_root": str(tmp_path)}
    changes = {"serves": serves, "clients": [], "source_roots": [str(tmp_path)]}
    assert only(make_fleet({"user-api": changes})).event_routes == ("/v1/feed/:id",)


def test_services_that_keep_the_same_tables_share_a_database(make_fleet: MakeFleet) -> None:
    fleet = make_fleet({"user-rpc/user-sweep": JOB, "user-rpc": {}, "user-api": {}, "order-rpc": {}})
    assert fleet.databases == {"user-rpc": "user_rpc", "user-sweep": "user_rpc", "order-rpc": "order_rpc"}


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.frozensets(st.sampled_from("abcdef"), max_size=3)))
def test_groups_are_those_that_have_nothing_in_common(items: dict[str, frozenset[str]]) -> None:
    found = groups(items)
    assert sorted(name for group in found for name in group) == sorted(items)
    things = [frozenset().union(*(items[name] for name in group)) for group in found]
    assert sum(map(len, things)) == len(frozenset().union(*things))
    for group in found:
        for split in range(1, len(group)):
            first, rest = (
                frozenset().union(*(items[name] for name in part)) for part in (group[:split], group[split:])
            )
            assert first & rest


def test_who_is_reached_through_others(make_fleet: MakeFleet) -> None:
    fleet = make_fleet({"user-api": {}, "user-rpc": {}, "order-rpc": {}})
    assert fleet.reached_from("user-api") == {"user-rpc"}
    assert fleet.reached_from("user-rpc") == set()
