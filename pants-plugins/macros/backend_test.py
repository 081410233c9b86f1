"""What BUILD files say with macros reaches the configuration of services, per service and per environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pants.engine.addresses import Address
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import RuleRunner

from pants_backend_zero import conftest
from pants_backend_zero.service.graph import ServiceSpec, ServiceSpecRequest

repository = conftest.repository

HOUSE = """
__defaults__({zero_service: dict(observability=observability(
    traces="http://collector:4318", logs="fluentd:24224", log_level="info"))})
"""


@pytest.fixture
def house(repository: RuleRunner) -> RuleRunner:
    """The repository of the backend's tests, with this repository's macros and a setting for all services."""
    macro = Path(__file__).with_name("observability.py").read_text()
    repository.write_files({"macros/observability.py": macro, "BUILD": HOUSE})
    conftest.set_options(repository, "--build-file-prelude-globs=['macros/*.py']")
    return repository


def spec(runner: RuleRunner, name: str) -> dict[str, Any]:
    address = Address("services/user", target_name=name)
    return json.loads(runner.request(ServiceSpec, [ServiceSpecRequest(address)]).json)


def extend(runner: RuleRunner, name: str, fields: str) -> None:
    """Give a service further fields."""
    build = Path(runner.build_root, "services/user/BUILD")
    content = build.read_text().replace(f'name="{name}", ', f'name="{name}", {fields}, ')
    runner.write_files({"services/user/BUILD": content})


def test_the_root_speaks_for_all_services(house: RuleRunner) -> None:
    for name in ("user-rpc", "user-api"):
        config = spec(house, name)["config"]
        assert config["Telemetry"] == {"Batcher": "otlphttp", "Endpoint": "http://collector:4318"}
        assert config["Log"] == {"Level": "info", "Fluentd": {"Host": "fluentd", "Port": 24224, "Tls": False}}


def test_a_service_changes_a_key_by_its_configuration(house: RuleRunner) -> None:
    extend(house, "user-api", 'config={"Log": {"Level": "debug"}}')
    log = spec(house, "user-api")["config"]["Log"]
    assert log["Level"] == "debug" and log["Fluentd"]["Host"] == "fluentd"
    assert spec(house, "user-rpc")["config"]["Log"]["Level"] == "info"


def test_a_service_that_sets_the_field_has_what_it_says_and_no_more(house: RuleRunner) -> None:
    extend(house, "user-api", 'observability=observability(log_level="debug")')
    assert spec(house, "user-api")["config"] == {"Log": {"Level": "debug"}}


def test_an_environment_changes_what_it_names(house: RuleRunner) -> None:
    extend(
        house,
        "user-api",
        'environments={"live": {}, '
        '"staging": {"observability": observability(log_level="debug", traces="none")}}',
    )
    described = spec(house, "user-api")
    staging = described["environments"]["staging"]["config"]
    assert staging["Log"]["Level"] == "debug" and staging["Log"]["Fluentd"]["Host"] == "fluentd"
    assert staging["Telemetry"]["Endpoint"] == ""
    assert described["environments"]["live"]["config"] == described["config"]
    assert described["config"]["Telemetry"]["Endpoint"] == "http://collector:4318"


def test_a_wrong_argument_is_told_with_the_build_file(house: RuleRunner) -> None:
    house.write_files({"BUILD": HOUSE.replace('"info"', '"loud", log_mod="file"')})
    with pytest.raises(ExecutionError) as error:
        spec(house, "user-api")
    told = str(error.value)
    assert "Failed to parse ./BUILD:" in told
    assert "`log_level` is one of 'debug', 'info', 'warn', 'error', 'severe', not 'loud'" in told
    assert "there is no argument `log_mod`" in told
