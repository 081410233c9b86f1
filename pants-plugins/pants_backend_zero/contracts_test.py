"""What is generated from a contract, and what the generator is given for it."""

from __future__ import annotations

import pytest
from pants.engine.addresses import Address
from pants.engine.fs import Snapshot

from pants_backend_zero.api.target_types import API
from pants_backend_zero.codegen import ContractProgram, ContractProgramRequest
from pants_backend_zero.rpc.target_types import RPC

HTTP = Address("services/user", target_name="http")
PAGE = Address("services/common", target_name="api", relative_file_path="page.api")
SORT = Address("services/common/parts", relative_file_path="sort.api")


def test_files_and_modules() -> None:
    assert API.outputs("user/user-v1.api") == ("user/user_v1_api.py", "user/user_v1_api.openapi.json")
    assert list(API.modules("user/user-v1.api")) == ["user.user_v1_api"]
    assert list(RPC.modules("user.proto")) == ["user_pb2", "user_pb2_grpc", "user_rpc"]


def test_a_contract_goes_to_the_generator_with_all_that_it_imports(repository) -> None:
    program = repository.request(ContractProgram, [ContractProgramRequest((HTTP,))])
    assert program.arguments == ("--source-root=services", "services/user/user.api")
    assert program.paths == ("services/user/user.api",)
    assert set(repository.request(Snapshot, [program.digest]).files) == {
        "services/user/user.api",
        "services/common/page.api",
        "services/common/parts/sort.api",
    }


def test_the_generator_learns_which_contracts_others_import(repository) -> None:
    program = repository.request(ContractProgram, [ContractProgramRequest((SORT, PAGE))])
    assert program.arguments == (
        "--source-root=services",
        "--imported=services/common/page.api",
        "--imported=services/common/parts/sort.api",
        "services/common/page.api",
        "services/common/parts/sort.api",
    )


def test_protos_are_never_parts_of_others(repository) -> None:
    address = Address("services/common", target_name="rpc", relative_file_path="page.proto")
    program = repository.request(ContractProgram, [ContractProgramRequest((address,))])
    assert program.arguments == ("--source-root=services", "services/common/page.proto")


@pytest.mark.parametrize("dependencies", [[], ["services/common:two"], ["!services/common:two"]])
def test_a_file_of_several_owners_goes_to_the_generator_once(repository, dependencies) -> None:
    repository.write_files(
        {
            "services/common/BUILD": 'zero_api(name="one", source="page.api")\nzero_api(name="two", source="page.api")',
            "services/user/BUILD": f'zero_api(name="http", source="user.api", dependencies={dependencies})',
        }
    )
    program = repository.request(ContractProgram, [ContractProgramRequest((HTTP,))])
    assert "services/common/page.api" in repository.request(Snapshot, [program.digest]).files
    one = Address("services/common", target_name="one")
    program = repository.request(ContractProgram, [ContractProgramRequest((one,))])
    assert "--imported=services/common/page.api" in program.arguments


def test_of_several_protos_of_a_path_the_named_one_goes_to_the_generator(repository) -> None:
    repository.write_files(
        {
            "runtime/common/page.proto": "",
            "runtime/common/BUILD": 'zero_rpc(name="rpc", source="page.proto")',
            "services/user/BUILD": 'zero_rpc(name="rpc", source="user.proto", dependencies=["runtime/common:rpc"])',
        }
    )
    program = repository.request(
        ContractProgram, [ContractProgramRequest((Address("services/user", target_name="rpc"),))]
    )
    assert set(repository.request(Snapshot, [program.digest]).files) == {
        "services/user/user.proto",
        "runtime/common/page.proto",
    }
