"""The shop: products that staff looks after, and the orders of customers."""

import asyncio
import decimal
from collections.abc import AsyncIterator

import msgspec
from common.page_api import PageRequest
from shop import products_csv, shop_model
from shop.shop_api import (
    CreateOrderRequest,
    Delivery,
    ImportProductsRequest,
    ImportProductsResponse,
    ListProductsRequest,
    Order,
    OrderEvent,
    OrderKey,
    OrderLine,
    OrderPage,
    Product,
    ProductKey,
    ProductPage,
    PutProductRequest,
    SetOrderStateRequest,
    ShopApi,
    Sku,
)
from shop.shop_service import Context

from zero_runtime import rest
from zero_runtime.errors import NotFound
from zero_runtime.model import DuplicateKey, Statement

# One statement each, so that two orders cannot take the same last piece, nor two people change the same state.
_TAKE = Statement(
    sqlite="UPDATE product SET stock = stock - ? WHERE sku = ? AND stock >= ?",
    mysql="UPDATE product SET stock = stock - %s WHERE sku = %s AND stock >= %s",
)
_PUT_BACK = Statement(
    sqlite="UPDATE product SET stock = stock + ? WHERE sku = ?",
    mysql="UPDATE product SET stock = stock + %s WHERE sku = %s",
)
_MOVE = Statement(
    sqlite="UPDATE purchase SET state = ?, update_time = CURRENT_TIMESTAMP WHERE id = ? AND state = ?",
    mysql="UPDATE purchase SET state = %s WHERE id = %s AND state = %s",
)

_BEFORE = {"shipped": "open", "delivered": "shipped", "cancelled": "open"}
"""The state that an order leaves for another."""

_WATCH_INTERVAL = 0.5
"""Seconds between two looks at an order that somebody follows: its state may be changed by another replica."""


