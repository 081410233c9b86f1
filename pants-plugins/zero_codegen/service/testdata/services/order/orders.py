"""The least that logic of `Orders` is."""

from collections.abc import AsyncIterator

from order.order_pb2 import Order
from order.order_rpc import OrdersRpc
from order.order_rpc_service import Context
from user.user_pb2 import UserInfoRequest


class OrdersLogic(OrdersRpc):
    def __init__(self, context: Context) -> None:
        self._context = context

    async def place(self, request: Order) -> Order:
        await self._context.user_rpc.user_info(UserInfoRequest(id=request.user_id), timeout=1)
        return request

    async def follow(self, request: Order) -> AsyncIterator[Order]:
        yield request
