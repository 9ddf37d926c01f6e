"""The order book: what was sent, and what the workflows say of themselves."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.addresses import Address
from domain.errors import Refused
from domain.ids import OrderId, return_workflow_id, workflow_id
from domain.lifecycles import HAS_LEFT
from domain.locations import Location
from domain.orders import Order
from domain.records import OrderRecord, Retrying, ReturnRecord, Settled
from domain.validation import Verdict
from storage.documents import document, json_text
from storage.engine import alone
from storage.outages import transaction
from storage.projections import MAKE_RETURN, RECORD_ORDER, RECORD_RETURN
from storage.tables.catalogue import locations, skus
from storage.tasks import PARTLY_TOO_LATE_MESSAGES, TOO_LATE, TOO_LATE_MESSAGES, asked_by
from storage.views import OVER

SYSTEM = "orders"

_LOAD = text("""
SELECT o.document, o.payment, o.channel_cancelled, o.channel_cancel_reason, o.channel_updated_at,
       a.address
  FROM orders o LEFT JOIN LATERAL (
       SELECT address FROM addresses
        WHERE order_id = o.order_id
          AND version = coalesce(CAST(:version AS integer), version)
        ORDER BY version DESC LIMIT 1) a ON true
 WHERE o.order_id = :order_id
""")
_VERDICT = text("""
INSERT INTO verdicts (order_id, address_version, outcome, address_problems, data_problems)
VALUES (:order_id, :version, :outcome, CAST(:address AS jsonb), CAST(:data AS jsonb))
ON CONFLICT (order_id, address_version) DO UPDATE
   SET outcome = excluded.outcome, address_problems = excluded.address_problems,
       data_problems = excluded.data_problems, checked_at = now()
""")
_LOCK = text("SELECT 1 FROM orders WHERE order_id = :order_id FOR NO KEY UPDATE")
_NORMALISED = text("""
SELECT version FROM addresses
 WHERE order_id = :order_id AND based_on = :version AND source = 'normalised'
""")
_NEW_VERSION = text("""
INSERT INTO addresses (order_id, version, source, based_on, address, by)
SELECT :order_id, coalesce(max(version), 0) + 1, :source, CAST(:based_on AS integer),
       CAST(:address AS jsonb), :by
  FROM addresses WHERE order_id = :order_id
RETURNING version
""")
# The note of a try that was given up may come after its workflow has ended: then it says nothing.
_RETRYING = text("""
INSERT INTO retrying (workflow_id, step, deed, owner, code, attempt)
SELECT :workflow_id, :step, :deed, :owner, :code, CAST(:attempt AS integer)
 WHERE NOT EXISTS (SELECT FROM orders WHERE 'order:' || order_id = CAST(:workflow_id AS text)
                                        AND order_id = :own_id AND status = ANY(:ended))
   AND NOT EXISTS (SELECT FROM returns WHERE 'return:' || return_id = CAST(:workflow_id AS text)
                                         AND return_id = :own_id AND status = ANY(:ended))
ON CONFLICT (workflow_id, step, deed) DO UPDATE
   SET owner = excluded.owner, code = excluded.code,
       attempt = greatest(retrying.attempt, excluded.attempt)
""")
_RECOVERED = text("""
DELETE FROM retrying WHERE workflow_id = :workflow_id AND step = :step AND deed = :deed
""")
_TOO_LATE = text("""
INSERT INTO tasks (kind, key, order_id, inbox_id, message)
SELECT :kind, :key, i.order_id, i.id, :message FROM inbox i
 WHERE i.id = CAST(:event_id AS uuid) AND i.source LIKE 'channel:%'