class ShopLogic(ShopApi):
    def __init__(self, context: Context) -> None:
        self._database = context.database
        self._products = context.product_model
        self._orders = context.purchase_model
        self._lines = context.purchase_line_model
        self._log = context.log

    # Products

    async def list_products(self, request: ListProductsRequest) -> ProductPage:
        rows = await self._products.find_many_by_category(request.category)
        found = [row for row in rows if row.stock or not request.in_stock]
        found.sort(key=lambda row: row.name.casefold())
        if request.sort != "name":
            found.sort(key=lambda row: row.price, reverse=request.sort == "-price")
        products = [_product(row) for row in found[_part(request.page, request.size)]]
        return ProductPage(page=request.page, size=request.size, total=len(found), products=products)

    async def get_product(self, request: ProductKey) -> Product:
        return _product(await self._product(request.sku))

    async def export_products(self) -> rest.Content:
        return products_csv.write(self._products)

    async def get_prices(self, request: list[Sku]) -> dict[str, decimal.Decimal]:
        rows = [await self._products.find_one(sku) for sku in dict.fromkeys(request)]
        return {row.sku: row.price for row in rows if row is not None}

    async def public_cache_middleware(self, request: rest.Request, proceed: rest.Endpoint) -> rest.Response:
        """Lets browsers and proxies keep what everybody may see."""
        response = await proceed(request)
        response.headers = (*response.headers, (b"cache-control", b"public, max-age=10"))
        return response

    # Orders

    async def create_order(self, request: CreateOrderRequest, claims: rest.Claims) -> Order:
        customer, key = claims["userId"], request.idempotency_key or None
        try:
            async with self._database.transaction():
                # In one order for all, so that two orders never wait for each other.
                prices = {line.sku: await self._take(line) for line in sorted(request.lines, key=_sku)}
                row = await self._orders.insert(
                    customer_id=customer,
                    idempotency_key=key,
                    total=sum(
                        (prices[line.sku] * line.quantity for line in request.lines), decimal.Decimal()
                    ),
                    delivery=msgspec.json.encode(request.delivery).decode(),
                    channel=request.channel,
                )
                for number, line in enumerate(request.lines, 1):
                    await self._lines.insert(
                        purchase_id=row.id,
                        line=number,
                        sku=line.sku,
                        quantity=line.quantity,
                        warehouse=line.warehouse,
                    )
        except DuplicateKey:
            assert key is not None  # nothing else is unique
            earlier = await self._orders.find_one_by_customer_id_idempotency_key(customer, key)
            if earlier is None:
                raise
            row = earlier
        return await self._order(row)

    async def list_orders(self, request: PageRequest, claims: rest.Claims) -> OrderPage:
        rows = await self._orders.find_many_by_customer_id(claims["userId"])
        orders = [await self._order(row) for row in rows[::-1][_part(request.page, request.size)]]
        return OrderPage(page=request.page, size=request.size, total=len(rows), orders=orders)

    async def get_order(self, request: OrderKey, claims: rest.Claims) -> Order:
        return await self._order(await self._order_of(claims, request.id))

    async def cancel_order(self, request: OrderKey, claims: rest.Claims) -> None:
        row = await self._order_of(claims, request.id)
        async with self._database.transaction():
            await self._move(row.id, "cancelled")
            lines = await self._lines.find_many_by_purchase_id(row.id)
            for line in sorted(lines, key=_sku):
                await self._database.execute(_PUT_BACK, (line.quantity, line.sku))

    async def watch_order(self, request: OrderKey, claims: rest.Claims) -> AsyncIterator[OrderEvent]:
        told = ""
        while told not in ("delivered", "cancelled"):
            row = await self._order_of(claims, request.id)
            if row.state != told:
                told = row.state
                yield OrderEvent(state=told, time=row.update_time)
            else:
                await asyncio.sleep(_WATCH_INTERVAL)

    # Staff

    async def staff_put_product(self, request: PutProductRequest, claims: rest.Claims) -> Product:
        return _product(await self._put(request))

    async def staff_import_products(
        self, request: ImportProductsRequest, claims: rest.Claims
    ) -> ImportProductsResponse:
        products = products_csv.read(request.file.content)
        if not request.dry_run:
            async with self._database.transaction():
                for product in products:
                    await self._put(product)
        return ImportProductsResponse(products=len(products))

    async def staff_set_order_state(self, request: SetOrderStateRequest, claims: rest.Claims) -> None:
        await self._move(request.id, request.state)

    async def audit_middleware(self, request: rest.Request, proceed: rest.Endpoint) -> rest.Response:
        """Keeps in the log who of the staff wanted what."""
        self._log.info("%s: %s %s", request.claims.get("name", "?"), request.method, request.path)
        return await proceed(request)

    # What they share

    async def _product(self, sku: Sku) -> shop_model.Product:
        row = await self._products.find_one(sku)
        if row is None:
            raise NotFound(f"there is no product {sku}")
        return row

    async def _put(self, product: PutProductRequest) -> shop_model.Product:
        values = msgspec.structs.asdict(product)
        row = await self._products.find_one(product.sku)
        if row is None:
            return await self._products.insert(**values)
        await self._products.update(msgspec.structs.replace(row, **values))
        return await self._product(product.sku)

    async def _take(self, line: OrderLine) -> decimal.Decimal:
        """Takes the pieces of a line from the stock and tells what one of them costs."""
        product = await self._product(line.sku)
        if not await self._database.execute(_TAKE, (line.quantity, line.sku, line.quantity)):
            raise rest.HttpError(409, f"there are not {line.quantity} pieces of {line.sku} in stock")
        return product.price

    async def _move(self, id: int, state: str) -> None:
        if not await self._database.execute(_MOVE, (state, id, _BEFORE[state])):
            raise rest.HttpError(409, f"only an order that is {_BEFORE[state]} becomes {state}")

    async def _order_of(self, claims: rest.Claims, id: int) -> shop_model.Purchase:
        row = await self._orders.find_one(id)
        if row is None or row.customer_id != claims["userId"]:
            raise NotFound(f"you have no order {id}")
        return row

    async def _order(self, row: shop_model.Purchase) -> Order:
        lines = await self._lines.find_many_by_purchase_id(row.id)
        return Order(
            id=row.id,
            state=row.state,
            total=row.total,
            lines=[
                OrderLine(sku=line.sku, quantity=line.quantity, warehouse=line.warehouse) for line in lines
            ],
            delivery=msgspec.json.decode(row.delivery, type=Delivery),
            channel=row.channel,
            create_time=row.create_time,
        )


def _part(page: int, size: int) -> slice:
    """Where a page, counted from 1, is in a list."""
    return slice((page - 1) * size, page * size)


def _product(row: shop_model.Product) -> Product:
    return msgspec.convert(row, Product, from_attributes=True)


def _sku(line: OrderLine | shop_model.PurchaseLine) -> Sku:
    return line.sku
