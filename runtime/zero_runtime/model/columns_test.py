"""What filters say to each database. That they find what they ought to is shown in tests/model."""

import enum
from decimal import Decimal
from typing import Any

import pytest

from zero_runtime.model.columns import (
    ENUM_ORDER,
    Column,
    Filter,
    NullableColumn,
    OpaqueColumn,
    Writer,
)
from zero_runtime.model.statement import Dialect


class State(enum.StrEnum):
    NEW = "new"


AGE = Column[object, int]("age", "age")
NAME = Column[object, str]("name", "name")
FOLDED = NullableColumn[object, str]("nick", "nick", folded=True)
amount = Column[object, Decimal]("amount", "amount", encode=str, mysql="CAST(%s AS DECIMAL(12, 2))")
STATE = Column[object, State]("state", "state", encode=str, order=ENUM_ORDER)
EXTRA = OpaqueColumn[object]("extra", "extra")


def written(filter: Filter[object], dialect: Dialect) -> tuple[str, list[Any]]:
    writer = Writer(dialect)
    return writer.text(filter.pieces), writer.values


@pytest.mark.parametrize(
    ("filter", "text", "values"),
    [
        (AGE == 1, '"age" = ?', [1]),
        (AGE != 1, '"age" <> ?', [1]),
        (AGE < 1, '"age" < ?', [1]),
        (AGE <= 1, '"age" <= ?', [1]),
        (AGE > 1, '"age" > ?', [1]),
        (AGE >= 1, '"age" >= ?', [1]),
        (AGE.is_(1), '"age" = ?', [1]),
        (AGE.in_([1, 2]), '"age" IN (?, ?)', [1, 2]),
        (AGE.in_([]), "1 = 0", []),
        (AGE.between(1, 2), '"age" BETWEEN ? AND ?', [1, 2]),
        (EXTRA.is_null(), '"extra" IS NULL', []),
        (NAME.startswith("a%"), 'instr("name", ?) = 1', ["a%"]),
        (NAME.contains("a%"), 'instr("name", ?) >= 1', ["a%"]),
        (FOLDED.startswith("a%_!"), "\"nick\" LIKE ? ESCAPE '!'", ["a!%!_!!%"]),
        (FOLDED.contains("a"), "\"nick\" LIKE ? ESCAPE '!'", ["%a%"]),
        ((AGE == 1) & (AGE == 2) | ~(AGE == 3), '(("age" = ? AND "age" = ?) OR NOT ("age" = ?))', [1, 2, 3]),
    ],
)
def test_filters_are_conditions_with_bound_values(
    filter: Filter[object], text: str, values: list[object]
) -> None:
    assert written(filter, "sqlite") == (text, values)


def test_placeholders_and_names_are_those_of_the_database() -> None:
    both = (AGE == 1) & NAME.startswith("a")
    assert written(both, "mysql") == ("(`age` = %s AND `name` LIKE %s ESCAPE '!')", [1, "a%"])
    assert written(both, "postgresql") == ('("age" = $1 AND "name" LIKE $2 ESCAPE \'!\')', [1, "a%"])


def test_values_are_encoded_and_written_as_their_column_needs_it() -> None:
    assert written(amount >= Decimal("1.50"), "mysql") == ("`amount` >= CAST(%s AS DECIMAL(12, 2))", ["1.50"])
    assert written(amount >= Decimal("1.50"), "postgresql") == ('"amount" >= $1', ["1.50"])


def test_enums_are_equal_as_they_are_and_ordered_as_texts() -> None:
    assert written(STATE == State.NEW, "mysql") == ("`state` = %s", ["new"])
    assert written(STATE > State.NEW, "mysql") == ("CAST(`state` AS BINARY) > %s", ["new"])
    assert written(STATE > State.NEW, "sqlite") == ('"state" > ?', ["new"])
    order = Writer("mysql").text(STATE.desc().pieces)
    assert order == "CAST(`state` AS BINARY) DESC"


def test_a_filter_has_no_truth() -> None:
    with pytest.raises(TypeError, match="combine filters by &"):
        assert AGE == 1 and AGE == 2
    with pytest.raises(TypeError, match="combine filters by &"):
        assert 1 < AGE < 2


def test_what_could_not_be_meant_is_refused() -> None:
    untyped: Any = FOLDED
    with pytest.raises(TypeError, match=r"nick is compared with None: ask is_null\(\)"):
        untyped == None  # noqa: B015, E711
    with pytest.raises(TypeError, match="nick is compared with None"):
        untyped.in_(["a", None])
    with pytest.raises(TypeError, match="several values"):
        untyped.in_("abc")
    with pytest.raises(TypeError, match="is no text"):
        untyped.startswith(["a"])
    assert not hasattr(FOLDED, "asc"), "no page begins behind NULL"
