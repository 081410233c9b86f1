"""What protos are refused for, and where: `«` stands before the place in these examples."""

from pathlib import Path

import pytest

from zero_codegen.diagnostics import ContractError, Diagnostic
from zero_codegen.rpc import describe
from zero_codegen.source import read_contract

MARK = "«"


@pytest.fixture(autouse=True)
def _in_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("services/shop", "shared/common"):
        Path(folder).mkdir(parents=True)


def refused(text: str, name: str = "shop.proto") -> list[Diagnostic]:
    path = Path("services/shop", name)
    path.write_text(text)
    with pytest.raises(ContractError) as error:
        describe(read_contract(str(path), ("services", "shared")))
    return list(error.value.diagnostics)


def check(marked: str, message: str, hint: str | None, marks: str) -> None:
    """The proto has one mistake, and that at the mark, which stands before `marks`."""
    before, _, after = marked.partition(MARK)
    (diagnostic,) = refused(before + after)
    assert (diagnostic.message, diagnostic.hint) == (message, hint)
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert (diagnostic.path, diagnostic.line, diagnostic.column) == ("services/shop/shop.proto", line, column)
    assert diagnostic.source_line[column - 1 :][: diagnostic.length] == marks


UNARY = "make it a unary method"


@pytest.mark.parametrize(
    ("text", "message", "hint", "marks"),
    [
        (
            "service S { rpc Up(«stream M) returns (M); } message M {}",
            "streaming is not supported yet: method `Up`",
            UNARY,
            "stream",
        ),
        (
            "message M {}\n// 名\nservice S {\n\t /* 名 */ rpc Down(M)\n\t\t\treturns («stream M);\n}",
            "streaming is not supported yet: method `Down`",
            UNARY,
            "stream",
        ),
        ("service «S {}", "service `S` has no methods", None, "S"),
        (
            "service S { rpc GetURL(M) returns (M); rpc «get_url(M) returns (M); } message M {}",
            "methods `GetURL` and `get_url` have the same Python name `get_url`",
            None,
            "get_url",
        ),
        (
            "service Shop { rpc A(M) returns (M); } service «shop { rpc A(M) returns (M); } message M {}",
            "services `Shop` and `shop` have the same Python name `ShopRpc`",
            None,
            "shop",
        ),
        (
            "message M { message class {} } service S { rpc A(«M.class) returns (M); }",
            "message `class` cannot be imported: its name is a Python keyword",
            None,
            "M.class",
        ),
        ("message M { «strng name = 1; }", "`strng` is not defined", "did you mean `string`?", "strng"),
        (
            "message Item {} message M { «Itm item = 1; }",
            "`Itm` is not defined",
            "did you mean `Item`?",
            "Itm",
        ),
        ("message M { int32 «= 1; }", "expected field name", None, "="),
        (
            'import "shop/nowhere.proto";',
            "import `shop/nowhere.proto` is not found",
            "an import is a path below a source root: `services`, `shared`",
            "import",
        ),
    ],
)
def test_mistakes(text: str, message: str, hint: str | None, marks: str) -> None:
    text = text if MARK in text else MARK + text
    check(f'syntax = "proto3";\n{text}', message, hint, marks)


def test_one_run_shows_all_mistakes() -> None:
    text = """\
syntax = "proto3";
service S {
\trpc A(M) returns (Undefined);
\t/* 名 */ rpc B(Missing) returns (M);
}
message M { int32 a = 1; int32 b = 1; }
"""
    assert [diagnostic.render() for diagnostic in refused(text)] == [
        "services/shop/shop.proto:3:20: `Undefined` is not defined\n"
        "  |     rpc A(M) returns (Undefined);\n"
        "  |                       ^^^^^^^^^",
        "services/shop/shop.proto:4:16: `Missing` is not defined\n"
        "  |     /* 名 */ rpc B(Missing) returns (M);\n"
        "  |                    ^^^^^^^",
        "services/shop/shop.proto:6:36: field number 1 has already been used in `M` by field `a`."
        " Next available field number is 2\n"
        "  | message M { int32 a = 1; int32 b = 1; }\n"
        "  |                                    ^",
    ]


def test_services_are_refused_as_a_whole() -> None:
    text = """\
syntax = "proto3";
service A { rpc X(stream M) returns (stream M); }
service B {}
message M {}
"""
    assert [(found.line, found.column) for found in refused(text)] == [(2, 19), (2, 38), (3, 9)]


def test_a_mistake_in_an_imported_proto_is_shown_where_it_is() -> None:
    Path("shared/common/money.proto").write_text('syntax = "proto3";\nmessage Money { itn64 amount = 1; }\n')
    found = refused('syntax = "proto3";\nimport "common/money.proto";\n')
    assert [diagnostic.render() for diagnostic in found] == [
        "services/shop/shop.proto:2:1: import `common/money.proto` has errors\n"
        '  | import "common/money.proto";\n'
        "  | ^^^^^^",
        "shared/common/money.proto:2:17: `itn64` is not defined\n"
        "  | message Money { itn64 amount = 1; }\n"
        "  |                 ^^^^^\n"
        "  = hint: did you mean `int64`?",
    ]


def test_protos_that_import_each_other() -> None:
    Path("services/shop/other.proto").write_text('syntax = "proto3"; import "shop/shop.proto";')
    found = refused('syntax = "proto3";\nimport "shop/other.proto";\n')
    assert any("recursively imports itself" in diagnostic.message for diagnostic in found)


def test_a_name_that_protoc_makes_no_module_of() -> None:
    (diagnostic,) = refused('syntax = "proto3";', name="shop.v1.proto")
    assert diagnostic.render() == (
        "services/shop/shop.v1.proto:1:1:"
        " protoc makes no importable module of a file with a dot in its name\n"
        '  | syntax = "proto3";\n'
        "  | ^\n"
        "  = hint: rename it to `shop_v1.proto`"
    )


def test_warnings_do_not_count() -> None:
    path = Path("services/shop/shop.proto")
    path.write_text('import "google/protobuf/empty.proto"; message M { required int32 a = 1; }')
    assert describe(read_contract(str(path), ("services",))).services == ()
