"""What mypy --strict says of code that uses a generated repository."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import zero_runtime

USE = """
import datetime as dt
from collections.abc import AsyncIterator
from decimal import Decimal

from shop_model import Customer, CustomerColumns as c, CustomerModel, NewCustomer, Page, PageModel
from shop_model import Purchase, PurchaseColumns as p, PurchaseModel, PurchaseState
from zero_runtime import model


async def right(customers: CustomerModel, purchases: PurchaseModel, pages: PageModel) -> None:
    page: model.Page[Customer] = await customers.list(c.age == 1, order_by=c.joined.desc())
    rows: list[Customer] = page.rows
    after: str | None = page.next
    await customers.list(c.name.startswith("A"), (c.age < 3) | ~(c.city == "Bonn"), after=after, limit=10)
    await customers.list(c.credit.between(Decimal(1), Decimal(2)), order_by=[c.age.asc(), c.name.desc()])
    await purchases.list(p.state.in_([PurchaseState.NEW]), p.extra.is_null(), order_by=p.state.asc())
    number: int = await customers.count(c.city.is_null(), c.is_friend.is_(True))
    async with customers.stream(c.joined > dt.datetime.now(dt.UTC), order_by=c.id.asc()) as stream:
        typed: AsyncIterator[Customer] = stream
        async for row in stream:
            number += row.age
    customer: Customer = await customers.insert(mobile="1", credit=Decimal(1))
    found: Customer | None = await customers.find_one(customer.id, for_update=True)
    bought: Purchase | None = await purchases.find_one_by_branch_code(1, "x")
    number += await customers.insert_many(NewCustomer(mobile=str(each)) for each in range(3))
    changed: bool = await customers.update_columns(customer.id, city=None, age=3)
    customer = await customers.upsert_by_mobile(mobile="1")
    changed = await pages.update_columns("a", text="x", version=3) or await pages.restore("a")
    many: list[Customer] = await customers.of_city(city="Bonn")
    age: int | None = await customers.age_of(mobile="1")
    async with customers.names(age=3) as names:
        async for name in names:
            print(name.upper(), typed, rows, found, bought, changed, many, age)


async def wrong(customers: CustomerModel, purchases: PurchaseModel, pages: PageModel) -> None:
    await customers.list(c.age == "x")  # wrong
    await customers.list(c.age != None)  # wrong
    await customers.list(c.age < "x")  # wrong
    await customers.list(c.age.in_(["x"]))  # wrong
    await customers.list(c.age.between(1, "x"))  # wrong
    await customers.list(c.age.startswith("x"))  # wrong
    await customers.list(c.age.is_null())  # wrong
    await customers.list(c.name.contains(1))  # wrong
    await customers.list(c.credit > 1.5)  # wrong
    await customers.list(p.number == 1)  # wrong
    await customers.list((c.age == 1) & (p.number == 1))  # wrong
    await customers.list(order_by=p.number.asc())  # wrong
    await customers.list(order_by=c.city.asc())  # wrong
    await customers.list(order_by=c.age)  # wrong
    await customers.list(order_by="age")  # wrong
    await customers.list("age = 1")  # wrong
    await customers.list(True)  # wrong
    await purchases.list(p.state == "paid")  # wrong
    await purchases.list(p.extra == {})  # wrong
    await customers.find_one("x")  # wrong
    await customers.insert(mobile=None)  # wrong
    await customers.insert(id=1, mobile="1")  # wrong
    await customers.update_columns(1, age=None)  # wrong
    await customers.update(Page(id="", slug="", text="", version=1, deleted_at=None))  # wrong
    await customers.age_of(mobile=1)  # wrong
    (await customers.find_one(1)).name  # wrong
"""


def test_mypy_knows_what_is_right(shop: Any, tmp_path: Path) -> None:
    (tmp_path / "use.py").write_text(USE, "utf-8")
    (tmp_path / "shop_model.py").write_text(Path(shop.__file__).read_text("utf-8"), "utf-8")
    options = ("--strict", "--explicit-package-bases", "--follow-imports=silent", f"--cache-dir={os.devnull}")
    roots = os.pathsep.join((str(tmp_path), str(Path(zero_runtime.__file__).parents[1])))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "use.py", "shop_model.py"],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "MYPYPATH": roots,
        },
        capture_output=True,
        text=True,
    )
    assert not done.stderr, done.stderr
    told = {
        int(line.split(":")[1])
        for line in done.stdout.splitlines()
        if line.startswith("use.py:") and ": error:" in line
    }
    expected = {number for number, line in enumerate(USE.split("\n"), 1) if line.endswith("# wrong")}
    assert told == expected, done.stdout
    assert "shop_model.py:" not in done.stdout, done.stdout
