"""Which files are compared with which: what has moved is not gone, and what is new breaks nobody."""

from __future__ import annotations

from pants.util.frozendict import FrozenDict

from pants_backend_zero.history.build_files import DeclaredContract
from pants_backend_zero.rpc.breaking.pairs import Today, paired
from pants_backend_zero.rpc.breaking.revision import Revision

USER = 'package user; import "common/money.proto"; service User {} message Request {}'
MONEY = "package common; message Money {}"
CONTRACTS = {"services/user/user.proto": USER, "shared/common/money.proto": MONEY}


def revision(texts: dict[str, str]) -> Revision:
    roots = {path: path.partition("/")[0] for path in texts}
    declared = tuple(DeclaredContract(path, path.rpartition("/")[0], "rpc") for path in texts)
    return Revision(FrozenDict(texts), FrozenDict(roots), declared)


def today(texts: dict[str, str]) -> dict[str, Today]:
    """Each contract imports all of the folder `common`."""
    names = {path: path.partition("/")[2] for path in texts}
    common = {name: path for path, name in names.items() if name.startswith("common/")}
    return {
        path: Today(path, names[path], text, {**common, names[path]: path}) for path, text in texts.items()
    }


def compared(before: dict[str, str], now: dict[str, str], *checked: str) -> list[tuple[set, set]]:
    """The files of each comparison, as they were and as they are; of `checked`, or of all."""
    contracts = today(now)
    old = revision(before)
    gone = [declared for declared in old.contracts if declared.path not in now and not checked]
    found = paired(
        list(contracts.values()), old, [contracts[path] for path in checked or sorted(contracts)], gone
    )
    return [(set(module.before.values()), set(module.now.values())) for module in found]


def test_a_contract_is_compared_with_all_that_it_imports() -> None:
    assert compared(CONTRACTS, CONTRACTS, "services/user/user.proto") == [(set(CONTRACTS), set(CONTRACTS))]
    money = {"shared/common/money.proto"}
    assert compared(CONTRACTS, CONTRACTS, *money) == [(money, money)]


def test_what_is_new_is_compared_with_nothing() -> None:
    now = {**CONTRACTS, "services/new/new.proto": "package new; service New {}"}
    assert compared(CONTRACTS, now, "services/new/new.proto") == []
    assert compared({}, now) == []


def test_what_is_gone_is_compared_with_what_is_left() -> None:
    money = {"shared/common/money.proto": MONEY}
    assert compared(CONTRACTS, money) == [(set(CONTRACTS), set(money))]
    assert compared(CONTRACTS, {}) == [(set(CONTRACTS), set())]


def test_what_is_not_imported_any_more_is_still_there() -> None:
    now = {**CONTRACTS, "services/user/user.proto": "package user; service User {}"}
    contracts = today(now)
    alone = Today(
        "services/user/user.proto", "user/user.proto", "", {"user/user.proto": "services/user/user.proto"}
    )
    (module,) = paired(list(contracts.values()), revision(CONTRACTS), [alone], [])
    assert set(module.now.values()) == set(CONTRACTS)


def test_a_contract_that_moved_to_another_source_root() -> None:
    now = {"src/user/user.proto": USER, "shared/common/money.proto": MONEY}
    assert compared(CONTRACTS, now, "src/user/user.proto") == [(set(CONTRACTS), set(now))]
    assert compared(CONTRACTS, now) == [(set(CONTRACTS), set(now))]


def test_a_contract_that_moved_to_another_file_is_known_by_its_parts() -> None:
    now = {"services/account/account.proto": USER, "shared/common/money.proto": MONEY}
    assert compared(CONTRACTS, now, "services/account/account.proto") == [(set(CONTRACTS), set(now))]
    other = {"services/account/account.proto": USER.replace("package user", "package account")}
    assert compared(CONTRACTS, other, "services/account/account.proto") == []


def test_a_service_that_moved_within_its_package_comes_along() -> None:
    now = {**CONTRACTS, "services/user/more.proto": "package user; message More {}"}
    assert compared(CONTRACTS, now, "services/user/user.proto") == [(set(CONTRACTS), set(now))]


def test_files_of_one_path_in_imports_are_compared_apart() -> None:
    both = {"services/user/user.proto": "package user;", "other/user/user.proto": "package other;"}
    assert compared(both, both) == [({path}, {path}) for path in sorted(both)]


def test_an_import_means_the_file_of_its_own_source_root_first() -> None:
    texts = {"a/common/money.proto": MONEY, "b/common/money.proto": MONEY, "b/user/user.proto": USER}
    assert revision(texts).closure("b/user/user.proto") == {
        "user/user.proto": "b/user/user.proto",
        "common/money.proto": "b/common/money.proto",
    }
