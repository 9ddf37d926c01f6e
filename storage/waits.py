"""Whom orders wait on, their returns included: what lists are narrowed by, and what they show."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, exists, func, not_, or_, select, text, union
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.waits import ITS_RETURN, Owner
from storage.tables.orders import orders, retrying
from storage.tables.returns import returns
from storage.views import OVER, ReturnWait, Row

# What an order is said to wait on besides, where it waits for its returns.
_RETURNS = text("""
SELECT to_jsonb(b) AS back,
       (SELECT to_jsonb(r) FROM retrying r WHERE r.workflow_id = 'return:' || b.return_id
         ORDER BY r.since LIMIT 1) AS note
  FROM returns b WHERE b.order_id = ANY (:order_ids) AND b.wait_owner IS NOT NULL
 ORDER BY b.requested_at, b.return_id
""")


def waiting_on(owner: Owner) -> ColumnElement[bool]:
    """Orders that wait on `owner`, by themselves or for a return that does."""
    for_its_return = orders.c.wait_what == ITS_RETURN
    spoken_for = exists().where(
        returns.c.order_id == orders.c.order_id, returns.c.wait_owner.is_not(None)
    )
    word = and_(orders.c.wait_owner == owner.value, not_(and_(for_its_return, spoken_for)))
    # Each of the two by its own index: an OR of them would look at every return there ever was.
    backs = union(
        *(
            select(returns.c.order_id).where(either)
            for either in _waits_on(owner, "return", returns, returns.c.wait_owner == owner.value)
        )
    )
    return or_(
        *_waits_on(owner, "order", orders, word),
        and_(for_its_return, orders.c.order_id.in_(backs)),
    )


def _waits_on(
    owner: Owner, kind: str, table: Table, word: ColumnElement[bool]
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """By its workflow's own word, or by a step that keeps failing, which outdoes that."""
    own_id = table.c[f"{kind}_id"]
    stuck = select(func.substr(retrying.c.workflow_id, len(f"{kind}:") + 1)).where(
        retrying.c.workflow_id.like(f"{kind}:%")
    )
    return (
        and_(word, own_id.not_in(stuck)),
        and_(
            table.c.status.not_in(sorted(OVER)),
            own_id.in_(stuck.where(retrying.c.owner == owner.value)),
        ),
    )


async def waiting_returns(
    connection: AsyncConnection, listed: Iterable[Row]
) -> Mapping[str, list[ReturnWait]]:
    """By order id: the returns that these orders wait for, oldest first."""
    found: dict[str, list[Any]] = defaultdict(list)
    asked = [row["order_id"] for row in listed if row["wait_what"] == ITS_RETURN]
    if asked:
        for row in await connection.execute(_RETURNS, {"order_ids": asked}):
            found[row.back["order_id"]].append((row.back, row.note))
    return found
