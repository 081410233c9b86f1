"""The contracts that the text of a BUILD file names."""

from __future__ import annotations

import pytest

from pants_backend_zero.rpc.breaking.build_files import DeclaredProto, declared_protos

PROTOS = ["a.proto", "shop/a.proto", "shop/b.proto", "shop/draft_c.proto", "shop/v1/d.proto", "shops/e.proto"]


def declared(text: str, path: str = "shop/BUILD") -> list[tuple[str, str]]:
    return [(found.path, found.name) for found in declared_protos(path, text, PROTOS)]


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
        ('python_sources(sources=["*.proto"])', []),
        ('zero_rpc(source="a.proto"', []),
    ],
)
def test_contracts_of_a_file(text: str, expected: list) -> None:
    assert declared(text) == expected


def test_contracts_of_the_root() -> None:
    assert list(declared_protos("BUILD", 'zero_rpcs(name="all")', PROTOS)) == [
        DeclaredProto("a.proto", "", "all")
    ]
