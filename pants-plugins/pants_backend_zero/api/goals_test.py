"""What `fmt` and `lint` work on; what they find is `zero_codegen`'s, and tested there."""

from __future__ import annotations

from pants.core.util_rules.partitions import Partitions
from pants.engine.target import AllTargets

from pants_backend_zero.api.fmt import ApiFormatFieldSet, ApiFormatRequest
from pants_backend_zero.api.lint import ApiLintFieldSet, ApiLintRequest
from pants_backend_zero.conftest import set_options

BUILD = """
zero_apis(name="checked", sources=["a.api", "b.api"])
zero_apis(name="skipped", sources=["c.api"], skip_zero_api_format=True, skip_zero_api_lint=True)
"""


def partitions(repository, request_type, field_set_type) -> list[tuple]:
    """What each process works on, and the description of its part."""
    repository.write_files({"shop/BUILD": BUILD, "shop/a.api": "", "shop/b.api": "", "shop/c.api": ""})
    targets = [
        target for target in repository.request(AllTargets, []) if field_set_type.is_applicable(target)
    ]
    field_sets = tuple(field_set_type.create(target) for target in targets)
    found = repository.request(Partitions, [request_type.PartitionRequest(field_sets)])
    return [(partition.elements, partition.metadata.description) for partition in found]


def test_lint_has_a_process_for_each_folder(repository) -> None:
    found = partitions(repository, ApiLintRequest, ApiLintFieldSet)
    assert [(description, [str(each.address) for each in elements]) for elements, description in found] == [
        ("services/common", ["services/common/page.api:api"]),
        ("services/common/parts", ["services/common/parts/sort.api"]),
        ("services/user", ["services/user:http"]),
        ("shop", ["shop/a.api:checked", "shop/b.api:checked"]),
    ]
    set_options(repository, "--zero-api-lint-skip")
    assert partitions(repository, ApiLintRequest, ApiLintFieldSet) == []


def test_fmt_has_one_process(repository) -> None:
    ((paths, _),) = partitions(repository, ApiFormatRequest, ApiFormatFieldSet)
    assert paths == (
        "services/common/page.api",
        "services/common/parts/sort.api",
        "services/user/user.api",
        "shop/a.api",
        "shop/b.api",
    )
    set_options(repository, "--zero-api-format-skip")
    assert partitions(repository, ApiFormatRequest, ApiFormatFieldSet) == []
