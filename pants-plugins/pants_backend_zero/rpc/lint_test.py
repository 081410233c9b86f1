"""What `lint` works on; what is wrong with protos buf finds, and tests/breaking_test.py that it does."""

from __future__ import annotations

from pants.core.util_rules.partitions import Partitions
from pants.engine.target import AllTargets

from pants_backend_zero.conftest import set_options
from pants_backend_zero.rpc.lint import RpcLintFieldSet, RpcLintRequest


def partitions(repository) -> list[tuple]:
    """The contracts of each process, and its description."""
    targets = [
        target for target in repository.request(AllTargets, []) if RpcLintFieldSet.is_applicable(target)
    ]
    field_sets = tuple(RpcLintFieldSet.create(target) for target in targets)
    found = repository.request(Partitions, [RpcLintRequest.PartitionRequest(field_sets)])
    return [
        (sorted(str(each.address) for each in partition.elements), partition.metadata.description)
        for partition in found
    ]


def test_all_contracts_are_checked_together(repository) -> None:
    repository.write_files(
        {
            "services/shop/BUILD": 'zero_rpcs(name="rpc", skip_zero_rpc_lint=True)',
            "services/shop/shop.proto": 'import "common/page.proto";',
        }
    )
    assert partitions(repository) == [(["services/common/page.proto:rpc", "services/user:rpc"], None)]
    set_options(repository, "--zero-rpc-lint-skip")
    assert partitions(repository) == []


def test_files_of_one_path_in_imports_are_checked_apart(repository) -> None:
    repository.write_files({"runtime/user/BUILD": "zero_rpcs()", "runtime/user/user.proto": ""})
    assert partitions(repository) == [
        (["runtime/user/user.proto", "services/common/page.proto:rpc"], "with runtime/user/user.proto"),
        (["services/user:rpc"], "with services/user/user.proto"),
    ]
