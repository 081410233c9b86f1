"""The service graph, and what users get wrong about it."""

from __future__ import annotations

import json
import re

import pytest
from pants.engine.addresses import Address
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.target import InvalidTargetException

from pants_backend_zero.conftest import set_options
from pants_backend_zero.service.graph import ServiceGraph, ServiceSpec, ServiceSpecRequest
from pants_backend_zero.service.logic import ServiceLogic, ServiceLogicRequest
from pants_backend_zero.service.target_types import LogicField


def spec(repository, name: str) -> dict:
    address = Address("services/user", target_name=name)
    return json.loads(repository.request(ServiceSpec, [ServiceSpecRequest(address)]).json)


def failure(repository, name: str = "user-api") -> str:
    with pytest.raises(ExecutionError) as error:
        spec(repository, name)
    return str(error.value)


def edit(repository, old: str, new: str) -> None:
    """Replace text in the service's BUILD file."""
    path = "services/user/BUILD"
    with open(f"{repository.build_root}/{path}") as file:
        content = file.read()
    assert old in content
    repository.write_files({path: content.replace(old, new)})


def test_a_client_learns_from_the_graph_who_serves_its_contract(repository) -> None:
    assert spec(repository, "user-api")["clients"] == [
        {"path": "services/user/user.proto", "source_root": "services", "service": "user-rpc", "port": 8080}
    ]


def test_a_server_learns_from_the_graph_who_calls_it(repository) -> None:
    assert spec(repository, "user-rpc")["callers"] == ["user-api"]
    assert spec(repository, "user-api")["callers"] == []


def test_a_contract_that_nobody_serves_here_is_found_by_configuration(repository) -> None:
    edit(
        repository,
        'zero_service(name="user-rpc"',
        'zero_service(name="other", logic="rpc_logic.py:L", serves=":http") #',
    )
    (client,) = spec(repository, "user-api")["clients"]
    assert client["service"] is None
    assert client["port"] is None


def test_contracts_that_are_only_imported_are_known_with_their_source_roots(repository) -> None:
    repository.write_files(
        {
            "shared/BUILD": "zero_rpcs()",
            "shared/money.proto": 'syntax = "proto3";',
            "services/user/user.proto": 'syntax = "proto3"; import "shared/money.proto";',
        }
    )
    address = Address("services/user", target_name="user-rpc")
    described = repository.request(ServiceSpec, [ServiceSpecRequest(address)])
    assert "shared/money.proto" in described.contracts
    assert json.loads(described.json)["source_roots"] == [".", "services"]


def test_defaults_are_those_of_the_kind_of_contract(repository) -> None:
    assert spec(repository, "user-api")["port"] == 8888
    assert spec(repository, "user-rpc")["port"] == 8080
    assert spec(repository, "user-rpc")["image_repository"] == "user-rpc"


def test_the_server_is_for_http_services(repository) -> None:
    assert spec(repository, "user-api")["http_server"] == "uvicorn"
    assert "http_server" not in spec(repository, "user-rpc")
    edit(repository, 'clients=[":rpc"]', 'http_server="granian"')
    assert spec(repository, "user-api")["http_server"] == "granian"
    edit(repository, 'models=[":model"]', 'http_server="uvicorn"')
    message = (
        "The `http_server` field of services/user:user-rpc is for services that serve a `zero_api`, and this one "
        "serves services/user:rpc, a `zero_rpc`. Remove the field."
    )
    assert message in failure(repository, "user-rpc")


def test_config_goes_on_top_of_the_shared_observability(repository) -> None:
    shared = '{"Log": {"Level": "info", "Encoding": "json"}}'
    edit(
        repository,
        "clients=",
        f'observability={shared}, config={{"Log": {{"Level": "debug"}}, "Timeout": 5}}, clients=',
    )
    assert spec(repository, "user-api")["config"] == {
        "Log": {"Level": "debug", "Encoding": "json"},
        "Timeout": 5,
    }


def test_the_registry_stands_before_the_name_of_the_image(repository) -> None:
    set_options(repository, "--zero-image-registry=registry.example.com/shop")
    assert spec(repository, "user-rpc")["image_repository"] == "registry.example.com/shop/user-rpc"


