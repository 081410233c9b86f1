from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from zero_codegen.api import check, generate, load
from zero_codegen.api.contract import Contract
from zero_codegen.diagnostics import ContractError
from zero_codegen.source import Output, read_contract

Write = Callable[..., list[tuple[str, int, int]]]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a repository of contracts by path; returns the places that they mark in guillemets."""
    monkeypatch.chdir(tmp_path)

    def write(files: dict[str, str]) -> list[tuple[str, int, int]]:
        places = []
        for path, marked in files.items():
            text = re.sub("[«»]", "", marked)
            for match in re.finditer("«", marked):
                before = re.sub("[«»]", "", marked[: match.start()])
                places.append((path, before.count("\n") + 1, len(before) - before.rfind("\n")))
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(text, encoding="utf-8")
        return sorted(places)

    return write


def program(path: str = "shop/shop.api") -> Contract:
    return load(read_contract(path, [""]))


def test_types_of_imported_files_are_imported(write: Write) -> None:
    write(
        {
            "shop/shop.api": 'import "../common/page.api"\nimport (\n"./order.api"\n)\n'
            "type Orders { Page\nItems []Order\nSizes Sizes\nKeys map[Id]int }\n"
            "service shop { @handler List\nget / returns (Orders)\n@handler First\nget /first returns (Id) }",
            "shop/order.api": 'import "../common/page.api"\ntype Order { Total decimal\nLines []{ Amount int } }',
            "common/page.api": 'info (title: "shared")\ntype Page { Number int\nPrice Price\nInline { X int } }\n'
            "type Price { X int }\ntype Id string\ntype Sizes = []int\ntype Unused {}",
        }
    )
    contract = program()
    assert [unit.file.path for unit in contract.program.units] == [
        "shop/shop.api",
        "common/page.api",
        "shop/order.api",
    ]
    assert contract.imports == {
        "common.page_api": ("Id", "PageInline", "Price", "Sizes"),
        "shop.order_api": ("Order",),
    }
    assert [record.class_name for record in contract.records] == ["Orders"]
    assert contract.aliases == ()
    assert [record.class_name for record in program("shop/order.api").records] == ["Order", "OrderLinesItem"][
        :1
    ] + ["OrderLines"]


def test_files_that_need_their_importer_are_declared_by_it(write: Write, tmp_path: Path) -> None:
    write(
        {
            "shop/shop.api": 'import "part.api"\nimport "whole.api"\ntype Money { Amount int }\n'
            "service shop { @handler A\nget /a returns (Part) }",
            "shop/part.api": 'import "whole.api"\ntype Part { Price Money\nWhole Whole }\n'
            "service shop { @handler B\nget /b returns (Money) }",
            "shop/whole.api": "type Whole { X int }",
        }
    )
    contract = program()
    assert [record.class_name for record in contract.records] == ["Money", "Part"]
    assert contract.imports == {"shop.whole_api": ("Whole",)}
    assert [endpoint.attribute for endpoint in contract.endpoints] == ["a", "b"]
    part = [read_contract("shop/part.api", [""])]
    assert [each.message for each in check(part)] == ["unknown type `Money`", "unknown type `Money`"]
    out = Output(tmp_path / "out")
    assert generate(part, out, imported={"shop/part.api"}) == []
    assert out.written == ["shop/part_api.py"]
    assert "class " not in (tmp_path / "out/shop/part_api.py").read_text()


def test_contracts_of_types_alone_have_no_service(write: Write) -> None:
    write({"shop/shop.api": "type A {}\ntype B = A"})
    contract = program()
    assert (contract.service, contract.endpoints) == ("", ())


@pytest.mark.parametrize("link", [True, False])
def test_links_and_copies_of_a_file_are_the_file(write: Write, link: bool) -> None:
    write(
        {
            "shop/shop.api": 'import "page.api"\nimport "../common/page.api"\nimport "other.api"\ntype A { X Page }',
            "shop/other.api": 'import "../common/page.api"\ntype B { X Page }',
            "common/page.api": "type Page { X int }",
        }
    )
    target = Path("shop/page.api")
    if link:
        target.symlink_to("../common/page.api")
    else:  # what a link is in Pants' sandbox
        target.write_bytes(Path("common/page.api").read_bytes())
    contract = program()
    assert [unit.file.path for unit in contract.program.units] == [
        "shop/shop.api",
        "shop/page.api",
        "shop/other.api",
    ]
    assert contract.imports == {"shop.page_api": ("Page",)}


def test_comments_are_those_of_the_file_that_a_word_is_in(write: Write) -> None:
    write(
        {
            "shop/shop.api": '\n\n// of this file\nimport "page.api"\ntype A { X Page }',
            "shop/page.api": "\n\n// A page.\ntype Page { X int }",
        }
    )
    contract = program()
    assert contract.comments(contract.declarations["Page"].name) == "A page."


_CIRCLE = "move what they share to a file of its own"
_EXPECTED = list[tuple[str, str | None]]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"shop/shop.api": 'import «"pgae.api"\ntype A { X Unknown }', "shop/page.api": "type Page {}"},
            [("`shop/pgae.api` does not exist", 'did you mean "page.api"?')],
        ),
        (
            {"shop/shop.api": 'import «"page.api"\ntype A {}', "shop/common/page.api": "type Page {}"},
            [("`shop/page.api` does not exist", 'did you mean "common/page.api"?')],
        ),
        (
            {"shop/shop.api": 'import «"page"\ntype A {}', "shop/page.api": "type Page {}"},
            [("`shop/page` does not exist", 'did you mean "page.api"?')],
        ),
        (
            {"shop/shop.api": 'import «"../common/page.api"\ntype A {}'},
            [
                (
                    "`common/page.api` does not exist",
                    "if the file is there, no `zero_api` target has it: run `./pants tailor ::`",
                )
            ],
        ),
        (
            {"shop/shop.api": 'import «""\ntype A {}'},
            [("an import has the path of a file", None)],
        ),
        (
            {"shop/shop.api": 'import «"/etc/passwd"\ntype A {}'},
            [("an import is relative to its file", "write the path from the folder of this file")],
        ),
        (
            {"shop/shop.api": 'import "a.api"\nimport «"./a.api"\ntype A {}', "shop/a.api": "type B {}"},
            [("`shop/a.api` is imported twice, first in line 1", None)],
        ),
        (
            {"shop/shop.api": 'import «"shop.api"\ntype A {}'},
            [("files import each other: shop/shop.api -> shop/shop.api", _CIRCLE)],
        ),
        (
            {
                "shop/shop.api": 'import "a.api"\ntype A {}',
                "shop/a.api": 'import "b.api"\ntype B {}',
                "shop/b.api": 'import «"a.api"\ntype C {}',
            },
            [("files import each other: shop/a.api -> shop/b.api -> shop/a.api", _CIRCLE)],
        ),
        (
            {
                "shop/shop.api": 'syntax = "v2"\nimport «"a.api"\ntype A {}',
                "shop/a.api": "type B {}",
            },
            [
                (
                    "`shop/a.api` is written in syntax v1, this file in v2",
                    "files that import each other say the same `syntax`",
                )
            ],
        ),
        (
            {"shop/shop.api": 'import "a.api"\ntype «A {}', "shop/a.api": "\ntype A {}"},
            [("the type `A` is here twice, first in line 2 of `shop/a.api`", None)],
        ),
        (
            {"shop/shop.api": 'import "a.api"\ntype «A {}', "shop/a.api": "type a {}"},
            [
                (
                    "`A` and `a` in line 1 of `shop/a.api` both become the Python class `A`",
                    "rename one of the two",
                )
            ],
        ),
        (
            {
                "shop/shop.api": 'import "a.api"\nservice a { @handler «A\nget «/a }',
                "shop/a.api": "service a { @handler A\nget /a }",
            },
            [
                ("the handler `A` is here twice, first in line 1 of `shop/a.api`", None),
                ("`get /a` is the route of `A` in line 1 of `shop/a.api`", None),
            ],
        ),
        (
            {"shop/shop.api": 'import "a.api"\nservice «shop {}', "shop/a.api": "service shop-api {}"},
            [
                (
                    "the service is `shop-api` in line 1 of `shop/a.api`, but `shop` here",
                    "a contract has one service: did you mean `shop-api`?",
                )
            ],
        ),
        (
            {"shop/shop.api": 'import "a.api"\ntype A {}', "shop/a.api": "«"},
            [("the file declares nothing", "declare a type or a service")],
        ),
        (
            # Errors of every kind in every file, in one run; what a broken statement declares is not called unknown.
            {
                "shop/shop.api": 'import "a.api"\nimport «"gone.api"\ntype A { X int `json:"x,«optionl"` }',
                "shop/a.api": 'type B {\nX [«}\ntype C { X int `json:"x,«default=a"`\nB B }',
            },
            [
                ("expected `]`, got `}`", None),
                ("the default `a` is no value of the field's type", None),
                ("`shop/gone.api` does not exist", 'did you mean "a.api"?'),
                ("unknown option `optionl`", "did you mean `optional`?"),
            ],
        ),
        (
            # Nor are fields missed that lines with errors may have.
            {
                "shop/shop.api": 'service s { @handler A\nget /:id (A) }\ntype A {\nId [«int `path:"id"`\n'
                'X string `form:"x,optional=y"`\nY [«string `form:"y"`\n}'
            },
            [("expected `]`, got `int`", None), ("expected `]`, got `string`", None)],
        ),
    ],
)
def test_refusals(write: Write, files: dict[str, str], expected: _EXPECTED) -> None:
    places = write(files)
    with pytest.raises(ContractError) as raised:
        program()
    found = raised.value.diagnostics
    assert [(each.message, each.hint) for each in found] == expected
    assert [(each.path, each.line, each.column) for each in found] == places
    assert all(each.source_line or not files[each.path].strip("«") for each in found)


def test_an_unreadable_import_is_told_of_where_it_is(write: Write) -> None:
    write({"shop/shop.api": 'import "a.api"\ntype A { X B }'})
    Path("shop/a.api").write_bytes(b"type A {}\n\xff")
    with pytest.raises(ContractError) as raised:
        program()
    (found,) = raised.value.diagnostics
    assert (found.path, found.line, found.message) == ("shop/a.api", 2, "is not UTF-8 text: byte 0xff")


def test_many_files_that_import_each_other_come_to_an_end(write: Write) -> None:
    count = 40
    everything = "".join(f'import "f{n}.api"\n' for n in range(count))
    write({f"shop/f{n}.api": f"{everything}type T{n} {{}}" for n in range(count)})
    with pytest.raises(ContractError) as raised:
        program("shop/f0.api")
    assert all(each.message.startswith("files import each other: ") for each in raised.value.diagnostics)


def test_a_long_way_of_imports_comes_to_an_end(write: Write) -> None:
    write({f"shop/f{n}.api": f'import "f{n + 1}.api"\ntype T{n} {{}}' for n in range(500)})
    with pytest.raises(ContractError) as raised:
        program("shop/f0.api")
    (found,) = raised.value.diagnostics
    assert (found.path, found.message) == (
        "shop/f59.api",
        "imports are nested too deeply: more than 60 of them",
    )
