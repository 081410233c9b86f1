"""Where Prometheus looks for services."""

import json
from typing import Any

import pytest

from zero_codegen.service.conftest import TESTDATA
from zero_codegen.stack.conftest import STACK, MakeFleet
from zero_codegen.stack.fleet import Fleet
from zero_codegen.stack.prometheus import compose, kubernetes


def jobs(configuration: dict[str, Any]) -> dict[str, Any]:
    return {job["job_name"]: job for job in configuration["scrape_configs"]}


@pytest.mark.parametrize(
    ("own", "staging", "expected"),
    [
        ("shop", "shop-staging", {"namespaces": {"names": ["shop", "shop-staging"]}}),
        ("shop", "shop", {"namespaces": {"names": ["shop"]}}),
        (None, "shop-staging", {}),
        ("shop", None, {}),
    ],
)
def test_pods_are_looked_for_where_a_service_may_be(
    make_fleet: MakeFleet, own: str | None, staging: str | None, expected: dict[str, Any]
) -> None:
    there = json.loads((TESTDATA / "user-rpc.json").read_text()) | {"namespace": staging}
    fleet = make_fleet({"user-rpc": {"namespace": own, "environments": {"staging": there}}})
    (discovery,) = jobs(kubernetes(STACK, fleet))["user-rpc"]["kubernetes_sd_configs"]
    assert discovery == {"role": "pod", **expected}


def test_metrics_have_a_path_where_it_is_another(make_fleet: MakeFleet) -> None:
    own = {"Prometheus": {"Host": "0.0.0.0", "Port": 9081, "Path": "/m"}}
    found = jobs(compose(STACK, make_fleet({"user-api": {"config": own}, "user-rpc": {}})))
    assert found["user-api"]["metrics_path"] == "/m"
    assert found["user-api"]["static_configs"] == [{"targets": ["user-api:9081"], "labels": {"kind": "api"}}]
    assert "metrics_path" not in found["user-rpc"]


def test_what_is_around_services_is_scraped_too(fleet: Fleet) -> None:
    assert [*jobs(compose(STACK, fleet))][-2:] == ["prometheus", "otel-collector"]
