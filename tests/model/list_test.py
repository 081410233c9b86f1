"""Lists agree with filtering in Python, and pages have each row once, whatever else happens to the table."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from operator import attrgetter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.model.places import Run
from zero_runtime import errors, model
from zero_runtime.model import paging

Check = Callable[[Any], bool | None]
"""A filter in Python; None is SQL's unknown."""

MANY = settings(
    max_examples=100,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TEXTS = ["", "A", "a", "Ab", "aB", "b%", "b_", "%", "_", "!", "\\", "'", '"', "ä", "Z", "a b", "漢"]
NAMES = st.sampled_from(TEXTS)
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "__eq__": lambda a, b: a == b,
    "__ne__": lambda a, b: a != b,
    "__lt__": lambda a, b: a < b,
    "__le__": lambda a, b: a <= b,
    "__gt__": lambda a, b: a > b,
    "__ge__": lambda a, b: a >= b,
}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "age": st.integers(-3, 3),
    "credit": st.sampled_from([Decimal(text) for text in ("-10.00", "-9.5", "0", "2", "9.99", "10", "100")]),
    "is_friend": st.booleans(),
    "name": NAMES,
    "city": NAMES,
}
NULLABLE = ("city",)
TEXT_COLUMNS = ("name", "city")


class Condition:
    """A filter twice: made of columns, and in Python."""

    def __init__(self, make: Callable[[Any], Any], check: Check, text: str) -> None:
        self.make, self.check, self.text = make, check, text

    def __repr__(self) -> str:
        return self.text


def known(name: str, check: Callable[[Any], bool]) -> Check:
    return lambda row: None if getattr(row, name) is None else check(getattr(row, name))


@st.composite
def comparisons(draw: st.DrawFn) -> Condition:
    name = draw(st.sampled_from(sorted(VALUES)))
    value = draw(VALUES[name])
    # Which text is greater than another is for each database to say; what is equal is not.
    methods = ["__eq__", "__ne__", "in_"] if name in TEXT_COLUMNS else [*COMPARISONS, "in_", "between"]
    if name in TEXT_COLUMNS:
        methods += ["startswith", "contains"]
    if name in NULLABLE:
        methods.append("is_null")
    method = draw(st.sampled_from(methods))
    text = f"{name}.{method}({value!r})"
    if method == "is_null":
        return Condition(lambda u: getattr(u, name).is_null(), lambda row: getattr(row, name) is None, text)
    if method == "in_":
        values = draw(st.lists(VALUES[name], max_size=3))
        unknown = known(name, lambda held: held in values)
        return Condition(
            lambda u: getattr(u, name).in_(values),
            unknown if values else lambda _: False,
            f"{name} in {values}",
        )
    if method == "between":
        last = draw(VALUES[name])
        return Condition(
            lambda u: getattr(u, name).between(value, last),
            known(name, lambda held: value <= held <= last),
            f"{value} <= {name} <= {last}",
        )
    if method == "startswith":
        check = known(name, lambda held: held.startswith(value))
    elif method == "contains":
        check = known(name, lambda held: value in held)
    else:
        check = known(name, lambda held: COMPARISONS[method](held, value))
    return Condition(lambda u: getattr(getattr(u, name), method)(value), check, text)


def negated(inner: Condition) -> Condition:
    def check(row: Any) -> bool | None:
        found = inner.check(row)
        return None if found is None else not found

    return Condition(lambda u: ~inner.make(u), check, f"~({inner})")


def both(pair: tuple[Condition, Condition]) -> Condition:
    one, two = pair

    def check(row: Any) -> bool | None:
        found = (one.check(row), two.check(row))
        return False if False in found else None if None in found else True

    return Condition(lambda u: one.make(u) & two.make(u), check, f"({one} & {two})")


def either(pair: tuple[Condition, Condition]) -> Condition:
    one, two = pair

    def check(row: Any) -> bool | None:
        found = (one.check(row), two.check(row))
        return True if True in found else None if None in found else False

    return Condition(lambda u: one.make(u) | two.make(u), check, f"({one} | {two})")


