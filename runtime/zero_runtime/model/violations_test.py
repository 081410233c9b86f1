from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime.model.statement import Statement
from zero_runtime.model.violations import duplicate_columns, duplicate_index, last_name, listed_names

STATEMENT = Statement("user.insert", unique={"PRIMARY": ("id",), "by_name": ("name", "area")})


@pytest.mark.parametrize(
    ("said", "index", "columns"),
    [
        ("by_name", "by_name", ("name", "area")),
        ("user.PRIMARY", "PRIMARY", ("id",)),
        ("user.other", "other", ()),
    ],
)
def test_an_index_by_its_name(said: str, index: str, columns: tuple[str, ...]) -> None:
    found = duplicate_index(STATEMENT, said)
    assert (found.index, found.columns) == (index, columns)


def test_an_index_by_its_columns() -> None:
    found = duplicate_columns(STATEMENT, ("area", "name"))
    assert (found.index, found.columns) == ("by_name", ("area", "name"))
    assert duplicate_columns(STATEMENT, ("x",)).index is None
    assert found.message == "there is a row with the same area and name"


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("Data too long for column 'name' at row 1", "name"),
        ("CONSTRAINT `user.data` failed for `shop`.`user`", "data"),
        ("nothing of the kind", None),
    ],
)
def test_the_column_of_a_message(message: str, name: str | None) -> None:
    assert last_name(message, "(?:[Cc]olumn|CONSTRAINT)") == name


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1), st.text())
def test_columns_of_postgresql(names: list[str], value: str) -> None:
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    assert listed_names(f"Key ({quoted})=({value}) already exists.") == tuple(names)


@pytest.mark.parametrize(
    ("detail", "names"),
    [
        ('Key (name, "Area")=(Ann, 1) already exists.', ("name", "Area")),
        ("Key (lower(name))=(a) already exists.", ()),
        ("", ()),
    ],
)
def test_columns_of_postgresql_without_quotes(detail: str, names: tuple[str, ...]) -> None:
    assert listed_names(detail) == names
