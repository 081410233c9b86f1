"""What depends on what: nothing of it is written in a BUILD file."""

from __future__ import annotations

from textwrap import dedent

import pytest
from pants.engine.addresses import Address

from pants_backend_zero.conftest import dependencies

LOGIC = {"target_name": "logic"}


def test_a_contract_depends_on_what_its_generated_code_imports(repository) -> None:
    assert dependencies(repository, Address("services/common/parts", relative_file_path="sort.api")) == {
        "3rdparty:msgspec",
        "runtime/zero_runtime/rest/__init__.py",
    }


def test_a_proto_depends_on_the_protos_it_imports(repository) -> None:
    found = dependencies(repository, Address("services/user", target_name="rpc"))
    assert "services/common/page.proto:rpc" in found
    assert {"runtime/zero_runtime/rpc/__init__.py", "3rdparty:protobuf", "3rdparty:grpcio"} <= found


def test_a_proto_without_services_does_not_depend_on_the_runtime(repository) -> None:
    """Parts of the runtime are generated from such protos."""
    address = Address("services/common", target_name="rpc", relative_file_path="page.proto")
    assert dependencies(repository, address) == {"3rdparty:protobuf", "3rdparty:grpcio"}


def test_an_api_depends_on_the_apis_it_imports(repository) -> None:
    assert dependencies(repository, Address("services/user", target_name="http")) == {
        "services/common/page.api:api",
        "3rdparty:msgspec",
        "runtime/zero_runtime/rest/__init__.py",
    }


def test_of_several_owners_of_an_imported_file_the_target_itself_chooses(repository, caplog) -> None:
    repository.write_files(
        {
            "services/common/BUILD": dedent("""\
                zero_api(name="one", source="page.api")
                zero_api(name="two", source="page.api")
                """),
            "services/shop/BUILD": dedent("""\
                zero_api(name="open", source="a.api")
                zero_api(name="chosen", source="a.api", dependencies=["!services/common:two"])
                """),
            "services/shop/a.api": 'import "../common/page.api"',
        }
    )
    found = dependencies(repository, Address("services/shop", target_name="open"))
    assert not any(address.startswith("services/common") for address in found)
    assert "services/shop:open imports `../common/page.api`, but Pants cannot safely infer" in caplog.text
    assert "services/common:one" in dependencies(repository, Address("services/shop", target_name="chosen"))


def test_of_several_owners_of_a_module_the_target_itself_chooses(repository, caplog) -> None:
    repository.write_files(
        {
            "other/BUILD": 'python_requirement(name="msgspec", requirements=["msgspec"])',
            "services/shop/BUILD": dedent("""\
                zero_api(name="open", source="a.api")
                zero_api(name="chosen", source="a.api", dependencies=["!other:msgspec"])
                """),
            "services/shop/a.api": "",
        }
    )
    assert dependencies(repository, Address("services/shop", target_name="open")) == {
        "runtime/zero_runtime/rest/__init__.py"
    }
    assert "services/shop:open imports `msgspec`, but Pants cannot safely infer" in caplog.text
    assert "3rdparty:msgspec" in dependencies(repository, Address("services/shop", target_name="chosen"))


def test_logic_depends_on_the_contracts_whose_modules_it_imports(repository) -> None:
    api = Address("services/user", relative_file_path="api_logic.py", **LOGIC)
    rpc = Address("services/user", relative_file_path="rpc_logic.py", **LOGIC)
    assert dependencies(repository, api) == {"services/user:http", "services/user:user-api"}
    assert dependencies(repository, rpc) == {"services/user:model", "services/user:rpc"}


@pytest.mark.parametrize(
    ("field", "contract", "package"),
    [("http_server='granian'", "http", "rest"), ("rpc_server='grpcio'", "rpc", "rpc")],
)
def test_a_service_depends_on_the_server_it_names(
    repository, field: str, contract: str, package: str
) -> None:
    repository.write_files(
        {
            "services/user/BUILD": dedent(f"""\
                zero_api(name="http", source="user.api")
                zero_rpc(name="rpc", source="user.proto")
                python_sources(name="logic")
                zero_service(name="a", serves=":{contract}", logic="rpc_logic.py:L")
                zero_service(name="b", serves=":{contract}", logic="rpc_logic.py:L", {field})
                """),
        }
    )
    default, named = (
        dependencies(repository, Address("services/user", target_name=name)) for name in ("a", "b")
    )
    assert default - named == {f"runtime/zero_runtime/{package}/__init__.py"}
    module = field.split("'")[1]
    assert named - default == {f"runtime/zero_runtime/{package}/{module}.py"}


def test_a_service_depends_on_its_contracts_its_logic_and_the_runtime(repository) -> None:
    assert dependencies(repository, Address("services/user", target_name="user-rpc")) == {
        "services/user:rpc",
        "services/user:model",
        "services/user/rpc_logic.py:logic",
        "runtime/zero_runtime/config.py",
        "runtime/zero_runtime/service.py",
        "runtime/zero_runtime/rpc/__init__.py",
    }
