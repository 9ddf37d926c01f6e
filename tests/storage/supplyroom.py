"""Documents to bring goods into the small stockroom, and what they say there."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.supply import Arrival, Counted, NewSupply, OrderedLine, Supply
from storage.supply import Supplies
from tests.storage.stockroom import rows


def in_days(days: int) -> date:
    return datetime.now(UTC).date() + timedelta(days)


def goods(*lines: tuple[str, int, int], origin: str | None = None, **more: Any) -> NewSupply:
    """Lines of SKU, quantity and the days until they come."""
    said: dict[str, Any] = {"destination": "berlin", "origin": origin} | more
    return NewSupply(
        lines=tuple(
            OrderedLine(sku=sku, quantity=quantity, expected_on=in_days(days))
            for sku, quantity, days in lines
        ),
        **said,
    )


def came(*lines: tuple[str, int] | tuple[str, int, int]) -> tuple[Arrival, ...]:
    return tuple(
        Arrival(sku=line[0], quantity=line[1], damaged=line[2] if len(line) > 2 else 0)
        for line in lines
    )


def found(*lines: tuple[str, int]) -> tuple[Counted, ...]:
    return tuple(Counted(sku=sku, quantity=quantity) for sku, quantity in lines)


async def ordered(supplies: Supplies, *lines: tuple[str, int, int], **more: Any) -> str:
    """A purchase order to Berlin."""
    key = f"open-{lines}-{more}"
    return (await supplies.open(goods(*lines, **more), key, "ann")).supply_id


def awaited(supply: Supply) -> list[int]:
    return [line.awaited for line in supply.lines]


def differed(supply: Supply) -> list[tuple[str, str, int]]:
    return [(one.kind, one.sku, one.quantity) for one in supply.discrepancies]


async def sound(engine: AsyncEngine) -> bool:
    """Counters are what the ledger says, and what is incoming is what documents await."""
    drift = await rows(engine, "SELECT * FROM stock_drift()")
    return not drift and not await rows(engine, "SELECT * FROM supply_drift()")
