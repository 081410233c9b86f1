"""Statements of people, as methods of a generated repository, do the same on every database."""

from __future__ import annotations

import asyncio
import datetime as dt
import decimal
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.model import generated
from tests.model.places import KINDS, new_source
from zero_codegen.model.settings import Settings
from zero_runtime import model

CONTRACT = """
CREATE TABLE product (
  sku varchar(32) NOT NULL PRIMARY KEY, name varchar(255) NOT NULL, price decimal(12,2) NOT NULL,
  stock int unsigned NOT NULL DEFAULT 0, version int NOT NULL DEFAULT 1,
  update_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP
);
CREATE TABLE purchase (
  id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, customer_id bigint unsigned NOT NULL,
  state enum('open', 'shipped') NOT NULL DEFAULT 'open', total decimal(12,2) NOT NULL,
  paid bool NOT NULL DEFAULT false,
  delivery json NULL, note varchar(50) NULL, weight float NULL, at datetime(3) NOT NULL,
  UNIQUE KEY uniq_note (note)
);
CREATE TABLE purchase_line (
  purchase_id bigint unsigned NOT NULL, line int unsigned NOT NULL, sku varchar(32) NOT NULL,
  quantity int NOT NULL,
  PRIMARY KEY (purchase_id, line)
);

-- name: take :exec
UPDATE product SET stock = stock - :quantity WHERE sku = :sku AND stock >= :quantity;

-- name: put_back :exec
UPDATE product SET stock = stock + :quantity WHERE sku = :sku;

-- name: dearer :exec
UPDATE product SET price = price + price * CAST(:rate AS DECIMAL(3, 0)) WHERE price < :below;

-- name: lock :one
SELECT * FROM product WHERE sku = :sku FOR UPDATE;

-- name: move :exec
UPDATE purchase SET state = :state WHERE id = :id AND state = :before;

-- name: place :exec
INSERT INTO purchase (customer_id, total, note, weight, delivery, at)
VALUES (:customer, :total, :note, :weight, :delivery, :at);

-- name: again :exec
INSERT INTO purchase (customer_id, total, at) SELECT :customer, total + 1, at FROM purchase WHERE id = :id;

-- name: drop_old :exec
DELETE FROM purchase
WHERE at < :before AND NOT EXISTS (SELECT 1 FROM purchase_line l WHERE l.purchase_id = purchase.id);

-- What each state brought.
-- name: revenue :many
SELECT p.state, COUNT(*) AS orders, SUM(p.total) AS total, AVG(p.total) AS mean, MIN(p.at) AS first,
  MAX(p.weight) AS heaviest
FROM purchase AS p WHERE p.at >= :since GROUP BY p.state HAVING SUM(p.total) > :least ORDER BY total DESC;

-- name: number :one
SELECT COUNT(*) FROM purchase WHERE paid = :paid;

-- name: dearest :one
SELECT MAX(total) FROM purchase WHERE customer_id = :customer;

-- name: found :many
SELECT id, note FROM purchase WHERE (:state IS NULL OR state = :state)
ORDER BY note DESC, id LIMIT :n OFFSET :skip;

-- name: delivery_of :one
SELECT delivery FROM purchase WHERE id = :id;

-- name: bill :stream
SELECT l.line, pr.name, pr.price * l.quantity AS cost
FROM purchase_line l LEFT JOIN product pr ON pr.sku = l.sku WHERE l.purchase_id = :id ORDER BY l.line;

-- name: best :many
WITH spent AS (SELECT customer_id, SUM(total) AS total FROM purchase GROUP BY customer_id)
SELECT customer_id, total FROM spent WHERE total >= (SELECT MAX(total) FROM purchase)
ORDER BY total DESC, customer_id;
"""
MORNING = dt.datetime(2024, 5, 1, 8, tzinfo=dt.UTC)
Decimal = decimal.Decimal


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Any:
    settings = Settings(version_column="version")
    return generated.load(generated.generate(tmp_path_factory.mktemp("own"), CONTRACT, settings))


@pytest.fixture(scope="module", params=KINDS)
def source(request: pytest.FixtureRequest) -> str:
    return new_source(request.param, request)


