"""Generated repositories at work, on every database that they are generated for."""

import asyncio
import datetime as dt
import importlib.util
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import pytest

from tests.servers import mariadb, postgresql
from zero_runtime import errors, model

Scenario: TypeAlias = Callable[[model.Database], Awaitable[None]]
Run: TypeAlias = Callable[[Scenario], None]

MOMENT = dt.datetime(2026, 3, 29, 1, 59, 59, 999_999, tzinfo=dt.UTC)


def _load(name: str) -> ModuleType:
    path = Path(__file__).parent / "testdata/expected" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


shop: Any = _load("shop_model")
user: Any = _load("user_model")
stock: Any = _load("stock_model")
note: Any = _load("note_model")


@pytest.fixture(scope="module", params=["sqlite", "mysql", "postgresql"])
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database that the tests of this module share: each cleans up by working in its own rows."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('data') / 'shop.db'}"
    else:
        with mariadb() if request.param == "mysql" else postgresql() as server:
            yield server.create_database("shop")


@pytest.fixture
def run(source: str) -> Run:
    async def in_database(scenario: Scenario) -> None:
        async with asyncio.timeout(30), model.open_database(source) as database:
            for _ in range(2):  # the second time nothing is missing
                await database.create(user.SCHEMA, shop.SCHEMA, stock.SCHEMA, note.SCHEMA)
            await scenario(database)

    return lambda scenario: asyncio.run(in_database(scenario))


def test_rows_come_back_as_they_were_stored(run: Run) -> None:
    given = {
        "no": "01JQF0000000000000000FULL",
        "user_id": 2**63 - 1,
        "state": -128,
        "amount": Decimal("9999999999.99"),
        "discount": Decimal("-0.1250"),
        "is_paid": True,
        "is_gift": False,
        "weight": 0.1,
        "note": "ß → 漢字 🛒 100% 'quoted' \"twice\" \\ and\nfolded",
        "receipt": bytes(range(256)),
        "digest": b"\x00\xff'\\",
        "class_": "x" * 20,
        "date": dt.date(1000, 1, 1),
        "due": dt.date(9999, 12, 31),
        "paid_at": MOMENT.replace(microsecond=250_000),
        "created_at": MOMENT,
        "updated_at": MOMENT.replace(microsecond=0),
        "last_change_of_payment_conditions_by": 2**24 - 1,
        "last_change_of_payment_conditions_at": dt.datetime(2038, 1, 19, 3, 14, 7, tzinfo=dt.UTC),
    }

    async def scenario(database: model.Database) -> None:
        orders = shop.OrderModel(database)
        order = await orders.insert(**given, extra={"b": [1, None], "a": "ä"})
        assert {name: getattr(order, name) for name in given} == given
        assert order.extra == {"a": "ä", "b": [1, None]}
        assert await orders.find_one(order.id) == order
        assert await orders.find_one_by_no(given["no"]) == order
        assert await orders.find_many_by_user_id_state(2**63 - 1, -128) == [order]
        assert await orders.find_many_by_amount(given["amount"]) == [order]

    run(scenario)


def test_defaults_are_those_of_the_contract(run: Run) -> None:
    async def scenario(database: model.Database) -> None:
        before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=2)
        order = await shop.OrderModel(database).insert(no="defaults", user_id=1, digest=b"1234")
        assert before < order.created_at < before + dt.timedelta(seconds=20)
        assert (order.state, order.amount, order.is_paid) == (-1, Decimal("0.00"), False)
        assert order.class_ == 'it\'s "plain"'
        assert order.date == dt.date(2020, 2, 29)
        assert order.paid_at == dt.datetime(2020, 2, 29, 12, 30, 0, 500_000, tzinfo=dt.UTC)
        empty = ("discount", "is_gift", "weight", "note", "extra", "receipt", "due", "updated_at")
        assert {getattr(order, name) for name in empty} == {None}

    run(scenario)


def test_null_is_stored_where_the_contract_has_another_default(run: Run) -> None:
    async def scenario(database: model.Database) -> None:
        order = await shop.OrderModel(database).insert(
            no="null", user_id=1, digest=b"1234", class_=None, paid_at=None
        )
        assert (order.class_, order.paid_at) == (None, None)

    run(scenario)


