"""How far an order or a return has come, in one small look: for those who must decide quickly."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.ids import OrderId, ReturnId
from domain.lifecycles import OrderStatus, ReturnStatus
from storage.outages import transaction

_ORDER = text("SELECT status, seq FROM orders WHERE order_id = :order_id")
_RETURN = text("SELECT status FROM returns WHERE return_id = :return_id")


@dataclass(frozen=True)
class OrderProgress:
    """`seq` is 0 until the order's workflow has said something of itself."""

    status: OrderStatus
    seq: int


class Progress:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def of_order(self, order_id: OrderId) -> OrderProgress | None:
        async with transaction(self._engine) as connection:
            row = (await connection.execute(_ORDER, {"order_id": order_id})).one_or_none()
        return OrderProgress(OrderStatus(row.status), row.seq) if row else None

    async def of_return(self, return_id: ReturnId) -> ReturnStatus | None:
        async with transaction(self._engine) as connection:
            status = await connection.scalar(_RETURN, {"return_id": return_id})
        return ReturnStatus(status) if status else None