@pytest.fixture
def run(source: str, shop: Any) -> Callable[[Callable[[model.Database], Awaitable[None]]], None]:
    """Runs a scenario in empty tables."""

    async def opened(scenario: Callable[[model.Database], Awaitable[None]]) -> None:
        async with asyncio.timeout(60), model.open_database(source) as database:
            await database.create(shop.SCHEMA)
            for name in ("purchase_line", "purchase", "product"):
                text = f"DELETE FROM {name}"
                await database.execute(model.Statement("empty", text, text, text, writes=True))
            await scenario(database)

    return lambda scenario: asyncio.run(opened(scenario))


def test_changes(shop: Any, run: Any) -> None:
    async def scenario(database: model.Database) -> None:
        products = shop.ProductModel(database)
        row = await products.insert(sku="a", name="A", price=Decimal("9.90"), stock=5)
        assert await products.take(quantity=3, sku="a") == 1
        assert await products.take(quantity=3, sku="a") == 0
        assert await products.put_back(quantity=1, sku="a") == 1
        found = await products.find_one("a")
        assert (found.stock, found.version) == (3, row.version + 2)
        with pytest.raises(model.VersionConflict):
            await products.update(row)
        assert await products.dearer(rate=Decimal(2), below=Decimal("9.91")) == 1
        assert (await products.find_one("a")).price == Decimal("29.70")
        async with database.transaction():
            assert (await products.lock(sku="a")).stock == 3
            assert await products.lock(sku="b") is None

    run(scenario)


def test_enums_nulls_and_unique_values(shop: Any, run: Any) -> None:
    async def scenario(database: model.Database) -> None:
        orders, state = shop.PurchaseModel(database), shop.PurchaseState
        values: dict[str, Any] = {"customer": 7, "total": Decimal("1.50"), "at": MORNING}
        assert await orders.place(**values, note="x", weight=0.1, delivery={"to": ["é", None]}) == 1
        assert await orders.place(**values, note=None, weight=None, delivery=None) == 1
        with pytest.raises(model.DuplicateKey):
            await orders.place(**values, note="x", weight=None, delivery=None)
        first, second = (await orders.list()).rows
        assert (first.note, second.note, first.delivery) == ("x", None, {"to": ["é", None]})
        assert await orders.delivery_of(id=first.id) == {"to": ["é", None]}
        assert await orders.delivery_of(id=second.id) is None
        assert await orders.move(state=state.SHIPPED, id=first.id, before=state.OPEN) == 1
        assert await orders.move(state=state.SHIPPED, id=first.id, before=state.OPEN) == 0
        assert [row.id for row in await orders.found(state=state.SHIPPED, n=9, skip=0)] == [first.id]
        everything = await orders.found(state=None, n=9, skip=0)
        assert [row.note for row in everything] == ["x", None]
        assert await orders.found(state=None, n=9, skip=2) == []
        assert await orders.number(paid=False) == 2
        assert await orders.again(customer=8, id=first.id) == 1
        assert await orders.dearest(customer=8) == Decimal("2.50")
        assert await orders.dearest(customer=9) is None
        assert await orders.drop_old(before=MORNING) == 0
        assert await orders.drop_old(before=MORNING + dt.timedelta(milliseconds=1)) == 3

    run(scenario)


def test_groups_joins_and_streams(shop: Any, run: Any) -> None:
    async def scenario(database: model.Database) -> None:
        orders, lines, state = (
            shop.PurchaseModel(database),
            shop.PurchaseLineModel(database),
            shop.PurchaseState,
        )
        await shop.ProductModel(database).insert(sku="a", name="A", price=Decimal("-0.05"))
        made = []
        for customer, total, which, weight in (
            (1, "10.00", state.OPEN, 0.1),
            (1, "9.05", state.OPEN, 2.5),
            (2, "100.10", state.SHIPPED, None),
            (3, "0.95", state.OPEN, None),
        ):
            made.append(
                await orders.insert(
                    customer_id=customer, total=Decimal(total), state=which, weight=weight, at=MORNING
                )
            )
        rows = await orders.revenue(since=MORNING, least=Decimal("0"))
        assert rows == [
            shop.Revenue(
                state=state.SHIPPED,
                orders=1,
                total=Decimal("100.10"),
                mean=100.1,
                first=MORNING,
                heaviest=None,
            ),
            shop.Revenue(
                state=state.OPEN,
                orders=3,
                total=Decimal("20.00"),
                mean=pytest.approx(20 / 3),
                first=MORNING,
                heaviest=2.5,
            ),
        ]
        assert len(await orders.revenue(since=MORNING, least=Decimal("20.00"))) == 1
        best = await orders.best()
        assert [(row.customer_id, row.total) for row in best] == [(2, Decimal("100.10"))]
        for line, sku in ((1, "a"), (2, "gone")):
            await lines.insert(purchase_id=made[0].id, line=line, sku=sku, quantity=3)
        async with lines.bill(id=made[0].id) as bill:
            found = [row async for row in bill]
        assert found == [
            shop.Bill(line=1, name="A", cost=Decimal("-0.15")),
            shop.Bill(line=2, name=None, cost=None),
        ]

    run(scenario)