def test_an_update_stores_all_but_what_the_database_keeps(run: Run) -> None:
    async def scenario(database: model.Database) -> None:
        orders = shop.OrderModel(database)
        order = await orders.insert(
            no="update", user_id=1, digest=b"1234", created_at=MOMENT, updated_at=MOMENT
        )
        order.state, order.note, order.paid_at, order.created_at = 5, "new", None, dt.datetime.now(dt.UTC)
        assert await orders.update(order) is True
        stored = await orders.find_one(order.id)
        assert (stored.state, stored.note, stored.paid_at) == (5, "new", None)
        assert stored.created_at == MOMENT
        assert stored.updated_at > MOMENT
        assert await orders.update(stored) is True, "a row that is stored already"
        assert await orders.delete(order.id) is True
        assert await orders.find_one(order.id) is None
        assert await orders.update(order) is False
        assert await orders.delete(order.id) is False

    run(scenario)


def test_times_are_rounded_to_the_digits_of_their_column(run: Run) -> None:
    async def scenario(database: model.Database) -> None:
        order = await shop.OrderModel(database).insert(
            no="rounded",
            user_id=1,
            digest=b"1234",
            paid_at=MOMENT.astimezone(dt.timezone(dt.timedelta(hours=9))),
            updated_at=MOMENT,
            amount=Decimal("0.005"),
        )
        assert order.paid_at == order.updated_at == dt.datetime(2026, 3, 29, 2, tzinfo=dt.UTC)
        assert order.amount == Decimal("0.01")

    run(scenario)


def test_texts_are_compared_as_their_collation_says(run: Run) -> None:
    async def scenario(database: model.Database) -> None:
        orders = shop.OrderModel(database)
        order = await orders.insert(no="Collation", user_id=1, digest=b"1234", note="Please")
        assert await orders.find_one_by_no("collation") is None
        # PostgreSQL has no collation of its own that would not tell them apart.
        folded = [] if database.dialect == "postgresql" else [order]
        assert await orders.find_many_by_note("PLEASE") == folded

    run(scenario)


def test_a_second_row_with_a_unique_value_is_refused_by_name(run: Run) -> None:
    async def scenario(database: model.Database) -> None:
        users = user.UserModel(database)
        first = await users.insert(mobile="+49 30 1", password="x")
        second = await users.insert(mobile="+49 30 2", password="x")
        assert (first.name, first.gender, first.create_time) == ("", 0, first.update_time)
        with pytest.raises(model.DuplicateKey) as refused:
            await users.insert(mobile="+49 30 1", password="y")
        assert (refused.value.index, refused.value.columns) == ("uniq_mobile", ("mobile",))
        second.mobile = first.mobile
        with pytest.raises(model.DuplicateKey) as refused:
            await users.update(second)
        assert refused.value.index == "uniq_mobile"
        lines = shop.OrderLineModel(database)
        await lines.insert(order_id=7, line=1, sku="unique")
        with pytest.raises(model.DuplicateKey) as refused:
            await lines.insert(order_id=7, line=1, sku="other")
        assert (refused.value.index, refused.value.columns) == ("PRIMARY", ("order_id", "line"))
        with pytest.raises(model.DuplicateKey) as refused:
            await lines.insert(order_id=7, line=2, sku="unique")
        assert (refused.value.index, refused.value.columns) == ("sku", ("sku",))

    run(scenario)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("user_id", -1),
        ("state", 128),
        ("state", -129),
        ("amount", Decimal("10000000000")),
        ("amount", Decimal("-0.01")),
        ("discount", Decimal("NaN")),
        ("weight", -0.5),
        ("note", "x" * 65_536),
        ("extra", object()),
        ("weight", float("nan")),
        ("weight", float("inf")),
        ("class_", "x" * 21),
        ("paid_at", dt.datetime(2026, 1, 1)),
        ("last_change_of_payment_conditions_by", 2**24),
        ("last_change_of_payment_conditions_at", dt.datetime(2107, 1, 1, tzinfo=dt.UTC)),
        ("no", None),
    ],
)
def test_what_a_column_cannot_hold_is_refused(run: Run, column: str, value: object) -> None:
    async def scenario(database: model.Database) -> None:
        orders = shop.OrderModel(database)
        with pytest.raises(errors.InvalidArgument):
            await orders.insert(**{"no": "refused", "user_id": 1, "digest": b"1234", column: value})
        assert await orders.find_one_by_no("refused") is None

    run(scenario)


