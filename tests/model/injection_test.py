"""Hostile values in every parameter of every public method are values and nothing else, on each database."""

import contextlib
import inspect
from decimal import Decimal
from typing import Any

import pytest

from tests.model.places import Run
from zero_runtime import errors, model

HOSTILE = [
    "'; DROP TABLE customer; --",
    "' OR '1'='1",
    '" OR ""="',
    "` OR 1=1 #",
    "\\'; DELETE FROM customer; --",
    "\\",
    "\\\\' OR 1=1 -- ",
    "') OR 1=1 --",
    "1; UPDATE customer SET name='owned'",
    "%' OR '%'='",
    "_%!",
    "$1 ? %s %(x)s {0} {}",
    "/*!50000 DROP TABLE customer */",
    "'||(SELECT name FROM customer)||'",
    "CHAR(39)",
    "\u02bc\uff07\u2019 OR 1=1",  # what a careless conversion makes quotes of
    "\xbf\x27 OR 1=1 --",
    "a\nb\r\t\x1a\x08",
]
NO_TEXTS: list[Any] = [
    ["' OR 1=1 --"],
    ("x", "' OR 1=1 --"),
    {"' OR 1=1 --": "' OR 1=1 --"},
    {"a'": 1},
    {"' OR 1=1 --"},
    bytearray(b"' OR 1=1 --"),
]
"""What a caller who does not mind types may hand on from a request."""


class Disguised(str):
    """A text that calls itself another."""

    __slots__ = ()

    def __str__(self) -> str:
        return "' OR 1=1 --"

    def translate(self, table: Any) -> str:
        return "' OR 1=1 --"

    def replace(self, *_: Any) -> str:
        return "' OR 1=1 --"


async def everything(shop: Any, database: model.Database) -> tuple[Any, ...]:
    customers = (await shop.CustomerModel(database).list()).rows
    pages = (await shop.PageModel(database).list(include_deleted=True)).rows
    return customers, pages, (await shop.CounterModel(database).list()).rows


async def prepared(shop: Any, database: model.Database) -> tuple[Any, Any]:
    customer = await shop.CustomerModel(database).insert(mobile="1", name="Ada", city="Bonn", email="e")
    await shop.PageModel(database).insert(id="p", slug="s", text="t")
    await shop.CounterModel(database).insert(name="c")
    return customer, await everything(shop, database)