ON CONFLICT (key) DO NOTHING
""")
_ASKED = text("""
INSERT INTO tasks (kind, key, order_id, message) VALUES (:kind, :key, :order_id, :message)
ON CONFLICT (key) DO NOTHING
""")
_KNOWN = select(skus.c.sku).where(skus.c.sku.in_(bindparam("wanted", expanding=True)))

MakeTask = tuple[TextClause, dict[str, object]]
"""A statement that makes a task for an operator, and its values."""


class PostgresOrderBook:
    """`domain.ports.OrderBook` over our own tables; what is not there is `Refused`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._alone = alone(engine)

    async def load(self, order_id: OrderId, address_version: int | None = None) -> Order:
        async with transaction(self._alone) as connection:
            found = await connection.execute(
                _LOAD, {"order_id": order_id, "version": address_version}
            )
            row = found.one_or_none()
        if row is None:
            raise Refused(SYSTEM, "unknown_order")
        if row.address is None:
            raise Refused(SYSTEM, "unknown_address_version")
        said = {
            "payment": row.payment,
            "cancelled": row.channel_cancelled,
            "cancel_reason": row.channel_cancel_reason,
            "channel_updated_at": row.channel_updated_at,
            "address": row.address,
        }
        return Order.model_validate({**row.document, **said})

    async def location(self, location: str) -> Location:
        async with transaction(self._alone) as connection:
            found = await connection.execute(
                select(locations).where(locations.c.location == location)
            )
            row = found.mappings().one_or_none()
        if row is None:
            raise Refused(SYSTEM, "unknown_location")
        return location_of(row)

    async def known_skus(self, skus: frozenset[str]) -> frozenset[str]:
        async with transaction(self._alone) as connection:
            return frozenset(await connection.scalars(_KNOWN, {"wanted": _askable(skus)}))

    async def save_verdict(self, order_id: OrderId, address_version: int, verdict: Verdict) -> int:
        key = {"order_id": order_id, "version": address_version}
        async with transaction(self._engine) as connection:
            await connection.execute(_LOCK, {"order_id": order_id})
            await connection.execute(
                _VERDICT,
                {
                    **key,
                    "outcome": verdict.outcome,
                    "address": json_text(verdict.address_problems),
                    "data": json_text(verdict.data_problems),
                },
            )
            if verdict.address is None:
                return address_version
            earlier = await connection.scalar(_NORMALISED, key)
            if earlier is not None:
                return int(earlier)
            return await new_address(
                connection, order_id, "normalised", verdict.address, based_on=address_version
            )

    async def record(self, record: OrderRecord) -> None:
        tasks = [*_too_late(record), *_asked(record)]
        async with transaction(self._engine if tasks else self._alone) as connection:
            await connection.execute(
                RECORD_ORDER,
                {
                    "document": document(record),
                    "settled": _commands(record.settled),
                    "workflow_id": workflow_id(record.order_id),
                },
            )
            for statement, values in tasks:
                await connection.execute(statement, values)

    async def record_return(self, record: ReturnRecord) -> None:
        said = document(record)
        async with transaction(self._engine) as connection:
            await connection.execute(MAKE_RETURN, {"document": said})
            await connection.execute(
                RECORD_RETURN,
                {
                    "document": said,
                    "settled": _commands(record.settled),
                    "workflow_id": return_workflow_id(record.return_id),
                },
            )
            for statement, values in _asked(record):
                await connection.execute(statement, values)

    async def retrying(self, retrying: Retrying) -> None:
        async with transaction(self._alone) as connection:
            said = retrying.model_dump(mode="json")
            own_id = retrying.workflow_id.partition(":")[2]
            await connection.execute(_RETRYING, {**said, "own_id": own_id, "ended": sorted(OVER)})

    async def recovered(self, workflow_id: str, step: str, deed: str) -> None:
        async with transaction(self._alone) as connection:
            await connection.execute(
                _RECOVERED, {"workflow_id": workflow_id, "step": step, "deed": deed}
            )


async def lock_order(connection: AsyncConnection, order_id: str) -> bool:
    """Let nobody else write the order before the transaction ends; False if there is none."""
    return await connection.scalar(_LOCK, {"order_id": order_id}) is not None


async def new_address(
    connection: AsyncConnection,
    order_id: str,
    source: str,
    address: Address,
    *,
    based_on: int | None = None,
    by: str = "",
) -> int:
    """Add a version of the address; the order must be locked. Returns the version."""
    said = {"order_id": order_id, "source": source, "based_on": based_on, "by": by}
    made = await connection.execute(_NEW_VERSION, {**said, "address": document(address)})
    return int(made.scalar_one())


def _asked(record: OrderRecord | ReturnRecord) -> Iterable[MakeTask]:
    """The tasks that come of what the journal says."""
    for line in record.journal:
        if asked := asked_by(line, record.order_id):
            key, message = asked
            said = {"order_id": record.order_id, "message": message}
            yield _ASKED, {"kind": line.code, "key": key, **said}


def location_of(row: Any) -> Location:
    return Location(
        location=row["location"],
        name=row["name"],
        address=Address.model_validate(row["address"]),
        timezone=row["timezone"],
        active=row["active"],
    )


def _too_late(record: OrderRecord) -> Iterable[MakeTask]:
    """The tasks that come of what a channel asked for after goods had left.

    Nobody at the channel hears of the refusal, or that a part could not follow, so somebody here
    must stop the parcel. A hold stops the rest and asks by itself.
    """
    if not any(part.status in HAS_LEFT for part in record.fulfilments):
        return
    for command in record.settled:
        event_id, _, name = command.command_id.partition(":")
        if name not in TOO_LATE or not _is_uuid(event_id):
            continue
        if command.refused.startswith("too_late"):
            message = TOO_LATE_MESSAGES[name]
        elif not command.refused and name in PARTLY_TOO_LATE_MESSAGES:
            message = PARTLY_TOO_LATE_MESSAGES[name]
        else:
            continue
        key = f"too_late:{event_id}:{name}"
        said = {"event_id": event_id, "message": message}
        yield _TOO_LATE, {"kind": TOO_LATE[name], "key": key, **said}


def _askable(skus: Iterable[str]) -> list[str]:
    """PostgreSQL takes no NUL even in a question; nothing has such a SKU."""
    return [sku for sku in skus if "\0" not in sku]


def _commands(settled: Iterable[Settled]) -> str:
    """Only what came through the inbox has a row there; Temporal's UI makes ids of its own."""
    return json_text([command for command in settled if _is_uuid(command.command_id)])


def _is_uuid(text_: str) -> bool:
    try:
        UUID(text_)
    except ValueError:
        return False
    return True
