from __future__ import annotations

import pytest

from zero_codegen.api import describe, load, tree
from zero_codegen.api.golang import SCALARS
from zero_codegen.diagnostics import ContractError
from zero_codegen.source import ContractFile
from zero_codegen.testing import assert_refused

_SERVICE = "\nservice User {}\n"
_BODY = "service A {{\n@handler X\npost /x {}\n}}"


@pytest.mark.parametrize(
    ("marked", "message", "hint"),
    [
        ("type A {}\ntype «A» {}", "the type `A` is here twice, first in line 1", None),
        ("type «string» {}", "`string` is a built-in type and cannot be declared", None),
        ("type «any» {}", "`any` is a built-in type and cannot be declared", None),
        ("type A { X «strng» }", "unknown type `strng`", "did you mean `string`?"),
        ("type Address {}\ntype A { X «Adress» }", "unknown type `Adress`", "did you mean `Address`?"),
        ("type A { X «Qwertyuiop» }", "unknown type `Qwertyuiop`", None),
        ("type A { X []map[string]*«B» }", "unknown type `B`", None),
        ("type A { X { Y «B» } }", "unknown type `B`", None),
        ("type A { X «complex128» }", "`complex128` has no form in JSON", None),
        (
            "type A { X map[«float64»]int }",
            "the keys of a JSON object are strings or integers",
            "use `map[string]…`",
        ),
        (
            "type B {}\ntype A { X map[«B»]int }",
            "the keys of a JSON object are strings or integers",
            "use `map[string]…`",
        ),
        ("type A { X [«...»]int }", "an array has a length", "use a list: `[]T`"),
        ("type A { X [«0»]int }", "`0` cannot be the length of an array", None),
        ("type A { X [«99999999999»]int }", "`99999999999` cannot be the length of an array", None),
        (
            "type A { X «uuid.UUID» }",
            "unknown type `uuid.UUID`",
            "of other packages there are `time.Time` and `decimal.Decimal`",
        ),
        ("type A { X «time.Tme» }", "unknown type `time.Tme`", "did you mean `time.Time`?"),
        ("type A = «B»", "unknown type `B`", None),
        ("type A = «A»", "`A` is made of itself: A -> A", "make one of them a struct"),
        (
            "type A []B\ntype B map[string]*«A»",
            "`A` is made of itself: A -> B -> A",
            "make one of them a struct",
        ),
        (
            "type A { X «B» }\ntype B = A",
            "a value of `A` never ends: A -> A",
            "use a list, or a pointer whose tag says `optional`: `*A`",
        ),
        (
            "type A bool\ntype B map[«A»]int",
            "the keys of a JSON object are strings or integers",
            "use `map[string]…`",
        ),
        (
            "type AItem {}\ntype «A» []{ X int }",
            "`A` and `AItem` in line 1 both become the Python class `AItem`",
            "rename one of the two",
        ),
        (
            "type «Any» {}",
            "`Any` cannot become the Python class `Any`, which means something else",
            "rename it",
        ),
        (
            "type «none» {}",
            "`none` cannot become the Python class `None`, which means something else",
            "rename it",
        ),
        (
            "type «UserApi» {}",
            "`UserApi` cannot become the Python class `UserApi`, which the service has for itself",
            "rename it",
        ),
        (
            "type user {}\ntype «User» {}",
            "`User` and `user` in line 1 both become the Python class `User`",
            "rename one of the two",
        ),
        (
            "type AB {}\ntype A { «B» {} }",
            "`B` and `AB` in line 1 both become the Python class `AB`",
            "rename one of the two",
        ),
        (
            "type A { X «A» }",
            "a value of `A` never ends: A -> A",
            "use a list, or a pointer whose tag says `optional`: `*A`",
        ),
        (
            'type A { X *«A» `json:"x"` }',
            "a value of `A` never ends: A -> A",
            "use a list, or a pointer whose tag says `optional`: `*A`",
        ),
        (
            'type A { X «A» `json:"x,optional"` }',
            "a value of `A` never ends: A -> A",
            "use a list, or a pointer whose tag says `optional`: `*A`",
        ),
        (
            "type A { X B }\ntype B { Y [2]C }\ntype C {\n*«B»\n}",
            "a value of `B` never ends: B -> C -> B",
            "use a list, or a pointer whose tag says `optional`: `*B`",
        ),
        (
            "type A { X { Y «A» } }",
            "a value of `A` never ends: A -> A",
            "use a list, or a pointer whose tag says `optional`: `*A`",
        ),
    ],
)
def test_refusals(marked: str, message: str, hint: str | None) -> None:
    assert_refused(describe, marked + _SERVICE, (message, hint))


@pytest.mark.parametrize(
    "text",
    [
        "type A { X []A }",
        "type A { X map[string]A }",
        'type A { X *A `json:"x,optional"` }',
        "type A { X B\nY B }\ntype B { Z C }\ntype C {}",
        "type A { X interface{}\nY any\nZ []byte\nU map[uint8]any }",
        "type A {}\ntype B { A A }",
        "type Ids []Id\ntype Id = int64\ntype A { X Ids\nY map[Id]Ids }",
        "type Node { Next Nodes }\ntype Nodes []Node",
        'type P *A\ntype A { X P `json:"x,optional"` }',
        "type A { X time.Time\nY *decimal.Decimal\nZ decimal }",
        "type decimal { X int }\ntype A { X decimal }",
        "type A { X map[string]{ Y any }\nZ []*{ U int } }",
    ],
)
def test_good_types(text: str) -> None:
    describe(ContractFile("a.api", "", text + _SERVICE))


def test_other_names_for_types() -> None:
    contract = load(
        ContractFile(
            "a.api",
            "",
            "type Page []Owner\ntype Owner = User\ntype User { X Ids }\ntype Ids []id\ntype id int8",
        )
    )
    assert [alias.class_name for alias in contract.aliases] == ["Owner", "Page", "Id", "Ids"]
    assert [record.class_name for record in contract.records] == ["User"]
    page = contract.resolve(tree.Named(contract.declarations["Page"].name))
    assert isinstance(page, tree.List) and contract.struct(page.item) is contract.records[0].struct
    ids = contract.resolve(tree.Named(contract.declarations["Ids"].name))
    assert isinstance(ids, tree.List) and contract.scalar(ids.item) == SCALARS["int8"]


def test_a_declared_decimal_is_no_built_in_one() -> None:
    contract = load(ContractFile("a.api", "", "type decimal { X int }"))
    assert contract.scalar(tree.Named(contract.declarations["decimal"].name)) is None


def test_types_within_types_have_an_end() -> None:
    declarations = "\n".join(f"type A{n} {{ X []A{n + 1} }}" for n in range(3000))
    with pytest.raises(ContractError) as raised:
        describe(ContractFile("a.api", "", declarations + "\ntype A3000 {}"))
    (found,) = raised.value.diagnostics
    assert found.message == "`A2900` holds types within types, more than 100 deep"


@pytest.mark.parametrize("bodies", ["(«B»)", "() returns ([]*«B»)"])
def test_bodies_are_known_types_too(bodies: str) -> None:
    assert_refused(describe, _BODY.format(bodies), ("unknown type `B`", None))


def test_all_mistakes_are_told_in_one_run() -> None:
    assert_refused(
        describe,
        "type A {\nX «strng»\nY map[«bool»]«B»\n}\ntype «A» {}\nservice A {}",
        ("unknown type `strng`", "did you mean `string`?"),
        ("the keys of a JSON object are strings or integers", "use `map[string]…`"),
        ("unknown type `B`", None),
        ("the type `A` is here twice, first in line 1", None),
    )
