"""Contracts through `./pants`, buf and git: what `lint` tells of them, and what breaks those who call them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.repository import Repository

MONEY = 'syntax = "proto3";\n\npackage common;\n\nmessage Money {\n  int64 amount = 1;\n}\n'

STOCK = """\
syntax = "proto3";

package stock;

import "common/money.proto";

// What is for sale.
service Stock {
  rpc Price(PriceRequest) returns (common.Money);
  rpc Order(OrderRequest) returns (common.Money);
}

message PriceRequest {
  string name = 1;
}

message OrderRequest {
  string name = 1;
  int32 number = 2;
}

// Of no use to anybody.
message Unused {}
"""

EXTRA = 'syntax = "proto3";\n\npackage stock;\n\nmessage Delivery {\n  string address = 1;\n}\n'

BUILD = """\
zero_rpc(name="rpc", source="stock.proto")
zero_rpc(name="extra", source="extra.proto")
"""

PRICE_OF_MONEY = (
    'shared/common/money.proto:6:3: Field "1" with name "amount" on message "Money" changed type from "int64" to '
    '"string". See https://developers.google.com/protocol-buffers/docs/proto3#updating for wire compatibility rules. '
    "(FIELD_WIRE_COMPATIBLE_TYPE)"
)
ORDER = 'services/stock/stock.proto:8:1: Previously present RPC "Order" on service "Stock" was deleted. (RPC_NO_DELETE)'
EXTRA_GONE = (
    'main:services/stock/extra.proto:5:9: Previously present message "Delivery" was deleted from package "stock". '
    "(PACKAGE_MESSAGE_NO_DELETE)"
)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    repository = Repository(tmp_path_factory.mktemp("repository"))
    repository.edit("pants.toml", '"/services"', '"/shared", "/services"')
    repository.write("shared/common/BUILD", 'zero_rpcs(name="rpc")\n')
    repository.write("shared/common/money.proto", MONEY)
    repository.write("services/stock/BUILD", BUILD)
    repository.write("services/stock/stock.proto", STOCK)
    repository.write("services/stock/extra.proto", EXTRA)
    repository.git("init", "--initial-branch=main")
    repository.git("add", "services", "shared")
    repository.git("commit", "--message=The contracts of callers")
    yield repository
    repository.stop()


@pytest.fixture
def repository(original: Repository) -> Iterator[Repository]:
    yield original
    original.git("clean", "-d", "--force", "services", "shared")
    original.git("reset", "--hard")
    (original.root / "buf.yaml").unlink(missing_ok=True)


def breaks(repository: Repository, *arguments: str) -> list[str]:
    """What is told of the contracts that are named, in comparison with the branch main."""
    return repository.refused("zero-breaking", "--zero-breaking-against=main", *arguments).stdout.splitlines()


def test_lint_tells_what_is_wrong_with_its_place(repository: Repository) -> None:
    repository.edit("services/stock/stock.proto", "Price(", "price(")
    repository.edit("services/stock/extra.proto", "string address", "string Address")
    result = repository.refused("lint", "--only=zero-rpc-lint", "::")
    assert (
        'services/stock/stock.proto:9:7: RPC name "price" should be PascalCase, such as "Price".'
        in result.stderr
    )
    assert "services/stock/extra.proto:6:10: " in result.stderr
    assert "zero-rpc-lint failed" in result.stderr


def test_lint_goes_by_the_rules_of_the_repository(repository: Repository) -> None:
    repository.write("buf.yaml", "version: v2\nlint:\n  use: [SERVICE_SUFFIX]\n  ignore: [services/stock]\n")
    result = repository.refused("lint", "--only=zero-rpc-lint", "::")
    assert (
        'services/user/user.proto:6:9: Service name "User" should be suffixed with "Service".'
        in result.stderr
    )
    assert "services/stock" not in result.stderr


def test_a_rule_that_buf_does_not_know(repository: Repository) -> None:
    repository.write("buf.yaml", "version: v2\nlint:\n  ignore_only: {RPC_PASCAL: [services/none]}\n")
    result = repository.refused("lint", "--only=zero-rpc-lint", "::")
    assert 'buf, configured by `buf.yaml`: "RPC_PASCAL" is not a known rule' in result.stderr


def test_what_callers_understand_breaks_nothing(repository: Repository) -> None:
    """New parts, other names, a message that is not used any more, a field that is reserved, a file that moved."""
    repository.edit("services/stock/stock.proto", "message Unused {}", "message New {}")
    repository.edit("services/stock/stock.proto", "  int32 number = 2;", "  reserved 2;\n  string room = 3;")
    repository.write("services/new/BUILD", "zero_rpcs()\n")
    repository.write("services/new/new.proto", EXTRA.replace("stock", "new"))
    repository.git("mv", "services/stock/extra.proto", "services/stock/delivery.proto")
    repository.edit(
        "services/stock/BUILD", '"extra", source="extra.proto"', '"delivery", source="delivery.proto"'
    )
    result = repository.pants("zero-breaking", "--zero-breaking-against=main", "::")
    assert (result.returncode, result.stdout) == (0, ""), result.stderr


def test_each_break_is_told_with_its_place(repository: Repository) -> None:
    repository.edit("shared/common/money.proto", "int64 amount", "string amount")
    repository.edit("services/stock/stock.proto", "  rpc Order(OrderRequest) returns (common.Money);\n", "")
    repository.edit("services/stock/BUILD", 'zero_rpc(name="extra", source="extra.proto")\n', "")
    (repository.root / "services/stock/extra.proto").unlink()
    assert breaks(repository, "::") == [EXTRA_GONE, ORDER, PRICE_OF_MONEY]
    assert breaks(repository, "services/stock:") == [EXTRA_GONE, ORDER, PRICE_OF_MONEY]
    assert breaks(repository, "services/stock:rpc") == [ORDER, PRICE_OF_MONEY]
    assert breaks(repository, "shared::") == [PRICE_OF_MONEY]
    files = breaks(repository, "--zero-breaking-category=FILE", "services/stock:")
    assert any(line.endswith("(FILE_NO_DELETE)") for line in files)


def test_folders_that_are_gone(repository: Repository) -> None:
    """Not told is that google's own, which the chat imported, is not there any more."""
    for path in ("services/user", "services/chat", "services/stock", "shared"):
        repository.git("rm", "-r", path)
    told = breaks(repository, "::")
    assert [line.partition(" ")[0] for line in told] == [
        "main:services/chat/chat.proto:3:9:",
        "main:services/stock/extra.proto:3:9:",
        "main:services/user/user.proto:3:9:",
        "main:shared/common/money.proto:3:9:",
    ]


