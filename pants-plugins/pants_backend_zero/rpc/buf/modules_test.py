"""Contracts are one module, unless imports would not tell their files apart."""

from __future__ import annotations

from pants_backend_zero.rpc.buf.modules import modules

USER = {"user.proto": "services/user.proto", "money.proto": "shared/money.proto"}
SHOP = {"shop.proto": "services/shop.proto", "money.proto": "shared/money.proto"}
OTHER = {"other.proto": "services/other.proto", "money.proto": "vendored/money.proto"}


def test_what_imports_the_same_files_is_together() -> None:
    (module,) = modules([("user", USER, {}), ("shop", SHOP, USER)])
    assert module.contracts == ["user", "shop"]
    assert module.now == {**USER, **SHOP}
    assert module.before == USER


def test_files_of_one_path_in_imports_are_apart() -> None:
    found = modules([("user", USER, {}), ("other", OTHER, {}), ("shop", SHOP, {})])
    assert [module.contracts for module in found] == [["user", "shop"], ["other"]]


def test_files_that_were_of_one_path_in_imports_are_apart() -> None:
    found = modules([("user", {}, USER), ("other", {}, OTHER)])
    assert [module.contracts for module in found] == [["user"], ["other"]]
