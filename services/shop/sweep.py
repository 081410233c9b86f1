"""What is done every night: orders that were cancelled long ago are deleted."""

import datetime as dt
import os

from shop.shop_model import PurchaseColumns, PurchaseState
from shop.shop_sweep_service import Context

_BATCH = 100
"""Orders that are deleted at a time, so that no transaction is long."""


class Sweep:
    """How long they are kept, in days, is told by the environment variable SHOP_KEPT_DAYS."""

    def __init__(self, context: Context) -> None:
        self._database = context.database
        self._orders = context.purchase_model
        self._lines = context.purchase_line_model
        self._log = context.log
        self._kept = dt.timedelta(days=int(os.environ.get("SHOP_KEPT_DAYS", "90")))

    async def run(self) -> None:
        until = dt.datetime.now(dt.UTC) - self._kept
        cancelled = PurchaseColumns.state == PurchaseState.CANCELLED, PurchaseColumns.update_time < until
        deleted = 0
        while rows := (await self._orders.list(*cancelled, limit=_BATCH)).rows:
            async with self._database.transaction():
                for row in rows:
                    await self._lines.delete_lines(purchase_id=row.id)
                    await self._orders.delete(row.id)
            deleted += len(rows)
        self._log.info("deleted %d orders", deleted)