CONDITIONS = st.recursive(
    comparisons(),
    lambda inner: inner.map(negated)
    | st.tuples(inner, inner).map(both)
    | st.tuples(inner, inner).map(either),
    max_leaves=5,
)
ORDERS = st.lists(
    st.tuples(st.sampled_from(["age", "credit", "is_friend", "name", "id"]), st.booleans()),
    max_size=3,
    unique_by=lambda order: order[0],
)


async def filled(shop: Any, database: model.Database) -> list[Any]:
    """Forty rows, many alike in all but the key."""
    choice = random.Random(7)
    credits = [Decimal(text) for text in ("-10", "-9.5", "0", "9.99", "10", "100")]
    rows = [
        shop.NewCustomer(
            mobile=str(number),
            age=choice.randint(-3, 3),
            credit=choice.choice(credits),
            is_friend=choice.random() < 0.5,
            name=choice.choice(TEXTS),
            city=choice.choice([None, *TEXTS]),
        )
        for number in range(40)
    ]
    customers = shop.CustomerModel(database)
    await customers.insert_many(rows)
    stored: list[Any] = (await customers.list()).rows
    assert [row.id for row in stored] == sorted(row.id for row in stored) and len(stored) == 40
    return stored


async def walk(customers: Any, *filters: Any, **arguments: Any) -> list[Any]:
    """All rows, page by page."""
    rows, after = [], None
    while True:
        page = await customers.list(*filters, after=after, **arguments)
        rows += page.rows
        if (after := page.next) is None:
            return rows


