"""A repository with a user service in it, for the tests of the backend."""

from __future__ import annotations

import subprocess
from textwrap import dedent

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as inference_rules
from pants.backend.python.target_types import PythonRequirementTarget, PythonSourcesGeneratorTarget
from pants.backend.python.util_rules import pex_from_targets, python_sources
from pants.core.goals import package, run, tailor
from pants.core.goals.tailor import PutativeTargets
from pants.core.target_types import rules as core_target_types_rules
from pants.core.util_rules import system_binaries
from pants.core.util_rules.partitions import Partitions
from pants.engine.addresses import Address, Addresses
from pants.engine.fs import Digest, DigestContents, Snapshot
from pants.engine.target import AllTargets, Dependencies, DependenciesRequest
from pants.testutil.rule_runner import PYTHON_BOOTSTRAP_ENV, QueryRule, RuleRunner

from pants_backend_zero import register
from pants_backend_zero.api.fmt import ApiFormatRequest
from pants_backend_zero.api.lint import ApiLintRequest
from pants_backend_zero.codegen import (
    ContractProgram,
    ContractProgramRequest,
    GeneratedContract,
    GeneratedContractRequest,
)
from pants_backend_zero.contracts import AllContracts
from pants_backend_zero.model.migrate import MigrationProgram, MigrationRequest
from pants_backend_zero.rpc.breaking.revision import Revision, RevisionRequest
from pants_backend_zero.rpc.lint import RpcLintRequest
from pants_backend_zero.service.graph import (
    ServiceGraph,
    ServiceReferences,
    ServiceReferencesRequest,
    ServiceSpec,
    ServiceSpecRequest,
)
from pants_backend_zero.service.logic import (
    CheckedService,
    CheckedServiceRequest,
    ServiceLogic,
    ServiceLogicRequest,
)
from pants_backend_zero.tailor import PutativeContractTargetsRequest

RUNTIME_MODULES = (
    "config",
    "job",
    "service",
    "rest/__init__",
    "rest/granian",
    "rpc/__init__",
    "rpc/grpcio",
    "model",
)


@pytest.fixture
def repository() -> RuleRunner:
    runner = RuleRunner(
        rules=[
            *register.rules(),
            *target_types_rules.rules(),
            *inference_rules.rules(),
            *pex_from_targets.rules(),
            *python_sources.rules(),
            *run.rules(),
            *package.rules(),
            *system_binaries.rules(),
            *tailor.rules(),
            *core_target_types_rules(),
            QueryRule(Addresses, [DependenciesRequest]),
            QueryRule(AllContracts, []),
            QueryRule(AllTargets, []),
            QueryRule(Snapshot, [Digest]),
            QueryRule(ContractProgram, [ContractProgramRequest]),
            QueryRule(GeneratedContract, [GeneratedContractRequest]),
            QueryRule(Partitions, [ApiFormatRequest.PartitionRequest]),
            QueryRule(Partitions, [ApiLintRequest.PartitionRequest]),
            QueryRule(Partitions, [RpcLintRequest.PartitionRequest]),
            QueryRule(Revision, [RevisionRequest]),
            QueryRule(MigrationProgram, [MigrationRequest]),
            QueryRule(DigestContents, [Digest]),
            QueryRule(ServiceGraph, []),
            QueryRule(PutativeTargets, [PutativeContractTargetsRequest]),
            QueryRule(ServiceReferences, [ServiceReferencesRequest]),
            QueryRule(ServiceSpec, [ServiceSpecRequest]),
            QueryRule(ServiceLogic, [ServiceLogicRequest]),
            QueryRule(CheckedService, [CheckedServiceRequest]),
        ],
        target_types=[
            *register.target_types(),
            PythonSourcesGeneratorTarget,
            PythonRequirementTarget,
        ],
    )
    set_options(runner)
    runner.write_files(
        {
            "3rdparty/BUILD": dedent("""\
                python_requirement(name="msgspec", requirements=["msgspec"])
                python_requirement(name="protobuf", requirements=["protobuf"], modules=["google.protobuf"])
                python_requirement(name="grpcio", requirements=["grpcio"], modules=["grpc"])
                """),
            "runtime/zero_runtime/BUILD": "python_sources()",
            "runtime/zero_runtime/rest/BUILD": "python_sources()",
            "runtime/zero_runtime/rpc/BUILD": "python_sources()",
            **{f"runtime/zero_runtime/{module}.py": "" for module in RUNTIME_MODULES},
            "services/user/BUILD": dedent("""\
                zero_api(name="http", source="user.api")
                zero_rpc(name="rpc", source="user.proto")
                zero_model(name="model", source="user.sql")
                python_sources(name="logic")
                zero_service(name="user-rpc", serves=":rpc", logic="rpc_logic.py:UserLogic", models=[":model"])
                zero_service(name="user-api", serves=":http", logic="api_logic.py:UserLogic", clients=[":rpc"])
                """),
            "services/user/user.api": 'import "../common/page.api"\nservice User {}',
            "services/user/user.proto": 'syntax = "proto3"; import "common/page.proto"; service User {}',
            "services/user/user.sql": "",
            "services/user/api_logic.py": dedent("""\
                from user.user_api import UserApi
                from user.user_api_service import Context
                """),
            "services/user/rpc_logic.py": "from user.user_model import User\nfrom user import user_pb2",
            "services/common/BUILD": 'zero_rpcs(name="rpc")\nzero_apis(name="api")',
            "services/common/page.proto": 'syntax = "proto3";',
            "services/common/page.api": 'import (\n\t"parts/sort.api" // a part\n)\n',
            "services/common/parts/BUILD": "zero_apis()",
            "services/common/parts/sort.api": "",
        }
    )
    return runner


@pytest.fixture
def committed(repository: RuleRunner) -> RuleRunner:
    """The same, as the first commit of a branch `main`."""
    git(repository, "init", "--initial-branch=main")
    git(repository, "add", "services", "runtime")
    git(repository, "commit", "--message=first")
    return repository


def git(repository: RuleRunner, *argv: str) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *argv], cwd=repository.build_root, check=True, capture_output=True)


def set_options(runner: RuleRunner, *options: str) -> None:
    runner.set_options(
        ["--source-root-patterns=['/services', '/runtime', '/']", "--python-infer-use-rust-parser", *options],
        env_inherit=PYTHON_BOOTSTRAP_ENV,
    )


def dependencies(runner: RuleRunner, address: Address) -> set[str]:
    target = runner.get_target(address)
    return {str(found) for found in runner.request(Addresses, [DependenciesRequest(target[Dependencies])])}
