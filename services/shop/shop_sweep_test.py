"""The sweep on a database in memory."""

import asyncio
import logging
from decimal import Decimal

import pytest
from shop.shop_api import Delivery
from shop.shop_model import SCHEMA, ProductModel, PurchaseLineModel, PurchaseModel, PurchaseState
from shop.shop_sweep_service import Config, Context
from shop.sweep import Sweep

from zero_runtime import model
from zero_runtime.testing import database


def context(tables: model.Database) -> Context:
    return Context(
        config=Config(data_source="sqlite://"),
        database=tables,
        product_model=ProductModel(tables),
        purchase_model=PurchaseModel(tables),
        purchase_line_model=PurchaseLineModel(tables),
        log=logging.getLogger("test"),
    )


async def order(context: Context, state: PurchaseState) -> int:
    """The number of an order with one line."""
    row = await context.purchase_model.insert(
        customer_id=1, total=Decimal(), state=state, delivery=Delivery(shop="Berlin"), channel="web"
    )
    await context.purchase_line_model.insert(
        purchase_id=row.id, line=1, sku="saw", quantity=1, warehouse="north"
    )
    return row.id


@pytest.mark.parametrize(("kept_days", "deleted"), [(1, 0), (-1, 101)])
def test_orders_that_were_cancelled_long_ago_are_deleted(
    kept_days: int, deleted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEPT_DAYS", str(kept_days))

    async def test() -> None:
        async with database(SCHEMA, cached=True) as tables:
            shop = context(tables)
            cancelled = [await order(shop, PurchaseState.CANCELLED) for _ in range(101)]
            kept = [*cancelled[deleted:], await order(shop, PurchaseState.OPEN)]
            await Sweep(shop).run()
            rows = (await shop.purchase_model.list(limit=200)).rows
            lines = (await shop.purchase_line_model.list(limit=200)).rows
            assert [row.id for row in rows] == [line.purchase_id for line in lines] == kept

    asyncio.run(test())
