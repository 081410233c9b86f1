from typing import Any

import msgspec
import pytest

from zero_codegen.service.administration import (
    Administration,
    Metrics,
    administration,
    metrics,
    mistakes,
)
from zero_codegen.service.conftest import Specify
from zero_codegen.service.spec import Spec


@pytest.fixture
def spec(specify: Specify) -> Any:
    return lambda name: msgspec.convert(specify(name), Spec)


def test_a_service_is_administered_and_measured_on_one_port(spec: Any) -> None:
    api = spec("user-api")
    assert administration(api, {}) == Administration(6060, "/healthz", "/readyz")
    assert metrics(api, {}) == Metrics(6060, "admin", "/metrics")
    server = {"Port": 7000, "HealthPath": "/a", "ReadyPath": "/b", "MetricsPath": "/c"}
    assert administration(api, {"DevServer": server}) == Administration(7000, "/a", "/b")
    assert metrics(api, {"DevServer": server}) == Metrics(7000, "admin", "/c")
    assert metrics(api, {"DevServer": {"EnableMetrics": False}}) is None


@pytest.mark.parametrize("enabled", [True, False])
def test_prometheus_may_have_a_port_of_its_own(spec: Any, enabled: bool) -> None:
    values: dict[str, Any] = {"DevServer": {"EnableMetrics": enabled}, "Prometheus": {"Host": "0.0.0.0"}}
    assert metrics(spec("user-api"), values) == Metrics(9101, "metrics", "/metrics")
    values["Prometheus"] |= {"Port": 9081, "Path": "/numbers"}
    assert metrics(spec("user-api"), values) == Metrics(9081, "metrics", "/numbers")
    assert metrics(spec("user-api"), {"Prometheus": {"Port": 9081}}) == Metrics(6060, "admin", "/metrics")


def test_a_job_is_administered_only_if_its_configuration_says_so(spec: Any) -> None:
    job = spec("order-sweep")
    assert administration(job, {}) is None
    assert metrics(job, {}) is None
    assert list(mistakes(job, {})) == []
    assert administration(job, {"DevServer": {"Enabled": True}}) == Administration(
        6060, "/healthz", "/readyz"
    )
    assert metrics(job, {"DevServer": {"Enabled": True}}) == Metrics(6060, "admin", "/metrics")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]"])
@pytest.mark.parametrize("key", ["Host", "DevServer.Host", "Prometheus.Host"])
def test_refuses_an_address_that_nobody_reaches(spec: Any, key: str, host: str) -> None:
    name, _, below = key.partition(".")
    (mistake,) = mistakes(spec("user-api"), {name: {below: host} if below else host})
    assert mistake.message == f"`config`: at `{key}`, `{host}`, nothing is heard from outside of the pod"
    assert mistake.hint == "write `0.0.0.0`"


def test_takes_any_address_of_an_administration_that_is_not_there(spec: Any) -> None:
    assert list(mistakes(spec("order-sweep"), {"DevServer": {"Host": "localhost"}})) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"Prometheus": {"Host": "0.0.0.0", "Port": "${P}"}}, "`config`: `Prometheus.Port` is no TCP port"),
        ({"Prometheus": {"Host": "0.0.0.0", "Path": "m"}}, "`config`: `Prometheus.Path` is no path"),
        ({"Prometheus": {"Host": "0.0.0.0", "Port": 8888}}, "`port`: 8888 is the port of `Prometheus`"),
        (
            {"Prometheus": {"Host": "0.0.0.0", "Port": 6060}},
            "`config`: `Prometheus.Port` is the port of `DevServer`",
        ),
    ],
)
def test_refuses_what_prometheus_would_not_find(spec: Any, values: dict[str, Any], expected: str) -> None:
    (mistake,) = mistakes(spec("user-api"), values)
    assert mistake.message == expected
    assert mistake.hint
