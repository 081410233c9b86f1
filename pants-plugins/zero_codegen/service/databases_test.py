"""What is refused of the caches of a service."""

from __future__ import annotations

from typing import Any

import pytest

from zero_codegen.service import databases
from zero_codegen.service.configuration import configuration
from zero_codegen.service.conftest import Specify, Wire

ALONE = {"min": 1, "max": 1}
NO_REDIS = (
    "services/user:user-rpc: `config`: rows of `user_model` are cached, and no Redis is named\n"
    "  = hint: set `Redis.Host` or `Cache.Redis.Host`; or set `Cache.Store` to `none`"
)
NOT_ALONE = (
    "services/user:user-rpc: `config`: `Cache.Store` is `memory`, which one pod alone can have: "
    "others would serve rows that it has changed\n"
    "  = hint: set `Cache.Store` to `redis` or `none`, or `min_replicas` and `max_replicas` to 1"
)


def mistakes(wired: Wire, specify: Specify, settings: dict[str, Any], **changes: Any) -> list[str]:
    models = [model | {"settings": settings} for model in specify("user-rpc")["models"]]
    wiring = wired("user-rpc", models=models, **changes)
    return [found.render() for found in databases.mistakes(wiring, configuration(wiring))]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, [NO_REDIS]),
        ({"Cache": {"Store": "redis", "Redis": {"User": "zero"}}}, [NO_REDIS]),
        ({"Redis": {"Host": "redis:6379"}}, []),
        ({"Cache": {"Redis": {"Host": "${REDIS}"}}}, []),
        ({"Cache": {"Store": "none"}}, []),
        ({"Cache": {"Store": "memory"}}, [NOT_ALONE]),
    ],
)
def test_a_cache_has_to_be_somewhere(
    wired: Wire, specify: Specify, config: dict[str, Any], expected: list[str]
) -> None:
    assert mistakes(wired, specify, {"cached": ["user"]}, config=config) == expected
    assert mistakes(wired, specify, {}, config=config) == []


def test_one_pod_may_have_a_cache_of_its_own(wired: Wire, specify: Specify) -> None:
    config = {"Cache": {"Store": "memory"}}
    assert mistakes(wired, specify, {"cached": ["*"]}, config=config, replicas=ALONE) == []


def test_a_job_shares_its_cache_with_the_services_that_have_its_tables(wired: Wire) -> None:
    config = {"Cache": {"Store": "memory"}}
    wiring = wired("order-sweep", config=config, replicas=ALONE)
    (mistake,) = databases.mistakes(wiring, configuration(wiring))
    assert mistake.message == (
        "`config`: `Cache.Store` is `memory`, which a job cannot have: "
        "the services with the same tables would serve rows that it has changed"
    )
