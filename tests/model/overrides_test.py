"""Columns whose Python type a BUILD file chooses: stored, found, filtered and ordered, on every database."""

import asyncio
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.model import generated
from tests.model.places import KINDS, new_source
from zero_codegen.model.settings import Settings
from zero_runtime import model

KINDS_MODULE = """
import enum
import typing

import msgspec

UserId = typing.NewType("UserId", int)


class Gender(enum.IntEnum):
    UNKNOWN = 0
    FEMALE = 1
    MALE = 2


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class Address(msgspec.Struct):
    street: str
    number: int
"""
CONTRACT = """
CREATE TABLE person (
  id bigint NOT NULL PRIMARY KEY,
  gender tinyint NOT NULL DEFAULT 0,
  colour varchar(10) COLLATE utf8mb4_bin DEFAULT NULL,
  is_new tinyint(1) NOT NULL DEFAULT 1,
  token char(36) COLLATE utf8mb4_bin NOT NULL,
  price decimal(12,2) NOT NULL DEFAULT 0,
  address json NOT NULL,
  tags json DEFAULT NULL,
  UNIQUE KEY (token)
);
"""
TYPES = {
    "person.id": "person_kinds:UserId",
    "person.gender": "person_kinds:Gender",
    "person.colour": "person_kinds:Colour",
    "person.is_new": "bool",
    "person.token": "uuid.UUID",
    "person.price": "float",
    "person.address": "person_kinds:Address",
    "person.tags": "list[str]",
}


@pytest.mark.parametrize("kind", KINDS)
def test_values_have_the_chosen_types(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "person_kinds.py").write_text(KINDS_MODULE)
    kinds: Any = generated.load(tmp_path / "person_kinds.py")
    monkeypatch.setitem(sys.modules, "person_kinds", kinds)
    people: Any = generated.load(generated.generate(tmp_path, CONTRACT, Settings(types=TYPES)))
    tokens = [uuid.UUID(int=number) for number in range(3)]
    address = kinds.Address("Main St", 7)

    async def scenario() -> None:
        async with model.open_database(new_source(kind, request)) as database:
            await database.create(people.SCHEMA)
            persons, p = people.PersonModel(database), people.PersonColumns
            default = await persons.insert(id=kinds.UserId(1), token=tokens[0], address=address)
            assert default.gender is kinds.Gender.UNKNOWN and default.is_new is True
            assert (default.colour, default.tags, default.address) == (None, None, address)
            other = await persons.insert(
                id=kinds.UserId(2),
                gender=kinds.Gender.MALE,
                colour=kinds.Colour.BLUE,
                is_new=False,
                token=tokens[1],
                price=1.5,
                address=address,
                tags=["a", "b"],
            )
            assert (other.token, other.price, other.tags) == (tokens[1], 1.5, ["a", "b"])
            assert isinstance(other.colour, kinds.Colour) and isinstance(other.price, float)
            assert (
                await persons.find_one(kinds.UserId(2)) == other == await persons.find_one_by_token(tokens[1])
            )
            for found, filter in (
                (other, p.gender == kinds.Gender.MALE),
                (other, p.gender > kinds.Gender.FEMALE),
                (other, p.colour.in_([kinds.Colour.BLUE])),
                (other, p.is_new.is_(False)),
                (other, p.token == tokens[1]),
                (other, p.price >= 1.5),
                (default, p.tags.is_null()),
                (default, p.colour.is_null()),
            ):
                assert (await persons.list(filter)).rows == [found]
            for order in (p.gender.asc(), p.is_new.desc(), p.token.asc(), p.price.asc()):
                first = await persons.list(order_by=order, limit=1)
                second = await persons.list(order_by=order, limit=1, after=first.next)
                assert first.rows + second.rows == [default, other]
            assert await persons.update_columns(kinds.UserId(1), gender=kinds.Gender.FEMALE, tags=[]) is True
            changed = await persons.find_one(kinds.UserId(1))
            assert (changed.gender, changed.tags) == (kinds.Gender.FEMALE, [])

    asyncio.run(scenario())
