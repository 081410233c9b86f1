"""The least that the logic of a job is."""

from order.order_sweep_service import Context
from user.user_pb2 import UserInfoRequest


class Sweep:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def run(self) -> None:
        stock = await self._context.stock_model.find_one("7")
        await self._context.user_rpc.user_info(UserInfoRequest(id=1), timeout=1)
        self._context.log.info("stock: %s", stock)
