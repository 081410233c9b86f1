import json
from pathlib import Path
from typing import Any

import pytest

from zero_codegen.diagnostics import ContractError
from zero_codegen.service.conftest import Specify
from zero_codegen.service.spec import Spec, read_digest, read_spec


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "spec.json"


def refused(file: Path, spec: Any) -> list[str]:
    file.write_text(json.dumps(spec))
    with pytest.raises(ContractError) as caught:
        read_spec(file)
    return [diagnostic.render() for diagnostic in caught.value.diagnostics]


def read(file: Path, spec: Any) -> Spec:
    file.write_text(json.dumps(spec))
    return read_spec(file)


def test_names_modules_after_the_service(file: Path, specify: Specify) -> None:
    spec = read(file, specify("user-api"))
    assert spec.module("_main") == "user.user_api_main"
    assert spec.output("_service") == "user/user_api_service.py"


@pytest.mark.parametrize(("directory", "source_root"), [(".", "."), ("", ""), ("services", "services")])
def test_a_service_in_its_source_root_has_no_package(
    file: Path, specify: Specify, directory: str, source_root: str
) -> None:
    spec = read(file, specify("user-api", directory=directory, source_root=source_root))
    assert spec.module("_main") == "user_api_main"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "User_API"}, "a service cannot be named `User_API`"),
        ({"name": "9lives"}, "name it `lives`"),
        ({"name": "a" * 64}, "63 characters at most"),
        ({"namespace": "My-Shop"}, "`namespace`: `My-Shop` is not a name Kubernetes takes"),
        ({"namespace": "my.shop"}, "`namespace`: `my.shop` is not a name Kubernetes takes"),
        (
            {"directory": "services/my-user"},
            "the folder name `my-user` cannot be part of a Python module name",
        ),
        ({"directory": "services/class"}, "the folder name `class` cannot be part of a Python module name"),
        ({"image_repository": "shop/user-api:1.0"}, "is not the name of an image repository"),
        ({"image_repository": "Shop/user-api"}, "is not the name of an image repository"),
        ({"env": {"NO-DASH": "1"}}, "`env`: `NO-DASH` is not the name of an environment variable"),
        ({"priority_class": "High"}, "`priority_class`: `High` is not a name Kubernetes takes"),
        ({"image_pull_secrets": ["a", "b_"]}, "`image_pull_secrets`: `b_` is not a name Kubernetes takes"),
        ({"annotations": {"a b": "x"}}, "`annotations`: `a b` is not a key Kubernetes takes"),
        ({"service_account_annotations": {"/a": "x"}}, "`service_account_annotations`: `/a` is not a key"),
        ({"node_selector": {"a/b/c": "x"}}, "`node_selector`: `a/b/c` is not a key Kubernetes takes"),
        ({"node_selector": {"arch": "x y"}}, "`node_selector`: `arch` cannot be `x y`"),
        (
            {"hostnames": ["https://shop.example.com"], "gateway": "g"},
            "`hostnames`: `https://shop.example.com` is not the name of a host",
        ),
        ({"hostnames": ["shop.example.com"]}, "`hostnames`: the route needs a Gateway to belong to"),
        ({"gateway": "a/b/c"}, "`gateway`: `a/b/c` is not the name of a Gateway"),
        ({"gateway": "/b"}, "`gateway`: `/b` is not the name of a Gateway"),
        ({"port": 0}, "`port`: 0 is not a TCP port"),
        ({"egress_ports": [443, 70000]}, "`egress_ports`: 70000 is not a TCP port"),
        ({"replicas": {"min": 0, "max": 1}}, "`min_replicas`: 0 is less than 1"),
        ({"replicas": {"min": 3, "max": 2}}, "`min_replicas`: 3 is more than `max_replicas`, 2"),
        (
            {"resources": {"cpu_request": "0", "memory": "1Gi", "cpu_limit": None}},
            "`cpu_request`: `0` is not an amount of CPU",
        ),
        (
            {"resources": {"cpu_request": "1", "memory": "1GB", "cpu_limit": None}},
            "`memory`: `1GB` is not an amount of memory",
        ),
        (
            {"resources": {"cpu_request": "1", "memory": "256", "cpu_limit": None}},
            "`memory`: `256` is not an amount of memory",
        ),
        (
            {"resources": {"cpu_request": "1", "memory": "1Gi", "cpu_limit": "500m"}},
            "`cpu_request`: `1` is more than `cpu_limit`, `500m`",
        ),
    ],
)
def test_refuses_a_wrong_value_at_the_target(
    file: Path, specify: Specify, changes: dict[str, Any], message: str
) -> None:
    (diagnostic,) = refused(file, specify("user-api", **changes))
    assert diagnostic.startswith("services/user:user-api: ")
    assert message in diagnostic