def test_a_revision_that_is_not_there(repository: Repository) -> None:
    result = repository.refused("zero-breaking", "--zero-breaking-against=mian", "::")
    assert "git knows no revision `mian` here" in result.stderr
    assert "did you mean `main`?" in result.stderr
    assert "--zero-breaking-against=main" in repository.refused("zero-breaking", "::").stderr


def test_nothing_to_compare_is_no_success(repository: Repository) -> None:
    against = "--zero-breaking-against=main"
    assert "for example all of them: `::`" in repository.refused("zero-breaking", against).stderr
    result = repository.pants("zero-breaking", against, "services/shop:")
    assert result.returncode == 0
    assert "No RPC contract is among the targets that are named" in result.stderr


def test_a_contract_that_does_not_compile(repository: Repository) -> None:
    """Of that it is told, and not that it breaks anybody."""
    repository.edit("services/stock/stock.proto", "(PriceRequest)", "(PriceReqest)")
    result = repository.refused("zero-breaking", "--zero-breaking-against=main", "services/stock:rpc")
    assert "services/stock/stock.proto:9:13: " in result.stdout
    assert "Contracts are compared only if they compile" in result.stderr
    assert "do not understand" not in result.stderr


def test_a_configuration_that_is_not_there(repository: Repository) -> None:
    result = repository.refused("--zero-buf-config=bfu.yaml", "lint", "--only=zero-rpc-lint", "::")
    assert 'Unmatched glob from the option `[zero-buf].config`: "bfu.yaml"' in result.stderr
