"""What depends on what: nothing of it is written in a BUILD file."""

from __future__ import annotations

from textwrap import dedent

from pants.engine.addresses import Address

from pants_backend_zero.conftest import dependencies

LOGIC = {"target_name": "logic"}


def test_a_contract_depends_on_what_its_generated_code_imports(repository) -> None:
    assert dependencies(repository, Address("services/user", target_name="http")) == {
        "3rdparty:msgspec",
        "runtime/zero_runtime/rest.py",
    }


def test_a_proto_depends_on_the_protos_it_imports(repository) -> None:
    found = dependencies(repository, Address("services/user", target_name="rpc"))
    assert "services/common/page.proto" in found
    assert {"runtime/zero_runtime/rpc.py", "3rdparty:protobuf", "3rdparty:grpcio"} <= found


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
        "runtime/zero_runtime/rest.py"
    }
    assert "services/shop:open imports `msgspec`, but Pants cannot safely infer" in caplog.text
    assert "3rdparty:msgspec" in dependencies(repository, Address("services/shop", target_name="chosen"))


def test_logic_depends_on_the_contracts_whose_modules_it_imports(repository) -> None:
    api = Address("services/user", relative_file_path="api_logic.py", **LOGIC)
    rpc = Address("services/user", relative_file_path="rpc_logic.py", **LOGIC)
    assert dependencies(repository, api) == {"services/user:http", "services/user:user-api"}
    assert dependencies(repository, rpc) == {"services/user:model", "services/user:rpc"}


def test_a_service_depends_on_its_contracts_its_logic_and_the_runtime(repository) -> None:
    assert dependencies(repository, Address("services/user", target_name="user-rpc")) == {
        "services/user:rpc",
        "services/user:model",
        "services/user/rpc_logic.py:logic",
        "runtime/zero_runtime/config.py",
        "runtime/zero_runtime/service.py",
        "runtime/zero_runtime/rpc.py",
    }
