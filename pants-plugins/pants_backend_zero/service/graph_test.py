"""The service graph, and what users get wrong about it."""

from __future__ import annotations

import json
import re

import pytest
from pants.engine.addresses import Address
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.target import InvalidTargetException

from pants_backend_zero.conftest import dependencies, set_options
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
    (client,) = spec(repository, "user-api")["clients"]
    assert client == {
        "path": "services/user/user.proto",
        "source_root": "services",
        "service": "user-rpc",
        "port": 8080,
        "namespace": None,
    }


def test_a_server_learns_from_the_graph_who_calls_it(repository) -> None:
    assert spec(repository, "user-rpc")["callers"] == [{"service": "user-api", "namespace": None}]
    assert spec(repository, "user-api")["callers"] == []


def test_clients_and_servers_learn_each_others_namespace(repository) -> None:
    edit(repository, 'name="user-rpc", ', 'name="user-rpc", namespace="users", ')
    edit(repository, 'name="user-api", ', 'name="user-api", namespace="shop", ')
    assert spec(repository, "user-api")["clients"][0]["namespace"] == "users"
    assert spec(repository, "user-rpc")["callers"] == [{"service": "user-api", "namespace": "shop"}]


def test_a_contract_that_nobody_serves_here_is_found_by_configuration(repository) -> None:
    edit(
        repository,
        'zero_service(name="user-rpc"',
        'zero_service(name="other", logic="rpc_logic.py:L", serves=":http") #',
    )
    (client,) = spec(repository, "user-api")["clients"]
    assert client["service"] is None
    assert client["port"] is client["namespace"] is None


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


@pytest.mark.parametrize(
    ("field", "default", "other", "name", "wrong_name"),
    [
        ("http_server", "uvicorn", "granian", "user-api", "user-rpc"),
        ("rpc_server", "http2", "grpcio", "user-rpc", "user-api"),
    ],
)
def test_a_server_is_for_services_of_its_kind(
    repository, field: str, default: str, other: str, name: str, wrong_name: str
) -> None:
    assert spec(repository, name)[field] == default
    assert field not in spec(repository, wrong_name)
    edit(repository, f'name="{name}", ', f'name="{name}", {field}="{other}", ')
    assert spec(repository, name)[field] == other
    edit(repository, f'name="{wrong_name}", ', f'name="{wrong_name}", {field}="{default}", ')
    kind, wrong_kind = ("api", "rpc") if field == "http_server" else ("rpc", "api")
    contract = {"api": "services/user:http", "rpc": "services/user:rpc"}[wrong_kind]
    message = (
        f"The `{field}` field of services/user:{wrong_name} is for services that serve a `zero_{kind}`, and this one "
        f"serves {contract}, a `zero_{wrong_kind}`. Remove the field."
    )
    assert message in failure(repository, wrong_name)


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


def test_an_environment_is_the_service_with_other_fields(repository) -> None:
    there = (
        '{"staging": {"namespace": "shop-staging", "min_replicas": 1, "config": {"Log": {"Level": "debug"}}}, '
        '"bare": {}}'
    )
    edit(
        repository,
        'name="user-api", ',
        f'name="user-api", config={{"Timeout": 5}}, namespace="shop", environments={there}, ',
    )
    found = spec(repository, "user-api")
    environments = found.pop("environments")
    staging, bare = environments["staging"], environments["bare"]
    assert bare.pop("environments", {}) == {}
    assert bare == found
    different = {key: value for key, value in staging.items() if found[key] != value}
    assert different == {
        "namespace": "shop-staging",
        "replicas": {"min": 1, "max": 10},
        "config": {"Timeout": 5, "Log": {"Level": "debug"}},
    }


def test_in_an_environment_the_others_are_those_of_that_environment(repository) -> None:
    for name in "user-api", "user-rpc":
        there = '{"staging": {"namespace": "staging"}}'
        edit(repository, f'name="{name}", ', f'name="{name}", namespace="shop", environments={there}, ')
    client, server = spec(repository, "user-api"), spec(repository, "user-rpc")
    for found, namespace in ((lambda of: of, "shop"), (lambda of: of["environments"]["staging"], "staging")):
        assert found(client)["clients"][0]["namespace"] == namespace
        assert found(server)["callers"] == [{"service": "user-api", "namespace": namespace}]


def test_an_environment_that_a_service_does_not_have_calls_it_as_it_is_in_none(repository) -> None:
    there = '{"staging": {"namespace": "staging"}, "live": {"namespace": "live"}, "same": {}}'
    edit(repository, 'name="user-api", ', f'name="user-api", namespace="shop", environments={there}, ')
    there = '{"live": {"namespace": "live"}}'
    edit(repository, 'name="user-rpc", ', f'name="user-rpc", namespace="shop", environments={there}, ')
    client, server = spec(repository, "user-api"), spec(repository, "user-rpc")
    assert client["environments"]["staging"]["clients"][0]["namespace"] == "shop"
    assert [caller["namespace"] for caller in server["callers"]] == ["shop", "staging"]
    assert [caller["namespace"] for caller in server["environments"]["live"]["callers"]] == ["live"]


