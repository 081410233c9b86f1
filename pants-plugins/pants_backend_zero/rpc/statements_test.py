"""The statements of a `.proto`, wherever they stand."""

from __future__ import annotations

import pytest

from pants_backend_zero.rpc.statements import Statement, declares_service, imported_paths, statements


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ('import "a.proto";', ["a.proto"]),
        ("import'a.proto';import /* why */ \"b/b.proto\"; // c", ["a.proto", "b/b.proto"]),
        ('import public "a.proto";\nimport weak "b.proto";', ["a.proto", "b.proto"]),
        ('edition = "2024"; import option "a.proto";', ["a.proto"]),
        ('syntax = "proto3"; import\n\t"a.proto"\n;', ["a.proto"]),
        ('// import "a.proto";\n/* import "b.proto"; */', []),
        ('option (why) = "import \\"a.proto\\";";', []),
        ('option (why) = { text: "}" }; import "a.proto";', ["a.proto"]),
        ('message import { string import = 1 [default = "a.proto"]; }', []),
        ('} import "a.proto";', ["a.proto"]),
        ('import "a.proto', []),
        ("", []),
    ],
)
def test_paths(text: str, paths: list) -> None:
    assert list(imported_paths(text)) == paths


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("service User {}", True),
        ('syntax="proto3";service User{rpc A(B)returns(C);}', True),
        ("// service User {}\nmessage service { message service {} }", False),
        ("extend google.protobuf.ServiceOptions { bool service = 5; }", False),
        ("message M { reserved 1; } /* } */ service S {}", True),
    ],
)
def test_services(text: str, expected: bool) -> None:
    assert declares_service(text) is expected


def test_places_are_of_names() -> None:
    text = "package a.b ; enum\n  E { X = 0; }\nmessage M { message In {} }"
    assert list(statements(text)) == [
        Statement("package", "a.b", 1, 9),
        Statement("enum", "E", 2, 3),
        Statement("message", "M", 3, 9),
    ]
