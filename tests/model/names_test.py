"""Names and keys that one database would mind are made, and found by, on all of them."""

import asyncio
import uuid
from pathlib import Path

import pytest

from tests.model import generated
from tests.model.places import KINDS, new_source
from zero_codegen.model.settings import Settings
from zero_runtime import model

MYSQL = """
CREATE TABLE parent (
  id char(36) NOT NULL DEFAULT (uuid()),
  a int NOT NULL,
  b int unsigned NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY `by ``b"` (b, a),
  KEY `50% of; a` (a),
  KEY parent (a, b)
);
CREATE TABLE child (
  id int PRIMARY KEY,
  x int NOT NULL,
  y int unsigned NOT NULL,
  size tinyint NOT NULL,
  CONSTRAINT size CHECK (size > 0),
  CONSTRAINT `y` FOREIGN KEY (x, y) REFERENCES parent (a, b)
);
"""

POSTGRESQL = """
CREATE TABLE parent (a integer NOT NULL, b integer NOT NULL, PRIMARY KEY (b, a));
CREATE TABLE child (
  id integer PRIMARY KEY,
  x integer,
  y integer,
  is_small boolean CONSTRAINT is_small CHECK (is_small = true),
  name varchar(40) UNIQUE,
  CONSTRAINT "the ""parent"" row" FOREIGN KEY (x, y) REFERENCES parent (a, b)
);
CREATE INDEX ON child (name varchar_pattern_ops);
"""


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_mysql(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    made = generated.load(generated.generate(tmp_path, MYSQL, Settings()))

    async def scenario() -> None:
        async with model.open_database(new_source(kind, request)) as database:
            await database.create(made.SCHEMA)
            parents = made.ParentModel(database)
            parent = await parents.insert(a=1, b=2)
            assert uuid.UUID(parent.id).version == 4
            assert await parents.find_one_by_b_a(2, 1) == parent
            with pytest.raises(model.DuplicateKey) as refused:
                await parents.insert(a=1, b=2)
            assert refused.value.index == 'by `b"'
            assert (await made.ChildModel(database).insert(id=1, x=1, y=2, size=1)).size == 1

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_postgresql(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    made = generated.load(generated.generate(tmp_path, POSTGRESQL, Settings(dialect="postgresql")))

    async def scenario() -> None:
        async with model.open_database(new_source(kind, request)) as database:
            await database.create(made.SCHEMA)
            await made.ParentModel(database).insert(a=1, b=2)
            children = made.ChildModel(database)
            child = await children.insert(id=1, x=1, y=2, is_small=True, name="Ada")
            assert await children.find_one_by_name("Ada") == child

    asyncio.run(scenario())
