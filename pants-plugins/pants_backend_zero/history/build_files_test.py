"""The contracts that the texts of BUILD files name."""

from __future__ import annotations

import pytest
from pants.util.frozendict import FrozenDict

from pants_backend_zero.history.build_files import DeclaredContract, declared_contracts
from pants_backend_zero.model.target_types import MODEL
from pants_backend_zero.rpc.target_types import RPC

PROTOS = ["a.proto", "shop/a.proto", "shop/b.proto", "shop/draft_c.proto", "shop/v1/d.proto", "shops/e.proto"]


def declared(text: str, path: str = "shop/BUILD") -> list[tuple[str, str]]:
    return [(found.path, found.name) for found in declared_contracts(RPC, {path: text}, PROTOS)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('zero_rpc(name="x", source="a.proto")', [("shop/a.proto", "x")]),
        ('zero_rpc(source="v1/d.proto", tags=TAGS)', [("shop/v1/d.proto", "shop")]),
        ('zero_rpc(source="gone.proto")', []),
        ("zero_rpcs()", [(f"shop/{name}.proto", "shop") for name in ("a", "b", "draft_c")]),
        (
            'if True:\n    zero_rpcs(name="all", sources=["*.proto", "!draft_*.proto"])',
            [("shop/a.proto", "all"), ("shop/b.proto", "all")],
        ),
        (
            'zero_rpcs(sources=["**/?.proto"])',
            [(f"shop/{name}.proto", "shop") for name in ("a", "b", "v1/d")],
        ),
        ('zero_rpcs(sources=["v1/**"])', [("shop/v1/d.proto", "shop")]),
        ('zero_model(source="a.proto")\npython_sources(sources=["*.proto"])', []),
        ('zero_rpc(source="a.proto"', []),
    ],
)
def test_contracts_of_a_file(text: str, expected: list) -> None:
    assert declared(text) == expected


def test_contracts_of_the_root() -> None:
    assert list(declared_contracts(RPC, {"BUILD": 'zero_rpcs(name="all")'}, PROTOS)) == [
        DeclaredContract("a.proto", "", "all")
    ]


def settings(text: str, root: str = "", shop: str = "") -> dict:
    build_files = {"BUILD": root, "shop/BUILD": shop, "shop/user/BUILD": text}
    (found,) = declared_contracts(MODEL, build_files, ["shop/user/user.sql"])
    return dict(found.settings)


@pytest.mark.parametrize("target", ["zero_model", "zero_models"])
def test_settings_are_those_written_out(target: str) -> None:
    source = 'source="user.sql"' if target == "zero_model" else ""
    assert settings(f'{target}(tags=["a"], {source})') == {}
    assert settings(f'{target}(dialect="sqlite", cached=["*"], types={{"a.b": "int"}}, {source})') == {
        "dialect": "sqlite",
        "cached": ("*",),
        "types": FrozenDict({"a.b": "int"}),
    }


def test_settings_of_one_file() -> None:
    assert settings(
        'zero_models(overrides={"user.sql": {"dialect": "sqlite"}, ("a.sql",): {"cached": []}})'
    ) == {"dialect": "sqlite"}
    assert settings("zero_models(overrides={'user.sql': 1})") == settings("zero_models(overrides=1)") == {}


@pytest.mark.parametrize(
    ("shop", "expected"),
    [
        ("", {"dialect": "postgresql", "version_column": "version"}),
        ("__defaults__(all={'dialect': 'sqlite'})", {"dialect": "sqlite"}),
        (
            "__defaults__({(python_sources, 'zero_models'): dict(dialect='sqlite', tags=TAGS)}, extend=True)",
            {"dialect": "sqlite", "version_column": "version"},
        ),
    ],
)
def test_defaults_of_folders_above_are_settings(shop: str, expected: dict) -> None:
    root = '__defaults__({zero_models: dict(dialect="postgresql", version_column="version")})'
    assert settings("zero_models()", root, shop) == expected
    assert settings('zero_models(dialect="mysql")', root, shop) == {**expected, "dialect": "mysql"}
