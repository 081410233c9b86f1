"""Each method of a generated repository, on each database, with and without a cache."""

import asyncio
import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.model.places import Run
from zero_runtime import errors, model


async def customer(customers: Any, mobile: str = "1", **members: Any) -> Any:
    return await customers.insert(mobile=mobile, **members)


def test_insert_returns_the_row_with_what_the_database_adds(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers = shop.CustomerModel(database)
        before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=2)
        first = await customers.insert(mobile="1", email=None, credit=Decimal("1.5"))
        second = await customers.insert(mobile="2", name="Ada", is_friend=True, city="Bonn")
        assert second.id > first.id > 0
        assert (first.name, first.age, first.email, first.is_friend) == ("", 0, None, False)
        assert before < first.joined < before + dt.timedelta(seconds=30)
        assert (first.credit, first.changed) == (Decimal("1.50"), None)
        assert await customers.find_one(first.id) == first
        assert await customers.find_one(second.id) == second
        assert await customers.find_one(second.id + 1) is None

    run(scenario)


def test_rows_are_found_by_their_indexes(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers, purchases = shop.CustomerModel(database), shop.PurchaseModel(database)
        ada = await customer(customers, "1", email="a@b", city="Bonn", age=3)
        bob = await customer(customers, "2", city="Bonn", age=3)
        assert await customers.find_one_by_mobile("1") == ada
        assert await customers.find_one_by_email("a@b") == ada
        assert await customers.find_one_by_email("") is None
        assert await customers.find_many_by_city_age("Bonn", 3) == [ada, bob]
        assert await customers.find_many_by_city_age("bonn", 3) == []
        bought = await purchases.insert(customer_id=ada.id, number=7, code="x", amount=Decimal(1))
        assert await purchases.find_one(ada.id, 7) == bought
        assert await purchases.find_one(7, ada.id) is None
        assert await purchases.find_one_by_branch_code(1, "x") == bought
        assert await purchases.find_many_by_state(shop.PurchaseState.NEW) == [bought]

    run(scenario)


def test_a_table_and_columns_with_reserved_names(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        groups = shop.GroupModel(database)
        row = await groups.insert(order=1, select="x")
        assert await groups.find_one(1) == row == await groups.find_one_by_select("x")
        assert (await groups.list(shop.GroupColumns.order == 1)).rows == [row]

    run(scenario)


def test_update_stores_the_whole_row(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers = shop.CustomerModel(database)
        row = await customer(customers, "1", email="a@b", city="Bonn")
        await customers.find_one(row.id)  # and it is cached
        row.mobile, row.email, row.name, row.credit = "2", None, "Ada", Decimal("9.99")
        assert await customers.update(row) is True
        stored = await customers.find_one(row.id)
        assert (stored.mobile, stored.email, stored.name, stored.credit) == ("2", None, "Ada", row.credit)
        assert stored.changed is not None, "ON UPDATE CURRENT_TIMESTAMP"
        assert stored.joined == row.joined
        assert await customers.find_one_by_mobile("1") is None
        assert await customers.find_one_by_mobile("2") == stored
        assert await customers.update(stored) is True, "what is stored already"
        stored.id += 1000
        assert await customers.update(stored) is False

    run(scenario)


def test_update_columns_leaves_the_others_alone(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers = shop.CustomerModel(database)
        row = await customer(customers, "1", email="a@b", city="Bonn", age=7)
        assert await customers.find_one_by_mobile("2") is None  # a placeholder, where there is a cache
        assert await customers.update_columns(row.id, mobile="2", city=None) is True
        stored = await customers.find_one(row.id)
        assert (stored.mobile, stored.city, stored.email, stored.age) == ("2", None, "a@b", 7)
        assert await customers.find_one_by_mobile("2") == stored
        assert await customers.find_one_by_mobile("1") is None
        assert await customers.update_columns(row.id, credit=Decimal("0.5"), is_friend=True) is True
        stored = await customers.find_one(row.id)
        assert (stored.credit, stored.is_friend, stored.mobile) == (Decimal("0.50"), True, "2")
        assert await customers.update_columns(row.id + 1000, age=1) is False

    run(scenario)


def test_a_part_of_a_unique_index_is_updated(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        owner = await customer(shop.CustomerModel(database))
        purchases = shop.PurchaseModel(database)
        await purchases.insert(customer_id=owner.id, number=1, code="x", amount=Decimal(1))
        assert await purchases.find_one_by_branch_code(2, "x") is None
        assert await purchases.update_columns(owner.id, 1, branch=2) is True
        found = await purchases.find_one_by_branch_code(2, "x")
        assert found is not None and found.branch == 2
        assert await purchases.find_one_by_branch_code(1, "x") is None

    run(scenario)


def test_delete(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers = shop.CustomerModel(database)
        row = await customer(customers, "1")
        assert await customers.find_one_by_mobile("1") == row
        assert await customers.delete(row.id) is True
        assert await customers.find_one(row.id) is None
        assert await customers.find_one_by_mobile("1") is None
        assert await customers.delete(row.id) is False
        again = await customer(customers, "1")
        assert await customers.find_one_by_mobile("1") == again

    run(scenario)


def test_a_value_that_is_there_is_refused_by_the_name_of_its_index(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers = shop.CustomerModel(database)
        await customer(customers, "1", email="a")
        other = await customer(customers, "2")
        with pytest.raises(model.DuplicateKey) as refused:
            await customer(customers, "1")
        assert (refused.value.index, refused.value.columns) == ("uniq_mobile", ("mobile",))
        other.email = "a"
        with pytest.raises(model.DuplicateKey) as refused:
            await customers.update(other)
        assert refused.value.index == "uniq_email"
        with pytest.raises(model.DuplicateKey) as refused:
            await customers.update_columns(other.id, mobile="1")
        assert refused.value.index == "uniq_mobile"
        assert (await customers.find_one(other.id)).mobile == "2"

    run(scenario)


def test_insert_many_stores_all_or_nothing(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers = shop.CustomerModel(database)
        assert await customers.find_one_by_mobile("7") is None
        rows = (shop.NewCustomer(mobile=str(number), age=number % 100) for number in range(2500))
        assert await customers.insert_many(rows) == 2500
        assert await customers.count() == 2500
        found = await customers.find_one_by_mobile("7")
        assert found is not None and found.age == 7 and found.name == ""
        assert await customers.insert_many([]) == 0
        wrong = [shop.NewCustomer(mobile=mobile) for mobile in ("a", "b", "7", "c")]
        with pytest.raises(model.DuplicateKey):
            await customers.insert_many(wrong)
        assert await customers.count() == 2500
        assert await customers.find_one_by_mobile("a") is None

    run(scenario)


def test_upsert_inserts_or_updates(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers, groups = shop.CustomerModel(database), shop.GroupModel(database)
        assert await customers.find_one_by_mobile("1") is None
        first = await customers.upsert_by_mobile(mobile="1", name="Ada", age=3)
        assert await customers.find_one_by_mobile("1") == first
        second = await customers.upsert_by_mobile(mobile="1", name="Bob", city="Bonn")
        assert (second.id, second.name, second.age, second.city) == (first.id, "Bob", 0, "Bonn")
        assert second.joined == first.joined, "when it was made"
        assert await customers.find_one(first.id) == second
        row = await groups.upsert(order=1, select="a")
        assert await groups.upsert(order=1, select="b") == shop.Group(order=1, select="b")
        assert row.select == "a"
        assert await groups.find_one_by_select("a") is None

    run(scenario)


def test_an_upsert_collides_with_other_indexes(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers, groups = shop.CustomerModel(database), shop.GroupModel(database)
        await customer(customers, "1", email="a")
        await customer(customers, "2", email="b")
        for mobile in ("2", "3"):
            with pytest.raises(model.DuplicateKey) as refused:
                await customers.upsert_by_mobile(mobile=mobile, email="a")
            assert refused.value.index == "uniq_email"
        await groups.insert(order=1, select="a")
        with pytest.raises(model.DuplicateKey):
            await groups.upsert(order=2, select="a")
        assert await groups.count() == 1

    run(scenario)


def test_what_a_column_cannot_hold_is_refused(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers = shop.CustomerModel(database)
        for wrong in (
            {"name": "x" * 201},
            {"age": 2**15},
            {"credit": Decimal("10000000000")},
            {"joined": dt.datetime(2026, 1, 1)},
            {"name": None},
        ):
            with pytest.raises(errors.InvalidArgument):
                await customer(customers, **wrong)
        assert await customers.count() == 0

    run(scenario)


def test_a_row_that_is_referred_to_stays(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers, purchases = shop.CustomerModel(database), shop.PurchaseModel(database)
        owner = await customer(customers)
        await purchases.insert(customer_id=owner.id, number=1, code="x", amount=Decimal(1))
        with pytest.raises(errors.FailedPrecondition):
            await customers.delete(owner.id)
        with pytest.raises(errors.FailedPrecondition):
            await purchases.insert(customer_id=owner.id + 1000, number=1, code="y", amount=Decimal(1))
        assert await customers.find_one(owner.id) == owner

    run(scenario)


def test_json_is_parsed(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        owner = await customer(shop.CustomerModel(database))
        purchases = shop.PurchaseModel(database)
        extra = {"ä": [1, 2.5, None, True, "'\"\\"], "": {}}
        row = await purchases.insert(customer_id=owner.id, number=1, code="x", amount=Decimal(1), extra=extra)
        assert row.extra == extra
        assert (await purchases.find_one(owner.id, 1)).extra == extra
        empty = await purchases.insert(customer_id=owner.id, number=2, code="y", amount=Decimal(1))
        assert (await purchases.list(shop.PurchaseColumns.extra.is_null())).rows == [empty]

    run(scenario)


def test_soft_deletion_hides_a_row(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        pages = shop.PageModel(database)
        page = await pages.insert(id="a", slug="s", text="x")
        assert await pages.find_one_by_slug("s") == page
        assert await pages.delete("a") is True
        assert await pages.delete("a") is False
        assert await pages.find_one("a") is None
        assert await pages.find_one_by_slug("s") is None
        assert (await pages.list()).rows == []
        assert (await pages.count(), await pages.count(include_deleted=True)) == (0, 1)
        deleted = (await pages.list(include_deleted=True)).rows[0]
        assert deleted.id == "a" and deleted.deleted_at is not None
        assert await pages.update_columns("a", text="y") is False
        with pytest.raises(model.DuplicateKey):
            await pages.insert(id="b", slug="s", text="x")
        assert await pages.restore("a") is True
        assert await pages.restore("a") is False
        assert (await pages.find_one_by_slug("s")).text == "x"
        assert (await pages.find_one("a")).deleted_at is None
        assert await pages.purge("a") is True
        assert await pages.find_one("a") is None
        assert await pages.count(include_deleted=True) == 0

    run(scenario)


def test_an_upsert_restores_a_deleted_row(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        pages = shop.PageModel(database)
        await pages.insert(id="a", slug="s", text="x")
        await pages.delete("a")
        assert await pages.find_one("a") is None
        page = await pages.upsert(id="a", slug="t", text="y")
        assert (page.slug, page.text, page.deleted_at) == ("t", "y", None)
        assert await pages.find_one("a") == page == await pages.find_one_by_slug("t")

    run(scenario)


def test_the_version_tells_who_was_late(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        pages = shop.PageModel(database)
        mine = await pages.insert(id="a", slug="s", text="x")
        yours = await pages.find_one("a")
        mine.text, yours.text = "mine", "yours"
        assert await pages.update(mine) is True
        assert mine.version == yours.version + 1
        assert await pages.find_one("a") == mine
        with pytest.raises(model.VersionConflict) as late:
            await pages.update(yours)
        assert isinstance(late.value, errors.Aborted)
        assert (await pages.find_one("a")).text == "mine"
        mine.text = "again"
        assert await pages.update(mine) is True
        with pytest.raises(model.VersionConflict):
            await pages.update_columns("a", text="z", version=yours.version)
        assert await pages.update_columns("a", text="z", version=mine.version) is True
        assert await pages.update_columns("a", text="any") is True
        assert (await pages.find_one("a")).version == mine.version + 2
        mine.id = "missing"
        assert await pages.update(mine) is False
        assert await pages.update_columns("missing", text="", version=1) is False

    run(scenario)


def test_transactions_span_repositories(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers, purchases = shop.CustomerModel(database), shop.PurchaseModel(database)
        with pytest.raises(LookupError):
            async with database.transaction():
                owner = await customer(customers)
                await purchases.insert(customer_id=owner.id, number=1, code="x", amount=Decimal(1))
                assert await customers.find_one(owner.id) == owner
                raise LookupError
        assert (await customers.count(), await purchases.count()) == (0, 0)
        assert await customers.find_one_by_mobile("1") is None
        async with database.transaction():
            owner = await customer(customers)
            with pytest.raises(model.DuplicateKey):
                async with database.transaction():
                    await customers.update_columns(owner.id, name="lost")
                    await customer(customers)
            await customers.update_columns(owner.id, age=9)
        stored = await customers.find_one(owner.id)
        assert (stored.name, stored.age) == ("", 9)

    run(scenario)


def test_for_update_needs_a_transaction(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers = shop.CustomerModel(database)
        row = await customer(customers)
        with pytest.raises(RuntimeError, match=r"inside of `async with database.transaction\(\):`"):
            await customers.find_one(row.id, for_update=True)
        async with database.transaction():
            assert await customers.find_one(row.id, for_update=True) == row
            assert await customers.find_one_by_mobile("1", for_update=True) == row
            assert await customers.find_one(row.id + 1000, for_update=True) is None

    run(scenario)


def test_own_statements(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers, purchases = shop.CustomerModel(database), shop.PurchaseModel(database)
        ada = await customer(customers, "1", name="Ada", city="Bonn", age=3)
        bob = await customer(customers, "2", name="Bob", city="Bonn", age=5)
        assert await customers.of_city(city="Bonn") == [bob, ada]
        assert await customers.age_of(mobile="2") == 5
        assert await customers.age_of(mobile="3") is None
        assert await customers.find_one(ada.id) == ada
        assert await customers.set_city(id=ada.id, city="Ulm") == 1
        assert (await customers.find_one(ada.id)).city == "Ulm"
        assert await customers.set_city(id=bob.id + 1000, city="Ulm") == 0
        async with customers.names(age=4) as names:
            assert [name async for name in names] == ["Bob"]
        await purchases.insert(customer_id=ada.id, number=4, code="x", amount=Decimal(1))
        (bought,) = await customers.purchases_of(mobile="1")
        assert (bought.name, bought.number, bought.state) == ("Ada", 4, shop.PurchaseState.NEW)

    run(scenario)


def test_a_subclass_adds_statements_of_its_own(run: Run, shop: Any) -> None:
    text = "SELECT COUNT(*) FROM customer WHERE age > "
    older = model.Statement("customer.older", f"{text}?", f"{text}%s", f"{text}$1")

    class Customers(shop.CustomerModel):  # type: ignore[misc]
        async def older(self, age: int) -> int:
            found: int | None = await self._fetch_one(older, (age,), lambda row: row[0])
            return found or 0

    async def scenario(database: model.Database) -> None:
        customers = Customers(database)
        await asyncio.gather(*(customer(customers, str(age), age=age) for age in range(5)))
        assert await customers.older(2) == 2

    run(scenario)
