"""The least that logic of `Stock` is."""

from collections.abc import AsyncIterator

from google.protobuf.empty_pb2 import Empty
from order.order_pb2 import Order
from order.order_rpc import StockRpc
from order.order_rpc_service import Context


class StockLogic(StockRpc):
    def __init__(self, context: Context) -> None:
        self._context = context

    async def place(self, request: Order) -> Empty:
        await self._context.stock_model.find_one(str(request.id))
        return Empty()

    async def fill(self, requests: AsyncIterator[Order]) -> Empty:
        async for order in requests:
            self._context.log.info("order %s", order.id)
        return Empty()