def test_two_services_of_one_name(repository) -> None:
    repository.write_files(
        {
            "services/twin/BUILD": (
                'python_sources(name="logic")\n'
                'zero_service(name="user-rpc", serves="services/user:rpc", logic="l.py:L")'
            ),
            "services/twin/l.py": "",
        }
    )
    with pytest.raises(
        ExecutionError,
        match="Two services are called `user-rpc`: services/twin:user-rpc and services/user:user-rpc",
    ):
        repository.request(ServiceGraph, [])


def test_a_contract_served_twice_is_ambiguous_to_its_callers(repository) -> None:
    edit(
        repository,
        'zero_service(name="user-api"',
        'zero_service(name="b", serves=":rpc", logic="rpc_logic.py:L")\nzero_service(name="user-api"',
    )
    assert "several services serve: services/user:b, services/user:user-rpc" in failure(repository)


def test_a_field_that_names_a_target_of_another_kind(repository) -> None:
    edit(repository, 'clients=[":rpc"]', 'clients=[":model"]')
    assert (
        "`clients` field of services/user:user-api takes `zero_rpc` targets, but services/user:model is a `zero_model`"
        in failure(repository)
    )


def test_contracts_may_be_named_by_their_generator(repository) -> None:
    edit(repository, 'zero_api(name="http", source="user.api")', 'zero_apis(name="http")')
    assert spec(repository, "user-api")["serves"]["path"] == "services/user/user.api"


def test_a_service_serves_one_contract(repository) -> None:
    edit(repository, 'zero_api(name="http", source="user.api")', 'zero_apis(name="http")')
    repository.write_files({"services/user/admin.api": "service Admin {}"})
    message = "names several contracts: services/user/admin.api:http, services/user/user.api:http"
    assert message in failure(repository)


def logic(repository, name: str = "user-api") -> str:
    """The address of the target that owns a service's logic."""
    field = repository.get_target(Address("services/user", target_name=name))[LogicField]
    return str(repository.request(ServiceLogic, [ServiceLogicRequest(field)]).address)


def test_a_logic_file_that_is_not_there_fails_its_service_alone(repository) -> None:
    edit(repository, "api_logic.py", "api_logc.py")
    message = (
        "names services/user/api_logc.py, which does not exist. Did you mean services/user/api_logic.py?"
    )
    with pytest.raises(ExecutionError, match=re.escape(message)):
        logic(repository)
    assert logic(repository, "user-rpc") == "services/user/rpc_logic.py:logic"
    assert spec(repository, "user-rpc")["callers"] == ["user-api"]


def test_a_logic_file_without_a_target(repository) -> None:
    edit(repository, 'python_sources(name="logic")', 'python_sources(name="logic", sources=["rpc_logic.py"])')
    with pytest.raises(ExecutionError, match="names services/user/api_logic.py, which no target owns"):
        logic(repository)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "api_logic.py:UserLogic",
            "api_logic.py",
            'class in it, such as "rpc_logic.py:UserLogic"',
        ),
        (
            "api_logic.py:UserLogic",
            "../user/api_logic.py:UserLogic",
            "in the BUILD file's folder or below",
        ),
        ("clients=", "port=80, clients=", "must be between 1024 and 65535"),
        ("clients=", "min_replicas=0, clients=", "must be at least 1"),
        ("clients=", 'http_server="nginx", clients=', "must be one of ['granian', 'uvicorn']"),
        ("clients=", 'image_base="python:3.12", clients=', "must name an image by digest"),
        ("clients=", "config={1: 2}, clients=", "dictionaries with string keys"),
        ("clients=", "prot=8080, clients=", "services/user/BUILD:6: Unrecognized field `prot=8080`"),
    ],
)
def test_a_wrong_field_names_its_target_and_what_is_wrong(
    repository, old: str, new: str, message: str
) -> None:
    edit(repository, old, new)
    with pytest.raises((ExecutionError, InvalidTargetException)) as error:
        repository.get_target(Address("services/user", target_name="user-api"))
    assert message in str(error.value)