def test_lists_are_what_filtering_in_python_gives(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers, u = shop.CustomerModel(database), shop.CustomerColumns
        stored = await filled(shop, database)
        loop = asyncio.get_running_loop()

        @MANY
        @given(st.lists(CONDITIONS, max_size=2), ORDERS, st.integers(1, 15))
        def check(conditions: list[Condition], orders: list[tuple[str, bool]], limit: int) -> None:
            asyncio.run_coroutine_threadsafe(compare(conditions, orders, limit), loop).result()

        async def compare(conditions: list[Condition], orders: list[tuple[str, bool]], limit: int) -> None:
            filters = [condition.make(u) for condition in conditions]
            order_by = [
                getattr(u, name).desc() if is_descending else getattr(u, name).asc()
                for name, is_descending in orders
            ]
            expected = [row for row in stored if all(condition.check(row) for condition in conditions)]
            rows = await walk(customers, *filters, order_by=order_by, limit=limit)
            assert sorted(rows, key=attrgetter("id")) == expected
            # Texts are in the order of the database; others in Python's, the key last.
            names = [name for name, _ in orders]
            if "name" not in names:
                is_descending = bool(orders) and orders[-1][1]
                for name, down in reversed([*orders, ("id", is_descending)]):
                    expected.sort(key=attrgetter(name), reverse=down)
                assert rows == expected
            assert rows == (await customers.list(*filters, order_by=order_by)).rows
            assert await customers.count(*filters) == len(rows)
            async with customers.stream(*filters, order_by=order_by) as streamed:
                assert sorted([row.id async for row in streamed]) == sorted(row.id for row in rows)

        await asyncio.to_thread(check)

    run(scenario)


@pytest.mark.parametrize("is_descending", [False, True])
def test_each_row_is_on_one_page_while_others_come_and_go(run: Run, shop: Any, is_descending: bool) -> None:
    async def scenario(database: model.Database) -> None:
        customers, u = shop.CustomerModel(database), shop.CustomerColumns
        stored = await filled(shop, database)
        staying, going = stored[::2], stored[1::2]
        random.Random(3).shuffle(going)
        order = u.age.desc() if is_descending else u.age.asc()
        walked, after = [], None
        for number in range(100):
            page = await customers.list(order_by=order, after=after, limit=3)
            walked += page.rows
            if (after := page.next) is None:
                break
            if going:
                await customers.delete(going.pop().id)
            await customers.insert(mobile=f"new {number}", age=number % 7 - 3)
        else:
            pytest.fail("the pages have no end")
        ids = [row.id for row in walked]
        assert len(ids) == len(set(ids)), "a row twice"
        assert {row.id for row in staying} <= set(ids), "a row is missing"

    run(scenario)


def test_pages_of_a_composite_key(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers, purchases = shop.CustomerModel(database), shop.PurchaseModel(database)
        owners = [await customers.insert(mobile=str(number)) for number in range(3)]
        for owner in owners:
            for number in range(4):
                await purchases.insert(
                    customer_id=owner.id,
                    number=number,
                    code=f"{owner.id} {number}",
                    amount=Decimal(number % 2),
                    state=list(shop.PurchaseState)[number % 3],
                )
        p = shop.PurchaseColumns
        rows = await walk(purchases, limit=5)
        assert [(row.customer_id, row.number) for row in rows] == [
            (owner.id, number) for owner in owners for number in range(4)
        ]
        by_state = await walk(purchases, order_by=[p.state.desc(), p.amount.asc()], limit=2)
        assert [row.state for row in by_state] == sorted((row.state for row in rows), reverse=True)
        assert len({(row.customer_id, row.number) for row in by_state}) == 12
        paid = await walk(purchases, p.state == shop.PurchaseState.PAID, limit=2)
        assert paid == [row for row in rows if row.state is shop.PurchaseState.PAID]

    run(scenario)


FORGED: list[Any] = ["x' OR 1=1 --", b"\x00", 2**64 - 1, 1e300, float("nan"), True, None, ["x"], {"a": 1}]


def test_forged_places_do_no_harm(run: Run, shop: Any) -> None:
    """Whoever can make the digest may say whatever he likes."""

    async def scenario(database: model.Database) -> None:
        customers, u = shop.CustomerModel(database), shop.CustomerColumns
        stored = await filled(shop, database)
        orders = (u.age.asc(), u.name.asc(), u.joined.asc(), u.credit.asc(), u.id.asc())
        for at, order in enumerate(orders):
            for value in FORGED:
                places = [*orders]
                places[at] = replace(order, column=replace(order.column, encode=lambda _, value=value: value))
                text = paging.position(places, stored[0], customers._table)
                try:
                    page = await customers.list(order_by=orders, after=text, limit=40)
                except errors.InvalidArgument:
                    continue
                assert isinstance(value, bool | int | float | str | bytes)
                assert len({row.id for row in page.rows}) == len(page.rows)
        assert len((await customers.list()).rows) == 40

    run(scenario)


def test_a_page_is_of_its_order_and_a_limit_is_limited(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers, u = shop.CustomerModel(database), shop.CustomerColumns
        await filled(shop, database)
        first = await customers.list(order_by=u.age.asc(), limit=2)
        assert first.next is not None
        for order in (u.age.desc(), u.name.asc(), [], [u.age.asc(), u.name.asc()]):
            with pytest.raises(errors.InvalidArgument, match="no page"):
                await customers.list(order_by=order, after=first.next)
        for text in ("", "x", first.next[:-2], first.next + "A", "' OR 1=1 --"):
            with pytest.raises(errors.InvalidArgument, match="no page"):
                await customers.list(order_by=u.age.asc(), after=text)
        for limit in (0, -1, 10_001):
            with pytest.raises(errors.InvalidArgument, match="limit"):
                await customers.list(limit=limit)
        with pytest.raises(errors.InvalidArgument, match="the most"):
            await customers.list(u.age.in_(range(30_001)))
        assert (await customers.list(u.age.in_(range(20_000)))).rows
        exact = await customers.list(limit=40)
        assert (len(exact.rows), exact.next) == (40, None)

    run(scenario)
