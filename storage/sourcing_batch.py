"""Orders in the queue, read with what they were sourced by, and given what was decided since."""

import json
from typing import Any

from pydantic import AwareDatetime
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.sourcing.case import Case
from domain.sourcing.decision import Decision
from domain.stock import Changed, Reserved, ReserveRequest
from domain.values import Value
from storage.engine import alone
from storage.sourcing_kept import why
from storage.stock_calls import stock_connection

# Who waits has a decision: it knows where the goods shall go, and which locations rejected them.
# Who waits for a bundle that is another by now is left to the queue, which knows what it was.
_QUEUE = """
SELECT w.key, w.order_id, w.priority, w.since, w.position, w.lines,
       coalesce(o.channel, '') AS channel,
       d.facts -> 'destination' AS destination, d.facts -> 'excluded' AS excluded
  FROM stock_waiting w
 CROSS JOIN LATERAL (SELECT x.facts FROM sourcing_decisions x
                      WHERE x.key = w.key ORDER BY x.id DESC LIMIT 1) d
  LEFT JOIN orders o ON o.order_id = w.order_id
 WHERE stock_exploded(w.lines) = w.lines
"""
_IN_TURN = "ORDER BY w.priority DESC, w.since, w.position LIMIT :limit"
_WAITING = text(f"{_QUEUE} {_IN_TURN}")
_OUTDATED = text(f"""
{_QUEUE} AND (w.sourced_at < (SELECT sourcing_settled()) OR w.full_at && (SELECT sourcing_roomy())
              OR sourcing_resold(w))
   AND (CAST(:after AS bigint) IS NULL
        OR (-w.priority, w.since, w.position) > (-:priority, CAST(:since AS timestamptz), :after))
 {_IN_TURN}
""")
_ASSIGN = text("""
SELECT sourcing_assign(:order_id, :key, CAST(:parts AS jsonb), CAST(:why AS jsonb))
""")


_ASKED = ("key", "order_id", "channel", "lines", "destination", "excluded")


class Waiting(Value):
    """An order in the queue, as it asked."""

    request: ReserveRequest
    priority: int
    since: AwareDatetime
    position: int


class SourcingBatch:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = alone(engine)

    async def waiting(self, limit: int) -> tuple[Waiting, ...]:
        """The first of the queue, in its order."""
        async with stock_connection(self._engine) as connection:
            rows = (await connection.execute(_WAITING, {"limit": limit})).mappings().all()
        return tuple(_waiting(row) for row in rows)

    async def outdated(self, after: Waiting | None, limit: int) -> tuple[Waiting, ...]:
        """Those behind `after` whom sourcing may have another answer for now.

        They were sourced before a location, the rules or what is said of a SKU became others,
        before goods came that the queue could not give them, or while a location was full that has
        room again.
        """
        wanted = {
            "after": after.position if after else None,
            "priority": after.priority if after else 0,
            "since": after.since if after else None,
            "limit": limit,
        }
        async with stock_connection(self._engine) as connection:
            rows = (await connection.execute(_OUTDATED, wanted)).mappings().all()
        return tuple(_waiting(row) for row in rows)

    async def assign(
        self, request: ReserveRequest, case: Case, decision: Decision
    ) -> Reserved | Changed:
        """Reserve the plan for an order that waits and wake it; one statement.

        `Changed`: it waits no more, or the stock is gone; nothing happened.
        """
        planned = decision.plan.parts if decision.plan else ()
        parts = [part.model_dump(include={"location", "lines"}) for part in planned]
        said = {"order_id": request.order_id, "key": request.key, "parts": json.dumps(parts)}
        async with stock_connection(self._engine) as connection:
            taken = await connection.scalar(_ASSIGN, {**said, "why": why(case, decision)})
        return Changed() if taken is None else Reserved(parts=taken)


def _waiting(row: Any) -> Waiting:
    asked = {name: row[name] for name in _ASKED}
    place = {name: row[name] for name in ("priority", "since", "position")}
    return Waiting(request=ReserveRequest(**asked), **place)
