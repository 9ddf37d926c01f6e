"""Purchase orders, transfers and counts: every deed is one call of a function in PostgreSQL.

The functions (migration 0004) lock, move the stock, share out what came and refuse; this module
translates. A repeat under a deed's key changes nothing and answers what was answered.
"""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from pydantic import BaseModel
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import Refused
from domain.supply import (
    Arrival,
    Counted,
    Discrepancy,
    NewSupply,
    StockCount,
    Supply,
    SupplyKind,
    SupplyState,
)
from storage.documents import storable
from storage.engine import alone
from storage.stock_calls import stock_connection
from storage.supply_moves import Moves, skus_of
from storage.supply_promises import Promises

PAGE_MAX = 500
NUMBER_MAX = 2**63 - 1

_OPEN = text("""
SELECT supply_open(:kind, :key, :origin, :destination, :reference, CAST(:lines AS jsonb),
                   :reason, :by)
""")
_DISPATCH = text("SELECT supply_dispatch(:key, :supply_id, :reason, :by)")
_RECEIVE = text("""
SELECT supply_receive(:key, :supply_id, CAST(:lines AS jsonb), :reason, :by)
""")
_RESCHEDULE = text("""
SELECT supply_reschedule(:key, :supply_id, CAST(:sku AS text), CAST(:line AS integer),
                         CAST(:expected_on AS date), :reason, :by)
""")
_END = text("SELECT supply_end(:key, :deed, :supply_id, :reason, :by)")
_COUNT = text("SELECT supply_count(:key, :location, CAST(:lines AS jsonb), :reason, :by)")

_SHOWN = text("SELECT supply_shown(:supply_id)")
_LIST = text("""
SELECT supply_shown(s.supply_id) FROM supplies s
 WHERE s.kind = :kind AND s.number < :before
   AND (CAST(:state AS text) IS NULL OR s.state = :state)
 ORDER BY s.number DESC LIMIT :limit
""")
_COUNT_SHOWN = text("SELECT supply_count_shown(:count_id)")
_COUNTS = text("""
SELECT supply_count_shown(c.count_id) FROM stock_counts c
 WHERE c.number < :before ORDER BY c.number DESC LIMIT :limit
""")
_DISCREPANCIES = text("""
SELECT to_jsonb(d) FROM stock_discrepancies d
 WHERE d.id < :before AND (CAST(:sku AS text) IS NULL OR d.sku = :sku)
   AND (CAST(:location AS text) IS NULL OR d.location = :location)
 ORDER BY d.id DESC LIMIT :limit
""")


class SupplyRefused(ValueError):
    """A deed that cannot be done; nothing was changed.

    `field` is what is wrong of what was asked, empty where the document's state is in the way;
    `code` is for programs, `reason` completes the sentence that begins with the field.
    """

    def __init__(self, field: str, code: str, reason: str) -> None:
        super().__init__(f"{field or 'it'} {reason}")
        self.field = field
        self.code = code
        self.reason = reason


_REFUSALS = {
    "unknown_supply": "is not known",
    "unknown_location": "is not one of ours",
    "unknown_sku": "is not in the catalogue",
    "bundle_has_stock": "is a bundle, which has no stock of its own",
    "not_on_document": "is not on this document, or nothing of it is to come",
    "named_twice": "was named before",
    "below_reserved": "is more than is there and promised to nobody",
    "missing": "must say why goods are no longer expected",
    "key_reused": "was used to say something else",
    "not_a_transfer": "is no transfer",
    "not_dispatched": "has not been dispatched",
    "dispatched": "has been dispatched already",
    "closed": "is closed",
    "cancelled": "is cancelled",
    "received_in_part": "has been received in part: close it",
}
_OF_COUNTS = {"below_reserved": "is less than is damaged or promised to orders"}