def test_keys_of_several_columns_and_keys_that_are_given(run: Run) -> None:
    async def scenario(database: model.Database) -> None:
        lines, days = shop.OrderLineModel(database), shop.DayModel(database)
        line = await lines.insert(order_id=8, line=2, sku="b", added=MOMENT.replace(microsecond=0))
        await lines.insert(order_id=8, line=1, sku="a")
        assert await lines.find_one(8, 2) == line == await lines.find_one_by_sku("b")
        assert await lines.find_one(2, 8) is None
        line.sku = "c"
        assert await lines.update(line) is True
        assert await lines.find_one(8, 2) == line
        assert await lines.delete(8, 2) is True
        assert await lines.find_one(8, 1) is not None
        day = await days.insert(day=dt.date(2024, 2, 29), rate=Decimal("1.5"))
        assert await days.find_one_by_rate(Decimal("1.50")) == day
        assert await days.find_many_by_rate_day(Decimal("1.5"), day.day) == [day]

    run(scenario)


def test_fractions_are_found_in_a_column_of_four_bytes(run: Run) -> None:
    async def scenario(database: model.Database) -> None:
        lines = shop.OrderLineModel(database)
        line = await lines.insert(order_id=9, line=1, sku="light", weight=0.1)
        assert await lines.find_many_by_weight(0.1) == [line]

    run(scenario)


def test_a_table_of_a_generated_key_alone(run: Run) -> None:
    async def scenario(database: model.Database) -> None:
        tickets = shop.TicketModel(database)
        first, second = await tickets.insert(), await tickets.insert()
        assert second.id > first.id > 0
        assert not hasattr(tickets, "update")

    run(scenario)


def test_rows_that_one_index_finds_are_ordered_by_key(run: Run) -> None:
    async def scenario(database: model.Database) -> None:
        orders = shop.OrderModel(database)
        stored = [
            await orders.insert(no=f"ordered{number}", user_id=77, digest=b"1234") for number in range(3)
        ]
        assert await orders.find_many_by_user_id_state(77, -1) == stored

    run(scenario)


def test_repositories_take_part_in_a_transaction(run: Run) -> None:
    async def scenario(database: model.Database) -> None:
        tickets = shop.TicketModel(database)
        with pytest.raises(LookupError):
            async with database.transaction():
                ticket = await tickets.insert()
                raise LookupError
        assert await tickets.find_one(ticket.id) is None

    run(scenario)


def test_types_that_build_files_choose(run: Run) -> None:
    async def scenario(database: model.Database) -> None:
        ticket = await shop.TicketModel(database).insert()
        parcels = shop.ParcelModel(database)
        given = {
            "kind": shop.ParcelKind.SMALL_PARCEL,
            "label": "chosen",
            "opens": dt.time(23, 59, 59, 250_000),
            "is_urgent": True,
            "season": 2155,
            "width": Decimal("9.99"),
            "status": HTTPStatus.GONE,
            "tags": ["a", "ä"],
        }
        parcel = await parcels.insert(ticket_id=ticket.id, **given)
        assert {name: getattr(parcel, name) for name in given} == given
        assert type(parcel.status) is HTTPStatus
        assert parcel.area == Decimal("99.8001")
        assert await parcels.find_one_by_label("chosen") == parcel
        day = await shop.DayModel(database).insert(day=dt.date(2026, 1, 1), rate=0.125)
        assert (day.rate, type(day.rate)) == (0.125, float)
        assert await shop.DayModel(database).find_one_by_rate(0.125) == day

    run(scenario)


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("kind", "palette", errors.InvalidArgument),
        ("label", "x" * 41, errors.InvalidArgument),
        ("label", None, errors.InvalidArgument),
        ("opens", dt.time(1, tzinfo=dt.UTC), errors.InvalidArgument),
        ("opens", dt.time(23, 59, 59, 999_999), errors.InvalidArgument),
        ("season", 1900, errors.InvalidArgument),
        ("season", 2156, errors.InvalidArgument),
        ("width", Decimal(0), errors.InvalidArgument),
        ("width", Decimal(1000), errors.InvalidArgument),
        ("status", 2**15, errors.InvalidArgument),
        ("tags", [float("nan"), object()], errors.InvalidArgument),
        ("ticket_id", 2**31 - 1, errors.FailedPrecondition),
    ],
)
def test_the_same_is_refused_everywhere(
    run: Run, column: str, value: object, kind: type[errors.ZeroError]
) -> None:
    async def scenario(database: model.Database) -> None:
        ticket = await shop.TicketModel(database).insert()
        good = {"ticket_id": ticket.id, "label": "bad", "width": Decimal(1), "tags": []}
        parcels = shop.ParcelModel(database)
        with pytest.raises(kind):
            await parcels.insert(**{**good, column: value})
        assert await parcels.find_one_by_label("bad") is None
        assert await parcels.insert_many([shop.NewParcel(**good)]) == 1
        assert await parcels.update_columns(
            parcels_id(await parcels.find_one_by_label("bad")), width=Decimal(2)
        )
        assert await parcels.purge(parcels_id(await parcels.find_one_by_label("bad"))) is True

    def parcels_id(row: Any) -> int:
        number: int = row.id
        return number

    run(scenario)


