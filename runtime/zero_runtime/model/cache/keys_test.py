"""Keys that cannot collide, and texts that a collation makes equal."""

from __future__ import annotations

import asyncio
import string
from itertools import combinations, product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zero_runtime.model.cache.keys import Keys, fold
from zero_runtime.model.database import Database
from zero_runtime.model.opening import open_database
from zero_runtime.model.statement import Statement
from zero_runtime.model.values import Value

_texts = st.text(st.sampled_from(":,%'~x#1aA \u00e9"), max_size=6) | st.text(max_size=80)
_values = st.one_of(
    _texts,
    st.integers(-(2**63), 2**64),
    st.floats(allow_nan=False, allow_infinity=False),
    st.binary(max_size=120),
)
_names = st.sampled_from(("user", "user:name", "name", "a%3Ab", "a", ""))


_key = st.tuples(
    st.sampled_from(("p", "p:a", "p:a:1", "")), _names, _names, st.lists(_values, min_size=1, max_size=3)
)


@given(one=_key, other=_key)
@example(("p:a", "a", "1", [5]), ("p", "a", "a", [1, 5]))
@example(("p:a", "user", "1", [5]), ("p", "a", "user", [1, 5]))
def test_different_values_have_different_keys(
    one: tuple[str, str, str, list[Value]], other: tuple[str, str, str, list[Value]]
) -> None:
    first, second = (
        Keys(prefix, table, index, exact=True).of(values) for prefix, table, index, values in (one, other)
    )
    assert first is not None and second is not None
    assert (first == second) == (one == other)


@given(st.lists(_values, min_size=2, max_size=3), st.data())
def test_moving_a_border_makes_another_key(values: list[Value], data: st.DataObject) -> None:
    """go-zero's keys of ("a:b", "c") and ("a", "b:c") are the same."""
    text = ":".join(str(value) for value in values)
    cut = data.draw(st.integers(0, len(text)))
    keys = Keys("p", "t", "i", exact=True)
    assert keys.of((text[:cut], text[cut:])) != keys.of((text[:cut] + ":", text[cut:]))
    assert keys.of((text,)) != keys.of((text[:cut], text[cut:]))


@pytest.mark.parametrize("value", [1, 1.0, True])
def test_numbers_that_are_equal_have_one_key(value: float) -> None:
    keys = Keys("p", "t", "i", exact=True)
    assert keys.of((value,)) == keys.of((1,)) == b"p:t:i:1"
    assert keys.of((-0.0,)) == keys.of((0,)) != keys.of((0.5,))
    assert keys.of((None,)) is None


def test_texts_that_are_folded() -> None:
    row, unique = Keys("p", "t", "i", (0,), exact=False), Keys("p", "t", "i", (0,), exact=True)
    assert row.of(("Ann ",)) == row.of(("ANN",)) == unique.of(("ann",)) == b"p:t:i:~ann"
    assert row.of(("Zo\u00eb",)) is None
    assert unique.of(("Zo\u00eb",)) not in (None, unique.of(("Zoe",)), unique.of(("zo\u00eb",)))
    assert row.is_reachable(("Zoe",)) and not row.is_reachable(("Zo\u00eb",))
    assert not row.is_reachable(("a\tb",))


def test_every_collation_of_mariadb_makes_equal_what_is_folded_alike(mysql_source: str) -> None:
    """At the least: whatever of printable ASCII a collation takes for the same, so do keys. Of some languages
    two letters are like one, so pairs are compared as well."""
    characters = string.printable[:95]
    assert len(characters) == 95 and characters.isprintable()
    words = [*characters, *map("".join, product(string.ascii_lowercase, repeat=2))]

    async def equal(database: Database, collation: str) -> list[list[str]]:
        groups = Statement(
            "groups",
            mysql=f"SELECT GROUP_CONCAT(HEX(word)) FROM words GROUP BY word COLLATE {collation} "
            "HAVING COUNT(*) > 1",
        )
        # MariaDB cuts a group after a megabyte, far behind these.
        rows = await database.fetch_all(groups)
        return [[bytes.fromhex(word).decode() for word in row[0].split(",")] for row in rows]

    async def test() -> None:
        async with open_database(mysql_source) as database:
            await database.execute(
                Statement("make", mysql="CREATE TABLE words (word VARCHAR(2)) CHARSET utf8mb4", writes=True)
            )
            await database.execute_many(
                Statement("add", mysql="INSERT INTO words VALUES (%s)", writes=True),
                [(word,) for word in words],
            )
            collations = await database.fetch_all(
                Statement(
                    "collations",
                    mysql="SELECT FULL_COLLATION_NAME FROM "
                    "information_schema.COLLATION_CHARACTER_SET_APPLICABILITY "
                    "WHERE CHARACTER_SET_NAME = 'utf8mb4'",
                )
            )
            assert len(collations) > 50
            found = [group for (name,) in collations for group in await equal(database, name)]
        for pair in ({"a", "A"}, {"i", "j"}, {"c", "ch"}):
            assert any(pair <= set(group) for group in found)
        assert [group for group in found if len(set(map(fold, group))) > 1] == []
        # It is no coarser than it has to be, but for what is equal to something in common.
        assert not any(fold(one) == fold(other) for one, other in combinations("abcdefghiklmnopqrstuxz", 2))

    asyncio.run(test())