class Supplies:
    """Each deed names its `key`, and `by` whom it is done.

    Raises:
        SupplyRefused: naming the field that is wrong, or what is in the way.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._deeds = engine
        self._promises = Promises(engine)
        self._engine = alone(engine)

    async def open(self, asked: NewSupply, key: str, by: str) -> Supply:
        """Open a document; a purchase order's goods are expected from now on."""
        said = asked.model_dump(exclude={"lines"}) | {"kind": asked.kind.value}
        skus = [line.sku for line in asked.lines]
        return await self._deed("opened", _OPEN, said | _said(key, by, lines=asked.lines), skus)

    async def dispatch(self, supply_id: str, key: str, by: str, reason: str = "") -> Supply:
        """The goods of a transfer leave their origin, all of them or none."""
        said = {"supply_id": supply_id, "reason": reason}
        return await self._deed("dispatched", _DISPATCH, said | _said(key, by))

    async def receive(
        self, supply_id: str, lines: Sequence[Arrival], key: str, by: str, reason: str = ""
    ) -> Supply:
        """Goods came; waiting orders get theirs. What is too much or damaged is a discrepancy."""
        said = {"supply_id": supply_id, "reason": reason}
        return await self._deed("received", _RECEIVE, said | _said(key, by, lines=lines))

    async def reschedule(
        self,
        supply_id: str,
        expected_on: date,
        key: str,
        by: str,
        *,
        sku: str | None = None,
        line: int | None = None,
        reason: str = "",
    ) -> Supply:
        """What is still to come (of one SKU, or of one line) comes on another day."""
        said = {"supply_id": supply_id, "expected_on": expected_on, "reason": reason}
        said |= {"sku": sku, "line": line}
        return await self._deed("rescheduled", _RESCHEDULE, said | _said(key, by))

    async def close(self, supply_id: str, key: str, by: str, reason: str = "") -> Supply:
        """No more will come; what lacks is a discrepancy and needs a reason."""
        return await self._end(supply_id, SupplyState.CLOSED, key, by, reason)

    async def cancel(self, supply_id: str, key: str, by: str, reason: str = "") -> Supply:
        """Nothing will come, and nothing has."""
        return await self._end(supply_id, SupplyState.CANCELLED, key, by, reason)

    async def get(self, supply_id: str) -> Supply | None:
        found = await self._one(_SHOWN, {"supply_id": storable(supply_id)})
        return Supply(**found) if found else None

    async def list(
        self,
        kind: SupplyKind,
        state: SupplyState | None = None,
        before: int = NUMBER_MAX,
        limit: int = 100,
    ) -> tuple[Supply, ...]:
        """Newest first; `before` is the number of the last one seen."""
        wanted = {"kind": kind.value, "state": state.value if state else None}
        rows = await self._page(_LIST, wanted, before, limit)
        return tuple(Supply(**row) for row in rows)

    async def count(
        self, location: str, lines: Sequence[Counted], key: str, by: str, reason: str = ""
    ) -> StockCount:
        """What was counted becomes the record, all of it or nothing; it tells what differed."""
        said = {"location": location, "reason": reason}
        _check_once(lines)
        try:
            made = await self._one(_COUNT, said | _said(key, by, lines=lines))
        except Refused as refused:
            raise _refusal(refused, _REFUSALS | _OF_COUNTS) from refused
        return StockCount(**made)

    async def counted(self, count_id: str) -> StockCount | None:
        found = await self._one(_COUNT_SHOWN, {"count_id": storable(count_id)})
        return StockCount(**found) if found else None

    async def counts(self, before: int = NUMBER_MAX, limit: int = 100) -> tuple[StockCount, ...]:
        """Newest first."""
        return tuple(StockCount(**row) for row in await self._page(_COUNTS, {}, before, limit))

    async def discrepancies(
        self,
        sku: str | None = None,
        location: str | None = None,
        before: int = NUMBER_MAX,
        limit: int = 100,
    ) -> tuple[Discrepancy, ...]:
        """Newest first."""
        wanted = {"sku": sku, "location": location}
        rows = await self._page(_DISCREPANCIES, wanted, before, limit)
        return tuple(Discrepancy(**row) for row in rows)

    async def _end(
        self, supply_id: str, deed: SupplyState, key: str, by: str, reason: str
    ) -> Supply:
        said = {"supply_id": supply_id, "deed": deed.value, "reason": reason.strip()}
        return await self._deed(deed.value, _END, said | _said(key, by))

    async def _deed(
        self, deed: str, statement: TextClause, said: dict[str, Any], skus: Sequence[str] = ()
    ) -> Supply:
        """Do it, and tell the orders whose promises it moves, in one transaction."""
        try:
            async with stock_connection(self._deeds) as connection:
                about = skus or await skus_of(connection, said["supply_id"])
                moves = Moves(connection, self._promises, about)
                await moves.look()
                made = Supply(**await connection.scalar(statement, said))
                await moves.write(made, deed, said["key"], said["by"])
                return made
        except Refused as refused:
            raise _refusal(refused, _REFUSALS) from refused

    async def _one(self, statement: TextClause, said: dict[str, Any]) -> Any:
        async with stock_connection(self._engine) as connection:
            return await connection.scalar(statement, said)

    async def _page(
        self, statement: TextClause, wanted: dict[str, Any], before: int, limit: int
    ) -> Sequence[Any]:
        said = wanted | {"before": before, "limit": max(1, min(limit, PAGE_MAX))}
        async with stock_connection(self._engine) as connection:
            return (await connection.execute(statement, said)).scalars().all()


def _said(key: str, by: str, lines: Sequence[BaseModel] | None = None) -> dict[str, Any]:
    said = {"key": key, "by": by}
    if lines is not None:
        said["lines"] = json.dumps([line.model_dump(mode="json") for line in lines])
    return said


def _check_once(lines: Sequence[Counted]) -> None:
    seen: set[str] = set()
    for at, line in enumerate(lines):
        if line.sku in seen:
            raise SupplyRefused(f"lines.{at}.sku", "named_twice", _REFUSALS["named_twice"])
        seen.add(line.sku)


def _refusal(refused: Refused, reasons: dict[str, str]) -> Exception:
    """Our functions refuse with a code and the field, if one is wrong; the rest is a bug."""
    code, _, field = refused.code.partition(" ")
    return SupplyRefused(field, code, reasons[code]) if code in reasons else refused