def test_lists_all_wrong_values(file: Path, specify: Specify) -> None:
    assert len(refused(file, specify("user-api", name="User", port=-1, env={"": ""}, namespace="-"))) == 4


def test_an_environment_is_checked_as_well_and_named(file: Path, specify: Specify) -> None:
    there = specify("user-api", port=-1, namespace="My-Shop")
    assert refused(file, specify("user-api", port=-1, environments={"staging": there})) == [
        "services/user:user-api: `port`: -1 is not a TCP port (1 to 65535)",
        "services/user:user-api: in `staging`: `namespace`: `My-Shop` is not a name Kubernetes takes",
    ]


def test_a_job_needs_no_port_and_has_no_route(file: Path, specify: Specify) -> None:
    assert read(file, specify("order-sweep")).kind == "job"
    (mistake,) = refused(file, specify("order-sweep", hostnames=["a.example.com"], gateway="g"))
    assert "`hostnames`: a job serves nothing that a route could lead to" in mistake


@pytest.mark.parametrize(
    ("spec", "diagnostic"),
    [
        ({"address": "a:b"}, "a:b: Object missing required field `name`"),
        ({"name": 1, "address": "a:b"}, "a:b: Expected `str`, got `int` - at `$.name`"),
        ([], "Expected `object`, got `array`"),
    ],
)
def test_refuses_another_shape(file: Path, spec: Any, diagnostic: str) -> None:
    (found,) = refused(file, spec)
    assert found.endswith(diagnostic)


def test_refuses_an_unknown_member(file: Path, specify: Specify) -> None:
    assert refused(file, specify("user-api", ports=[80])) == [
        "services/user:user-api: Object contains unknown field `ports`"
    ]


def test_refuses_what_is_not_json(file: Path) -> None:
    file.write_text("{")
    with pytest.raises(ContractError, match=r"spec\.json: Input data was truncated"):
        read_spec(file)


@pytest.mark.parametrize("cpu", ["1", "0.5", "1.250", "250m"])
@pytest.mark.parametrize("memory", ["268435456", "256Mi", "1Gi", "500M"])
@pytest.mark.parametrize("repository", ["user", "localhost:5000/user", "registry.example.com/a/b__c/d-e.f"])
def test_takes_what_kubernetes_takes(
    file: Path, specify: Specify, cpu: str, memory: str, repository: str
) -> None:
    resources = {"cpu_request": cpu, "memory": memory, "cpu_limit": None}
    spec = read(file, specify("user-api", resources=resources, image_repository=repository))
    assert (spec.resources.cpu_request, spec.resources.memory, spec.image_repository) == (
        cpu,
        memory,
        repository,
    )


def test_reads_the_digest_among_whatever_describes_an_image(tmp_path: Path) -> None:
    digest = f"sha256:{'0a' * 32}"
    (tmp_path / "image.json").write_text(json.dumps({"size": 1, "digest": digest}))
    assert read_digest(tmp_path / "image.json") == digest
