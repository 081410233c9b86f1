from __future__ import annotations

import pytest

from zero_runtime.model.insertion import batches, insertion


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("INSERT INTO t (a) VALUES (%s)", ("INSERT INTO t (a) VALUES ", "(%s)", "")),
        (
            "insert into `va(lues` (`a%%`, b) values (COALESCE(%s, ')', \"(\"), %s) "
            "ON DUPLICATE KEY UPDATE a = VALUES(a)",
            (
                "insert into `va(lues` (`a%`, b) values ",
                "(COALESCE(%s, ')', \"(\"), %s)",
                " ON DUPLICATE KEY UPDATE a = VALUES(a)",
            ),
        ),
        ("INSERT INTO t (a) VALUES (%s) ON DUPLICATE KEY UPDATE a = %s", None),
        ("INSERT INTO t (a) SELECT %s", None),
        ("UPDATE t SET a = 'VALUES (%s)' WHERE b = %s", None),
    ],
)
def test_what_of_an_insert_is_repeated_for_each_row(text: str, parts: tuple[str, str, str] | None) -> None:
    assert insertion(text) == parts


def test_rows_that_are_too_many_for_one_statement() -> None:
    rows = ((f"{number}{'x' * 100_000}",) for number in range(7))
    made = list(batches("(%s)", rows, lambda row: tuple(map(str, row))))
    assert [number for number, _ in made] == [3, 3, 1]
    assert ",".join(text for _, text in made) == ",".join(f"({number}{'x' * 100_000})" for number in range(7))
    assert list(batches("(%s)", [], lambda row: ())) == []
