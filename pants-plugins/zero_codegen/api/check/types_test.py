from __future__ import annotations

import pytest

from zero_codegen.api import describe
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
            "type A «=» int",
            "only structs can be declared: other names for a type are not supported yet",
            "use the type itself in the fields",
        ),
        (
            "type A «[»]int",
            "only structs can be declared: other names for a type are not supported yet",
            "use the type itself in the fields",
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
            "`UserApi` cannot become the Python class `UserApi`, which is what logic implements",
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
    ],
)
def test_good_types(text: str) -> None:
    describe(ContractFile("a.api", "", text + _SERVICE))


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
