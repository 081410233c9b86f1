"""The shop: products that staff looks after, and the orders of customers."""

import asyncio
import decimal
from collections.abc import AsyncIterator, Sequence

import msgspec
from common.page_api import PageRequest
from shop import products_csv, shop_model
from shop.shop_api import (
    CreateOrderRequest,
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
from shop.shop_model import (
    NewPurchaseLine,
    ProductColumns,
    Purchase,
    PurchaseColumns,
    PurchaseLine,
    PurchaseLineColumns,
    PurchaseState,
)
from shop.shop_service import Context

from zero_runtime import rest
from zero_runtime.errors import NotFound
from zero_runtime.model import DuplicateKey

_BEFORE = {
    PurchaseState.SHIPPED: PurchaseState.OPEN,
    PurchaseState.DELIVERED: PurchaseState.SHIPPED,
    PurchaseState.CANCELLED: PurchaseState.OPEN,
}
"""The state that an order leaves for another."""

_WATCH_INTERVAL = 0.5
"""Seconds between two looks at an order that is followed: another replica may have changed its state."""


class ShopLogic(ShopApi):
    def __init__(self, context: Context) -> None:
        self._database = context.database
        self._products = context.product_model
        self._orders = context.purchase_model
        self._lines = context.purchase_line_model
        self._log = context.log
        self._sorted = {
            "name": self._products.by_name,
            "price": self._products.by_price,
            "-price": self._products.by_price_descending,
        }

    # Products

    async def list_products(self, request: ListProductsRequest) -> ProductPage:
        least = 1 if request.in_stock else 0
        rows = await self._sorted[request.sort](
            category=request.category, least=least, size=request.size, skipped=_skipped(request)
        )
        return ProductPage(
            page=request.page,
            size=request.size,
            total=await self._products.count(
                ProductColumns.category == request.category, ProductColumns.stock >= least
            ),
            products=[_product(row) for row in rows],
        )

    async def get_product(self, request: ProductKey) -> Product:
        return _product(await self._product(request.sku))

    async def export_products(self) -> rest.Content:
        return products_csv.write(self._products)

    async def get_prices(self, request: list[Sku]) -> dict[str, decimal.Decimal]:
        async with self._products.stream(ProductColumns.sku.in_(request)) as rows:
            return {row.sku: row.price async for row in rows}

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
                    delivery=request.delivery,
                    channel=request.channel,
                )
                await self._lines.insert_many(
                    NewPurchaseLine(
                        purchase_id=row.id,
                        line=number,
                        sku=line.sku,
                        quantity=line.quantity,
                        warehouse=line.warehouse,
                    )
                    for number, line in enumerate(request.lines, 1)
                )
        except DuplicateKey:
            assert key is not None  # nothing else is unique
            earlier = await self._orders.find_one_by_customer_id_idempotency_key(customer, key)
            if earlier is None:
                raise
            row = earlier
        return await self._order(row)

    async def list_orders(self, request: PageRequest, claims: rest.Claims) -> OrderPage:
        customer = claims["userId"]
        rows = await self._orders.latest(customer_id=customer, size=request.size, skipped=_skipped(request))
        return OrderPage(
            page=request.page,
            size=request.size,
            total=await self._orders.count(PurchaseColumns.customer_id == customer),
            orders=await self._with_lines(rows),
        )

    async def get_order(self, request: OrderKey, claims: rest.Claims) -> Order:
        return await self._order(await self._order_of(claims, request.id))

    async def cancel_order(self, request: OrderKey, claims: rest.Claims) -> None:
        row = await self._order_of(claims, request.id)
        async with self._database.transaction():
            await self._move(row.id, PurchaseState.CANCELLED)
            for line in sorted((await self._lines_of(row))[row.id], key=_sku):
                await self._products.put_back(sku=line.sku, quantity=line.quantity)

    async def watch_order(self, request: OrderKey, claims: rest.Claims) -> AsyncIterator[OrderEvent]:
        told: PurchaseState | None = None
        while told not in (PurchaseState.DELIVERED, PurchaseState.CANCELLED):
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
        await self._move(request.id, PurchaseState(request.state))

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
        return await self._products.upsert(**msgspec.structs.asdict(product))

    async def _take(self, line: OrderLine) -> decimal.Decimal:
        """Takes the pieces of a line from the stock and tells what one of them costs."""
        product = await self._product(line.sku)
        if not await self._products.take(sku=line.sku, quantity=line.quantity):
            raise rest.HttpError(409, f"there are not {line.quantity} pieces of {line.sku} in stock")
        return product.price

    async def _move(self, id: int, state: PurchaseState) -> None:
        before = _BEFORE[state]
        if not await self._orders.move(id=id, state=state, before=before):
            raise rest.HttpError(409, f"only an order that is {before} becomes {state}")

    async def _order_of(self, claims: rest.Claims, id: int) -> Purchase:
        row = await self._orders.find_one(id)
        if row is None or row.customer_id != claims["userId"]:
            raise NotFound(f"you have no order {id}")
        return row

    async def _order(self, row: Purchase) -> Order:
        (order,) = await self._with_lines([row])
        return order

    async def _with_lines(self, rows: Sequence[Purchase]) -> list[Order]:
        lines = await self._lines_of(*rows)
        return [
            Order(
                id=row.id,
                state=row.state,
                total=row.total,
                lines=[
                    OrderLine(sku=line.sku, quantity=line.quantity, warehouse=line.warehouse)
                    for line in lines[row.id]
                ],
                delivery=row.delivery,
                channel=row.channel,
                create_time=row.create_time,
            )
            for row in rows
        ]

    async def _lines_of(self, *orders: Purchase) -> dict[int, list[PurchaseLine]]:
        """The lines of orders, by the orders' ids, with one query for all."""
        lines: dict[int, list[PurchaseLine]] = {order.id: [] for order in orders}
        async with self._lines.stream(
            PurchaseLineColumns.purchase_id.in_(lines), order_by=PurchaseLineColumns.line.asc()
        ) as rows:
            async for row in rows:
                lines[row.purchase_id].append(row)
        return lines


def _skipped(request: PageRequest | ListProductsRequest) -> int:
    """How many rows are on the pages before this one; the first is page 1."""
    return (request.page - 1) * request.size


def _product(row: shop_model.Product) -> Product:
    return msgspec.convert(row, Product, from_attributes=True)


def _sku(line: OrderLine | PurchaseLine) -> Sku:
    return line.sku
