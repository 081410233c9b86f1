"""What users get wrong, through `./pants` itself: one clear message with its place, exit status 1, no traceback."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest

from tests.repository import Repository


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    repository = Repository(tmp_path_factory.mktemp("repository"))
    yield repository
    repository.stop()


@pytest.fixture
def repository(original: Repository) -> Iterator[Repository]:
    yield original
    for part in ("services", "BUILD"):
        target = original.root / part
        if target.is_dir():
            shutil.rmtree(target)
            shutil.copytree(part, target)
        else:
            shutil.copy2(part, target)


def test_a_wrong_api(repository: Repository) -> None:
    """Both mistakes at once, each with its place, its line and a hint; the neighbours are fine."""
    repository.edit("services/user/user.api", "Mobile   string", "Mobile   strng")
    repository.edit("services/user/user.api", "(RegisterRequest)", "(RegisterReqest)")
    output = repository.refused("export-codegen", "services/user:http").stderr
    assert "services/user/user.api:4:12: " in output
    assert "did you mean `string`?" in output
    assert re.search(r"services/user/user\.api:43:\d+: ", output)
    assert "did you mean `RegisterRequest`?" in output
    assert repository.pants("export-codegen", "services/user:rpc").returncode == 0


def test_a_wrong_setting_of_an_api(repository: Repository) -> None:
    """`lint` finds what code generation would refuse."""
    repository.edit("services/user/user.api", "jwt: Auth", "jtw: Auth")
    output = repository.refused("lint", "--only=zero-api-lint", "services/user:").stderr
    assert "services/user/user.api:47:2: " in output
    assert "did you mean `jwt`?" in output
    assert "zero-api-lint failed" in output


def test_an_import_of_a_file_without_a_target(repository: Repository) -> None:
    repository.write("services/user/part.api", "type Part {}\n")
    repository.edit("services/user/user.api", "type (", 'import "part.api"\n\ntype (')
    output = repository.refused("export-codegen", "services/user:http").stderr
    assert "services/user/user.api:1:8: `services/user/part.api` " in output
    assert "run `./pants tailor ::`" in output


def test_an_api_in_another_layout(repository: Repository) -> None:
    """`lint` tells of it, `fmt` repairs it; what does not parse stays as it is, and keeps nobody else from it."""
    layout = (repository.root / "services/common/page.api").read_text()
    repository.write("services/common/page.api", layout.replace("\t", "  "))
    broken = "type Broken {\n"
    repository.write("services/user/user.api", broken)
    formatter = ("--only=zero-api-format", "services/common:", "services/user:")
    output = repository.refused("lint", *formatter).stderr
    assert "services/common/page.api" in output
    assert "zero-api-format failed" in output
    result = repository.pants("fmt", *formatter)
    assert "Not formatted, for it does not parse: services/user/user.api:1:14: " in result.stderr
    assert (repository.root / "services/common/page.api").read_text() == layout
    assert (repository.root / "services/user/user.api").read_text() == broken


def test_a_wrong_proto(repository: Repository) -> None:
    repository.edit("services/user/user.proto", "(LoginRequest)", "(LoginReqest)")
    output = repository.refused("export-codegen", "services/user:rpc").stderr
    assert "services/user/user.proto:8:13: `LoginReqest` is not defined" in output
    assert "did you mean `LoginRequest`?" in output


def test_a_wrong_sql(repository: Repository) -> None:
    repository.edit("services/user/user.sql", "KEY `uniq_mobile` (`mobile`)", "KEY `uniq_mobile` (`mobil`)")
    output = repository.refused("export-codegen", "services/user:model").stderr
    assert re.search(r"services/user/user\.sql:10:\d+: .*`mobil`", output)
    assert "did you mean `mobile`?" in output


def test_a_wrong_build_field(repository: Repository) -> None:
    repository.edit("services/user/BUILD", "clients=", "client=")
    output = repository.refused("list", "services/user:").stderr
    assert re.search(r"services/user/BUILD:\d+: Unrecognized field `client=", output)


def test_a_wrong_value_of_a_build_field(repository: Repository) -> None:
    repository.edit("services/user/BUILD", ":UserLogic", ":UserLogik")
    output = repository.refused("package", "services/user:user-rpc").stderr
    assert "services/user/rpc_logic.py: there is no class `UserLogik`" in output
    assert "did you mean `UserLogic`?" in output


def test_logic_that_lacks_a_handler(repository: Repository) -> None:
    """A handler that is new in the contract is missed when the service is built, not when it starts."""
    repository.edit(
        "services/user/user.api",
        "@handler Login\n",
        "@handler Logout\n\tpost /api/user/logout ()\n\n\t@handler Login\n",
    )
    output = repository.refused("package", "services/user:user-api").stderr
    assert re.search(r"services/user/api_logic\.py:\d+:1: `UserLogic` does not implement `logout`", output)
    assert "add `async def logout(self) -> None`" in output


def test_logic_that_lacks_a_middleware(repository: Repository) -> None:
    repository.edit("services/user/user.api", "jwt: Auth", "jwt: Auth\n\tmiddleware: Audit")
    output = repository.refused("package", "services/user:user-api").stderr
    assert re.search(
        r"services/user/api_logic\.py:\d+:1: `UserLogic` does not implement `audit_middleware`", output
    )
    assert "add `async def audit_middleware(self, request: rest.Request, proceed: rest.Endpoint)" in output


def test_a_server_for_a_service_that_is_no_http_service(repository: Repository) -> None:
    repository.edit("services/user/BUILD", "models=", 'http_server="granian", models=')
    output = repository.refused("package", "services/user:user-rpc").stderr
    assert "`http_server` field of services/user:user-rpc is for services that serve a `zero_api`" in output


def test_a_server_for_a_service_that_is_no_rpc_service(repository: Repository) -> None:
    repository.edit("services/user/BUILD", "clients=", 'rpc_server="grpcio", clients=')
    output = repository.refused("package", "services/user:user-api").stderr
    assert "`rpc_server` field of services/user:user-api is for services that serve a `zero_rpc`" in output


def test_a_wrong_key_of_the_configuration(repository: Repository) -> None:
    repository.edit("services/user/BUILD", "clients=", 'config={"Timout": 5}, clients=')
    output = repository.refused("package", "services/user:user-api").stderr
    assert "services/user:user-api: " in output
    assert "did you mean `Timeout`?" in output
