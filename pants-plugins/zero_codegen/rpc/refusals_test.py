"""What protos are refused for, and where: `«` stands before the place in these examples."""

from pathlib import Path

import pytest

from zero_codegen.diagnostics import ContractError, Diagnostic
from zero_codegen.rpc import describe
from zero_codegen.source import read_contract

MARK = "«"
NOT_FOUND = (
    "an import is a path below a source root: `services`, `shared`; "
    "if the file is there, no `zero_rpc` target has it: run `./pants tailor ::`"
)


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


@pytest.mark.parametrize(
    ("text", "message", "hint", "marks"),
    [
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
            "rename it to `Class`",
            "M.class",
        ),
        (
            "message DESCRIPTOR {} service S { rpc A(«DESCRIPTOR) returns (M); } message M {}",
            "message `DESCRIPTOR` cannot be imported: protobuf has that name for descriptions",
            "rename it to `Descriptor`",
            "DESCRIPTOR",
        ),
        (
            "message __M {} service S { rpc A(stream «__M) returns (N); } message N {}",
            "message `__M` cannot be imported: Python changes names that begin with `__`",
            "rename it to `M`",
            "__M",
        ),
        (
            "service S { rpc «import(M) returns (M); } message M {}",
            "method `import` breaks the module that gRPC makes: its name is a Python keyword",
            "rename it to `Import`",
            "import",
        ),
        (
            "service «None { rpc A(M) returns (M); } message M {}",
            "service `None` breaks the module that gRPC makes: its name is a Python keyword",
            "rename it to `None_`",
            "None",
        ),
        (
            "enum E { «_descriptor = 0; }",
            "`_descriptor` breaks the module that protoc makes of it",
            "rename it to `Descriptor`",
            "_descriptor",
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
            "service S { rpc A(M) returns («int32); } message M {}",
            "expected message type",
            "a call takes and gives messages: declare one that has it as a field",
            "int32",
        ),
        (
            'import "shop/nowhere.proto";',
            "import `shop/nowhere.proto` is not found",
            NOT_FOUND,
            "import",
        ),
        (
            'import "./shop/shop.proto";',
            "import `./shop/shop.proto` is not found",
            NOT_FOUND,
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


def test_a_name_is_no_hint_for_itself() -> None:
    found = refused('syntax = "proto3";\nmessage M { message Item {} int32 Item = 1; Item item = 2; }\n')
    assert ("`Item` is not defined", None) in [(diagnostic.message, diagnostic.hint) for diagnostic in found]


def test_a_comment_without_an_end() -> None:
    messages = [diagnostic.message for diagnostic in refused('syntax = "proto3";\n/* Items.\n')]
    assert messages == ["comment started here", "end-of-file inside block comment"]


def test_services_are_refused_as_a_whole() -> None:
    text = """\
syntax = "proto3";
service A { rpc X(stream M) returns (stream M.def); rpc x(M) returns (M); }
service B {}
message M { message def {} }
"""
    assert [(found.line, found.column) for found in refused(text)] == [(2, 45), (2, 57), (3, 9)]


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


@pytest.mark.parametrize("path", ["item.proto", "./item.proto", "../shop/item.proto"])
def test_an_import_that_begins_in_its_own_folder(path: str) -> None:
    Path("services/shop/item.proto").write_text('syntax = "proto3";')
    hint = "did you mean `shop/item.proto`?"
    check(f'syntax = "proto3";\n«import "{path}";', f"import `{path}` is not found", hint, "import")


def test_no_import_leads_out_of_the_source_root() -> None:
    item = Path("item.proto").absolute()
    item.write_text('syntax = "proto3";')
    for path in "../../item.proto", item:
        (diagnostic,) = refused(f'syntax = "proto3"; import "{path}";')
        assert diagnostic.hint == NOT_FOUND


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


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [
        (
            "shop/item.v1.proto",
            "protoc makes no importable module of a file called `item.v1.proto`",
            "rename it to `item_v1.proto`",
        ),
        (
            "shop-1/item.proto",
            "the folder name `shop-1` cannot be part of a Python module name",
            "rename it, for example to `shop_1`",
        ),
        (
            "import/item.proto",
            "the folder name `import` cannot be part of a Python module name",
            "rename it, for example to `import_`",
        ),
    ],
)
def test_an_import_that_is_no_module(path: str, message: str, hint: str) -> None:
    Path("services", path).parent.mkdir(exist_ok=True)
    Path("services", path).write_text('syntax = "proto3"; message Item {}')
    check(f'syntax = "proto3";\n«import "{path}";', message, hint, f'import "{path}";')


def test_an_edition_that_protoc_does_not_know() -> None:
    check('edition = «"2099";', "unknown edition `2099`", None, '"2099"')