def test_texts_of_parameters_are_values(shop: Any, run: Any) -> None:
    async def scenario(database: model.Database) -> None:
        products = shop.ProductModel(database)
        name = "'; DROP TABLE x; -- %s ? $1 \\"
        await products.insert(sku=name, name=name, price=Decimal(1), stock=2)
        assert await products.take(quantity=2, sku=name) == 1
        assert await products.take(quantity=0, sku="' OR '1' = '1") == 0
        assert (await products.lock(sku=name)).name == name

    run(scenario)


POSTGRESQL = """
CREATE TYPE mood AS ENUM ('calm', 'wild');
CREATE TABLE pet (
  id integer PRIMARY KEY, name text NOT NULL, age integer, mood mood NOT NULL, tag uuid,
  born timestamptz(3) NOT NULL, tame boolean NOT NULL DEFAULT false,
  weight numeric(6,2) CHECK (weight > (0)::numeric)
);

-- name: add :exec
INSERT INTO pet (id, name, age, mood, tag, born, weight)
VALUES (:id, :name, :age, :mood, :tag, :born, :weight);

-- name: by_age :many
SELECT id, name || COALESCE('-' || CAST(age AS text), '') AS title FROM pet ORDER BY age, id;

-- name: youngest :many
SELECT * FROM pet WHERE mood IN (:mood, 'calm') AND (tag = :tag OR tag IS NULL) AND born < now()
ORDER BY age DESC;

-- name: rename :exec
UPDATE pet SET name = name || :more, tame = NOT tame, mood = 'calm', weight = weight * 2 WHERE name LIKE 'C%';

-- name: moods :many
SELECT mood, tame, count(*) AS pets, sum(weight) AS weight FROM pet GROUP BY mood, tame;
"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_contract_of_postgresql(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    pets = generated.load(generated.generate(tmp_path, POSTGRESQL, Settings(dialect="postgresql")))
    tag = uuid.UUID(int=7)

    async def scenario() -> None:
        async with model.open_database(new_source(kind, request)) as database:
            await database.create(pets.SCHEMA)
            repository, mood = pets.PetModel(database), pets.Mood
            for number, name, age, weight in (
                (1, "Cat", 3, "0.05"),
                (2, "cow", None, "99.90"),
                (3, "Cub", 1, None),
            ):
                await repository.add(
                    id=number,
                    name=name,
                    age=age,
                    mood=mood.WILD if number < 3 else mood.CALM,
                    tag=tag if number == 1 else None,
                    born=MORNING,
                    weight=None if weight is None else Decimal(weight),
                )
            assert [(row.id, row.title) for row in await repository.by_age()] == [
                (3, "Cub-1"),
                (1, "Cat-3"),
                (2, "cow"),
            ]
            assert [row.id for row in await repository.youngest(mood=mood.WILD, tag=tag)] == [2, 1, 3]
            assert await repository.rename(more="!") == 2
            assert (await repository.find_one(1)).name == "Cat!"
            found = sorted(await repository.moods(), key=lambda row: row.mood)
            assert found == [
                pets.Moods(mood=mood.CALM, tame=True, pets=2, weight=Decimal("0.10")),
                pets.Moods(mood=mood.WILD, tame=False, pets=1, weight=Decimal("99.90")),
            ]

    asyncio.run(scenario())