def test_a_contract_of_postgresql(run: Run) -> None:
    async def scenario(database: model.Database) -> None:
        shelves, things = stock.ShelfModel(database), stock.ThingModel(database)
        shelf = await shelves.insert(code="A1", levels=3)
        assert (shelf.state, shelf.height, shelf.code) == (stock.ShelfState.EMPTY, 90, "A1")
        assert await shelves.find_one(shelf.id) == shelf == await shelves.find_one_by_code("A1")
        thing = await things.insert(
            shelf_id=shelf.id,
            name="x" * 70_000,
            price=Decimal("12.3"),
            weight=0.1,
            image=b"\0\xff",
            opened=dt.time(8, 30),
            added=MOMENT,
            sold=MOMENT.replace(microsecond=1000),
        )
        assert (thing.tags, thing.is_sold, thing.price) == ([], False, Decimal("12.30"))
        assert thing.weight == pytest.approx(0.1, rel=1e-7)
        assert (thing.added, thing.opened, thing.image) == (MOMENT, dt.time(8, 30), b"\0\xff")
        assert await things.find_many_by_shelf_id_price(shelf.id, Decimal("12.30")) == [thing]
        assert await shelves.delete(shelf.id) is True
        kept = await things.find_one(thing.id)
        assert kept.shelf_id is None
        with pytest.raises(errors.InvalidArgument):
            await shelves.insert(code="A2", levels=0)

    run(scenario)


def test_a_contract_of_sqlite(run: Run) -> None:
    async def scenario(database: model.Database) -> None:
        notes = note.NoteModel(database)
        first = await notes.insert(title="One", rate=Decimal("-1.5"), changed=MOMENT.replace(microsecond=0))
        assert await notes.find_many_by_changed(first.changed) == [first]
        listed = await notes.list(notes.columns.rate < Decimal("-1.4"))
        assert listed.rows == [first]

    run(scenario)


def test_an_upsert_minds_one_index_alone(run: Run) -> None:
    async def scenario(database: model.Database) -> None:
        lines = shop.OrderLineModel(database)
        first = await lines.insert(order_id=50, line=1, sku="upsert-1")
        await lines.insert(order_id=50, line=2, sku="upsert-2")
        changed = await lines.upsert(order_id=50, line=1, sku="upsert-3", weight=0.5)
        assert (changed.sku, changed.weight) == ("upsert-3", 0.5)
        assert await lines.find_one(50, 1) == changed != first
        with pytest.raises(model.DuplicateKey) as refused:
            await lines.upsert(order_id=50, line=1, sku="upsert-2")
        assert refused.value.index == "sku"
        same = await lines.upsert_by_sku(order_id=50, line=2, sku="upsert-3", weight=0.25)
        assert (same.line, same.weight) == (1, 0.25), "the row that has the other key stays as it is"
        assert (await lines.find_one(50, 2)).sku == "upsert-2"
        new = await lines.upsert_by_sku(order_id=50, line=3, sku="upsert-4")
        assert await lines.find_one(50, 3) == new

    run(scenario)
