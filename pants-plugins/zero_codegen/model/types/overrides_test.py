"""Python types that BUILD files give columns."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from zero_codegen.model.types import (
    Binary,
    Boolean,
    Char,
    ColumnType,
    Date,
    Enum,
    Float,
    Integer,
    Json,
    Text,
    Unsupported,
    Uuid,
)
from zero_codegen.model.types import Decimal as DecimalType
from zero_codegen.model.types.overrides import override
from zero_runtime import model

STATE = Enum("State", (("NEW", "new"), ("OLD", "old")))
SOME_UUID = UUID("12345678-9abc-4def-8123-456789abcdef")
NAMES: dict[str, Any] = {"model": model, "uuid": __import__("uuid"), "decimal": __import__("decimal")}


def evaluated(source: object, **names: object) -> Any:
    """What a piece of generated source gives."""
    return eval(str(source), {**NAMES, **names})


@pytest.mark.parametrize(
    ("type_", "python", "stored", "value"),
    [
        (Integer(8), "bool", 1, True),
        (Integer(32), "str", 7, "7"),
        (Integer(32), "float", 7, 7.0),
        (Boolean(), "int", True, 1),
        (Float(), "str", 0.5, "0.5"),
        (DecimalType(12, 0), "int", "12", 12),
        (DecimalType(12, 2), "float", "0.10", 0.1),
        (DecimalType(12, 2), "str", "0.10", "0.10"),
        (Char(36), "uuid.UUID", str(SOME_UUID), SOME_UUID),
        (Char(20), "decimal.Decimal", "1.50", Decimal("1.50")),
        (Text(None), "decimal.Decimal", "1.50", Decimal("1.50")),
        (Text(None), "uuid.UUID", str(SOME_UUID), SOME_UUID),
        (Binary(16), "uuid.UUID", SOME_UUID.bytes, SOME_UUID),
        (Uuid(), "str", str(SOME_UUID), str(SOME_UUID)),
        (Char(9), "kinds:Name", "x", "<x>"),
        (Integer(8), "shop.kinds:Number", 3, 3),
    ],
)
def test_values_go_there_and_back(type_: ColumnType, python: str, stored: object, value: object) -> None:
    class Name(str):
        def __new__(cls, text: str) -> "Name":
            return super().__new__(cls, f"<{text}>")

        def __str__(self) -> str:
            return self[1:-1]

    names = {"Name": Name, "Number": int}
    overridden = override(type_, python)
    assert overridden.annotation == python.rpartition(":")[2]
    for nullable in (False, True):
        decoded = evaluated(overridden.decode("row[0]", nullable=nullable), row=(stored,), **names)
        assert decoded == value and isinstance(decoded, type(value))
        assert evaluated(overridden.encode("value", nullable=nullable), value=decoded, **names) == stored
    assert evaluated(overridden.decode("row[0]", nullable=True), row=(None,), **names) is None
    assert evaluated(overridden.encode("value", nullable=True), value=None, **names) is None
    for dialect in ("sqlite", "mysql", "postgresql"):
        assert overridden.sql(dialect) == type_.sql(dialect)
        assert overridden.check("c", dialect) == type_.check("c", dialect)
        assert overridden.operand(dialect) == type_.operand(dialect)


def test_enums_may_stay_texts() -> None:
    plain = override(STATE, "str")
    assert plain.constant("new").python == "str(State.NEW)"
    assert evaluated(plain.encode("value", nullable=False), value="old") == "old"


def test_a_type_that_the_column_has_anyway_changes_nothing() -> None:
    assert override(Integer(8), "int") == Integer(8)
    assert override(Date(), "dt:date").annotation == "date"


@pytest.mark.parametrize(
    ("type_", "python", "value", "source", "is_hoisted"),
    [
        (Integer(8), "bool", "1", "True", False),
        (Integer(8), "str", "1", '"1"', False),
        (Integer(8), "kinds:Kind", "2", "Kind(2)", True),
        (DecimalType(4, 0), "int", "7", 'int(decimal.Decimal("7"))', True),
        (Char(9), "kinds:Name", "x", 'Name("x")', True),
    ],
)
def test_defaults_are_of_the_type(
    type_: ColumnType, python: str, value: str, source: str, is_hoisted: bool
) -> None:
    constant = override(type_, python).constant(value)
    assert (constant.python, constant.is_hoisted) == (source, is_hoisted)
    assert constant.mysql == type_.constant(value).mysql


def test_json_is_of_any_type_that_msgspec_knows() -> None:
    typed = override(Json(), "dict[str, list[shop.kinds:Line]]")
    assert typed.annotation == "dict[str, list[Line]]"
    assert typed.imports == {("shop.kinds", "Line")}
    decode = override(Json(), "list[int]").decode("row[0]", nullable=False)
    assert evaluated(decode, row=("[1]",)) == [1]
    nullable = override(Json(), "list[int]").decode("row[0]", nullable=True)
    assert evaluated(nullable, row=("null",)) is None


@pytest.mark.parametrize(
    ("type_", "python", "reason"),
    [
        (Integer(8), "boolean", "did you mean `bool`"),
        (Integer(8), "kinds.Kind", "write bool, int"),
        (Integer(8), "uuid.UUID", "values of this column are `int`, of which no `uuid.UUID` is made"),
        (Date(), "str", "of which no `str` is made"),
        (DecimalType(12, 2), "int", "of which no `int` is made"),
        (Char(35), "uuid.UUID", "of which no `uuid.UUID` is made"),
        (Json(), "list[Line]", "`Line` in `list[Line]` is not known here: write module:Class"),
        (Json(), "list[", "`list[` is no type"),
    ],
)
def test_types_that_cannot_be_are_refused(type_: ColumnType, python: str, reason: str) -> None:
    with pytest.raises(Unsupported) as refused:
        override(type_, python)
    assert reason in str(refused.value)