def test_a_job_works_on_the_tables_of_a_service(repository) -> None:
    edit(
        repository,
        'zero_service(name="user-api"',
        'zero_service(name="sweep", schedule="0 3 * * *", logic="rpc_logic.py:L", models=[":model"])\n'
        'zero_service(name="user-api"',
    )
    job = spec(repository, "sweep")
    assert (job["serves"], job["port"], job["callers"]) == (None, None, [])
    assert job["job"] == {"schedule": "0 3 * * *", "time_zone": None, "timeout": 3600, "retries": 0}
    assert job["tables_of"] == "user-rpc"
    assert spec(repository, "user-rpc")["tables_of"] is None


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


def logic(repository, name: str = "user-api") -> list[str]:
    """The addresses of the targets that own a service's logic."""
    field = repository.get_target(Address("services/user", target_name=name))[LogicField]
    return [
        str(address) for address in repository.request(ServiceLogic, [ServiceLogicRequest(field)]).addresses
    ]


def test_a_logic_file_that_is_not_there_fails_its_service_alone(repository) -> None:
    edit(repository, "api_logic.py", "api_logc.py")
    message = (
        "names services/user/api_logc.py, which does not exist. Did you mean services/user/api_logic.py?"
    )
    with pytest.raises(ExecutionError, match=re.escape(message)):
        logic(repository)
    assert logic(repository, "user-rpc") == ["services/user/rpc_logic.py:logic"]
    assert [caller["service"] for caller in spec(repository, "user-rpc")["callers"]] == ["user-api"]


def test_a_logic_file_without_a_target(repository) -> None:
    edit(repository, 'python_sources(name="logic")', 'python_sources(name="logic", sources=["rpc_logic.py"])')
    with pytest.raises(ExecutionError, match="names services/user/api_logic.py, which no target owns"):
        logic(repository)


def test_each_service_of_a_proto_may_have_a_class_of_its_own(repository) -> None:
    classes = {"User": "rpc_logic.py:UserLogic", "Admin": "admin/logic.py:AdminLogic"}
    edit(repository, '"rpc_logic.py:UserLogic"', str(classes))
    mistakes = (
        "names services/user/admin/logic.py, which does not exist.",
        "names services/user/rpc_logc.py, which does not exist. Did you mean services/user/rpc_logic.py?",
    )
    edit(repository, "rpc_logic.py", "rpc_logc.py")
    with pytest.raises(ExecutionError) as error:
        logic(repository, "user-rpc")
    assert all(mistake in str(error.value) for mistake in mistakes)
    edit(repository, "rpc_logc.py", "rpc_logic.py")
    repository.write_files(
        {"services/user/admin/BUILD": "python_sources()", "services/user/admin/logic.py": ""}
    )
    files = ["services/user/admin/logic.py", "services/user/rpc_logic.py:logic"]
    assert logic(repository, "user-rpc") == files
    assert dependencies(repository, Address("services/user", target_name="user-rpc")) >= {*files}
    assert spec(repository, "user-rpc")["logic"] == [
        {"service": "User", "module": "user.rpc_logic", "class": "UserLogic"},
        {"service": "Admin", "module": "user.admin.logic", "class": "AdminLogic"},
    ]
    assert spec(repository, "user-api")["logic"] == [
        {"service": None, "module": "user.api_logic", "class": "UserLogic"}
    ]


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
        (
            '"api_logic.py:UserLogic"',
            '{"A": "a.py", "B": "b.py:B", "C": ":C"}',
            """such as "rpc_logic.py:UserLogic", but was 'a.py' for `A` and ':C' for `C`.""",
        ),
        (
            '"api_logic.py:UserLogic"',
            '{"A": "a.py:L", "B": "a.py:L"}',
            "names a.py:L for several services",
        ),
        ('"api_logic.py:UserLogic"', "{}", "must be a class, or a dictionary from the services"),
        ('"api_logic.py:UserLogic"', '{"A": 1}', "must be a class, or a dictionary from the services"),
        ("clients=", "port=80, clients=", "must be between 1024 and 65535"),
        ("clients=", "min_replicas=0, clients=", "must be at least 1"),
        ("clients=", 'http_server="nginx", clients=', "must be one of ['granian', 'uvicorn']"),
        ("clients=", 'rpc_server="grpc", clients=', "must be one of ['grpcio', 'http2']"),
        ("clients=", 'image_base="python:3.12", clients=', "must name an image by digest"),
        ("clients=", "config={1: 2}, clients=", "dictionaries with string keys"),
        (
            "clients=",
            'environments={"staging": {"namespce": "a"}}, clients=',
            "sets `namespce` for 'staging', which is no field that may differ. Did you mean `namespace`?",
        ),
        ("clients=", 'environments={"My Shop": {}}, clients=', "has an environment 'My Shop'"),
        ("clients=", 'environments={"staging": 1}, clients=', "must give fields by name for 'staging'"),
        (
            "clients=",
            'environments={"staging": {"min_replicas": 0}}, clients=',
            "The `min_replicas` field of services/user:user-api must be at least 1, but was 0. This is in "
            "`environments`, for 'staging'.",
        ),
        (
            "clients=",
            'kubernetes_format="jsonnet", clients=',
            "must be one of ['helm', 'kustomize', 'manifest']",
        ),
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