def test_texts_are_stored_and_found_as_they_are(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        _, before = await prepared(shop, database)
        for hostile in HOSTILE:
            await attempt(database, hostile, before)

    async def attempt(database: model.Database, hostile: str, before: Any) -> None:
        customers, pages, u = shop.CustomerModel(database), shop.PageModel(database), shop.CustomerColumns
        assert await customers.find_one_by_mobile(hostile) is None
        assert await customers.find_one_by_email(hostile) is None
        assert await customers.find_many_by_city_age(hostile, 0) == []
        assert await pages.find_one(hostile) is None
        async with database.transaction():
            assert await pages.find_one(hostile, for_update=True) is None
            assert await customers.find_one_by_mobile(hostile, for_update=True) is None
        assert await pages.delete(hostile) is False
        assert await pages.restore(hostile) is False
        assert await pages.purge(hostile) is False
        assert await pages.update_columns(hostile, text=hostile) is False
        assert (
            await pages.update(shop.Page(id=hostile, slug=hostile, text=hostile, version=1, deleted_at=None))
            is False
        )
        assert await customers.of_city(city=hostile) == []
        assert await customers.age_of(mobile=hostile) is None
        for filter in (
            u.name == hostile,
            u.name.in_([hostile, hostile]),
            u.name.startswith(hostile),
            u.name.contains(hostile),
            u.name.between(hostile, hostile),
            (u.city > hostile) & (u.city < hostile),
            ~(u.name != hostile),
        ):
            assert (await customers.list(filter)).rows == []
            assert await customers.count(filter) == 0
            async with customers.stream(filter) as rows:
                assert [row async for row in rows] == []
        with pytest.raises(errors.InvalidArgument):
            await customers.list(after=hostile)
        assert await everything(shop, database) == before

        row = await customers.insert(mobile=hostile, email=hostile, name=hostile, city=hostile)
        assert (row.mobile, row.email, row.name, row.city) == (hostile,) * 4
        assert (
            await customers.find_one_by_mobile(hostile) == row == await customers.find_one_by_email(hostile)
        )
        for filter in (u.name == hostile, u.name.startswith(hostile), u.city.contains(hostile)):
            assert (await customers.list(filter)).rows == [row]
        first = await customers.list(u.name == hostile, order_by=u.name.asc(), limit=1)
        assert first.rows == [row] and first.next is None
        again = await customers.upsert_by_mobile(mobile=hostile, name=hostile * 2)
        assert (again.id, again.name, again.email) == (row.id, hostile * 2, None)
        assert await customers.update_columns(row.id, email=hostile, name=hostile) is True
        assert await customers.set_city(id=row.id, city=hostile) == 1
        (found,) = await customers.find_many_by_city_age(hostile, 0)
        assert (found.email, found.name, found.city) == (hostile,) * 3
        assert await customers.update(found) is True
        assert (
            await customers.insert_many(
                [shop.NewCustomer(mobile=f"{hostile}{n}", name=hostile) for n in "ab"]
            )
            == 2
        )
        assert await customers.count(u.name == hostile) == 3
        walked = await customers.list(order_by=u.name.asc(), limit=3)
        walked = [*walked.rows, *(await customers.list(order_by=u.name.asc(), after=walked.next)).rows]
        assert sorted(each.id for each in walked) == sorted(each.id for each in (await customers.list()).rows)
        for each in (await customers.list(u.name == hostile)).rows:
            assert await customers.delete(each.id) is True
        page = await pages.upsert(id=hostile, slug=hostile, text=hostile)
        assert await pages.find_one(hostile) == page == await pages.find_one_by_slug(hostile)
        assert await pages.delete(hostile) is True
        assert await pages.restore(hostile) is True
        assert await pages.purge(hostile) is True
        assert await everything(shop, database) == before

    run(scenario)


def test_what_is_no_text_does_no_harm_either(run: Run, shop: Any) -> None:
    """In each parameter of each method it is refused, or finds nothing; and what there was is as it was."""

    async def scenario(database: model.Database) -> None:
        _, before = await prepared(shop, database)
        for value in (*NO_TEXTS, Disguised("x")):
            await attempt(database, value)
            assert await everything(shop, database) == before

    async def attempt(database: model.Database, value: Any) -> None:
        customers, u = shop.CustomerModel(database), shop.CustomerColumns
        for name in ("CustomerModel", "PageModel", "CounterModel", "GroupModel", "PurchaseModel"):
            repository = getattr(shop, name)(database)
            for method_name, method in inspect.getmembers(repository, inspect.iscoroutinefunction):
                parameters = list(inspect.signature(method).parameters)
                if method_name.startswith(("_", "insert", "upsert")) or method_name in ("list", "count"):
                    continue
                for hostile in parameters:
                    arguments: dict[str, Any] = {
                        other: value if other == hostile else "none"
                        for other in parameters
                        if other == hostile or required(method, other)
                    }
                    with contextlib.suppress(
                        errors.ZeroError, TypeError, ValueError, AttributeError, KeyError, RuntimeError
                    ):
                        assert not await method(**arguments), f"{name}.{method_name}({hostile})"
        for method in (customers.insert, customers.upsert_by_mobile):
            for hostile in inspect.signature(method).parameters:
                stored = {"mobile": "none", hostile: value}
                with contextlib.suppress(errors.ZeroError, TypeError, ValueError, AttributeError):
                    await customers.delete((await method(**stored)).id)
                with contextlib.suppress(errors.ZeroError, TypeError, ValueError, AttributeError):
                    await customers.insert_many([shop.NewCustomer(**stored)])
                    found = (await customers.list(u.mobile.in_(["none", "x"]))).rows
                    await customers.delete(found[0].id)
        for column in (u.name, u.city, u.age, u.credit, u.is_friend, u.joined, u.id):
            makes: list[Any] = [
                lambda column: column == value,
                lambda column: column.in_([value]),
                lambda column: column.between(value, value),
            ]
            if column.name in ("name", "city"):
                makes += [lambda column: column.startswith(value), lambda column: column.contains(value)]
            for make in makes:
                with contextlib.suppress(errors.ZeroError, TypeError, ValueError, AttributeError):
                    assert (await customers.list(make(column))).rows == []
        for arguments in ({"limit": value}, {"after": value}, {"order_by": value}, {"order_by": [value]}):
            with contextlib.suppress(errors.ZeroError, TypeError, ValueError, AttributeError):
                assert not (await customers.list(**arguments)).rows

    run(scenario)


def required(method: Any, parameter: str) -> bool:
    return inspect.signature(method).parameters[parameter].default is inspect.Parameter.empty


def test_hostile_decimals_and_enums_are_refused(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customer, before = await prepared(shop, database)
        purchases = shop.PurchaseModel(database)
        for wrong in (
            {"amount": Decimal("NaN")},
            {"amount": "1) OR (1=1"},
            {"state": "new' OR '1'='1"},
            {"number": "1 OR 1=1"},
        ):
            members = {"customer_id": customer.id, "number": 1, "code": "x", "amount": Decimal(1), **wrong}
            with pytest.raises((errors.InvalidArgument, TypeError, ValueError, AttributeError)):
                await purchases.insert(**members)
        assert await purchases.count() == 0
        assert await everything(shop, database) == before

    run(scenario)
