"""What the fields of a model tell the generator."""

from __future__ import annotations

import json
import re

import pytest
from pants.engine.addresses import Address
from pants.engine.fs import DigestContents
from pants.engine.internals.scheduler import ExecutionError

from pants_backend_zero.codegen import (
    ContractProgram,
    ContractProgramRequest,
    GeneratedContract,
    GeneratedContractRequest,
)
from pants_backend_zero.conftest import dependencies
from pants_backend_zero.contracts import AllContracts
from pants_backend_zero.service.graph import ServiceSpec, ServiceSpecRequest

MODEL = Address("services/user", target_name="model")
ORDER = Address("services/user", target_name="more", relative_file_path="order.sql")
BUILD = """
__defaults__({(zero_model, zero_models): dict(version_column="version")})
zero_rpc(name="rpc", source="user.proto")
zero_model(
    name="model",
    source="user.sql",
    dialect="postgresql",
    cached=["*"],
    types={
        "user.gender": "user.kinds:Gender",
        "user.items": "list[user.things:Item]",
        "user.address": "ipaddress:ip_address",
        "user.flag": "bool",
    },
    soft_delete_column="deleted_at",
)
zero_models(name="more", sources=["o*.sql"], dialect="sqlite", overrides={"odd.sql": {"dialect": "mysql"}})
python_sources(name="logic")
zero_service(name="user-rpc", serves=":rpc", logic="rpc_logic.py:UserLogic", models=[":model", ":more"])
"""
USER = {
    "dialect": "postgresql",
    "cached": ["*"],
    "types": {
        "user.gender": "user.kinds:Gender",
        "user.items": "list[user.things:Item]",
        "user.address": "ipaddress:ip_address",
        "user.flag": "bool",
    },
    "version_column": "version",
    "soft_delete_column": "deleted_at",
}


@pytest.fixture
def models(repository):
    files = dict.fromkeys(("user.sql", "order.sql", "odd.sql"), "")
    files.update({"kinds.py": "class Gender: ...", "things.py": "class Item: ..."})
    repository.write_files(
        {f"services/user/{name}": text for name, text in {**files, "BUILD": BUILD}.items()}
    )
    return repository


def test_they_go_to_the_generator(models) -> None:
    program = models.request(ContractProgram, [ContractProgramRequest((MODEL, ORDER))])
    assert program.arguments[:2] == ("--settings=__settings.json", "--source-root=services")
    files = {file.path: file.content for file in models.request(DigestContents, [program.digest])}
    assert json.loads(files["__settings.json"]) == {
        "services/user/user.sql": USER,
        "services/user/order.sql": {"dialect": "sqlite", "version_column": "version"},
    }


def test_a_contract_without_any_needs_none(repository) -> None:
    program = repository.request(ContractProgram, [ContractProgramRequest((MODEL,))])
    assert program.arguments == ("--source-root=services", "services/user/user.sql")


def test_they_go_to_services(models) -> None:
    spec = models.request(ServiceSpec, [ServiceSpecRequest(Address("services/user", target_name="user-rpc"))])
    settings = {model["path"]: model["settings"] for model in json.loads(spec.json)["models"]}
    assert settings["services/user/user.sql"] == USER
    assert settings["services/user/odd.sql"] == {"dialect": "mysql", "version_column": "version"}


def test_modules_that_types_name_are_dependencies(models) -> None:
    assert {"services/user/kinds.py:logic", "services/user/things.py:logic"} < dependencies(models, MODEL)
    assert not any("logic" in address for address in dependencies(models, ORDER))


def test_a_module_that_nobody_has(models) -> None:
    models.write_files({"services/user/BUILD": BUILD.replace("user.kinds", "user.kind")})
    with pytest.raises(
        ExecutionError,
        match=r"services/user:model imports user\.kind, and no target.*Did you mean `user\.kinds`\?",
    ):
        dependencies(models, MODEL)


def test_a_class_that_the_module_lacks(models) -> None:
    models.write_files({"services/user/BUILD": BUILD.replace("kinds:Gender", "kinds:Gendre")})
    with pytest.raises(ExecutionError, match=r"services/user/kinds\.py: there is no `Gendre`\n.*`Gender`\?"):
        dependencies(models, MODEL)


def test_an_unknown_dialect(models) -> None:
    models.write_files({"services/user/BUILD": BUILD.replace("postgresql", "postgres")})
    with pytest.raises(ExecutionError, match="`postgres`|'postgres'"):
        models.request(AllContracts, [])


def test_owners_of_one_file_have_to_agree(models) -> None:
    models.write_files(
        {"services/user/BUILD": BUILD + 'zero_model(name="twin", source="user.sql", cached=["*"])'}
    )
    contracts = models.request(AllContracts, [])
    with pytest.raises(
        ExecutionError,
        match=re.escape(
            "services/user:model and services/user:twin both own services/user/user.sql and differ in "
            "`dialect`, `soft_delete_column`, `types`. One module"
        ),
    ):
        models.request(GeneratedContract, [GeneratedContractRequest(MODEL)])
    contracts.check_settings(contracts.by_address[ORDER])
