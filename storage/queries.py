"""Finds orders for lists and pages, and shows one whole with its history."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select, text, tuple_, union
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.lifecycles import OrderStatus
from domain.views import EventView, OrderPage, OrderView, ReturnView
from domain.waits import Owner
from storage import views
from storage.documents import storable
from storage.outages import transaction
from storage.supply_promises import Promises
from storage.tables.fulfilments import labels, parcels
from storage.tables.inbox import inbox
from storage.tables.orders import addresses, journal, order_words, orders, retrying
from storage.tables.returns import returns
from storage.waits import waiting_on, waiting_returns
from storage.words import digits, searchable

LIMIT_MAX = 200
PHONE_DIGITS_MIN = 5
SCANS_SHOWN = 500

# All parts of an order in one round trip; each comes as rows of its own.
_PARTS = {
    "addresses": "SELECT version, source, based_on, by, created_at, address FROM addresses "
    "WHERE order_id = :order_id ORDER BY version",
    "order_lines": "SELECT * FROM order_lines WHERE order_id = :order_id ORDER BY line_no",
    "verdicts": "SELECT * FROM verdicts WHERE order_id = :order_id",
    "fulfilments": "SELECT * FROM fulfilments WHERE order_id = :order_id ORDER BY number",
    "parcels": "SELECT * FROM parcels WHERE order_id = :order_id ORDER BY number, parcel_id",
    "labels": "SELECT l.* FROM labels l JOIN parcels p USING (parcel_id) "
    "WHERE p.order_id = :order_id ORDER BY l.voided, l.given_up, l.shipment_ref",
    "scans": "SELECT s.* FROM scans s WHERE s.tracking_number IN (SELECT l.tracking_number "
    "FROM labels l JOIN parcels p USING (parcel_id) WHERE p.order_id = :order_id) "
    "ORDER BY s.claimed_at DESC, s.scan_key LIMIT :scans",
    "returns": "SELECT * FROM returns WHERE order_id = :order_id ORDER BY requested_at, return_id",
    "money": "SELECT * FROM money WHERE order_id = :order_id ORDER BY at, key",
    "retrying": "SELECT * FROM retrying WHERE workflow_id = 'order:' || :order_id OR workflow_id "
    "IN (SELECT 'return:' || return_id FROM returns WHERE order_id = :order_id) ORDER BY since",
}


class InvalidCursor(ValueError):
    """The cursor is none of ours."""


@dataclass(frozen=True)
class OrderFilter:
    """None leaves a thing open; `placed_from` is included, `placed_to` is not."""

    status: OrderStatus | None = None
    channel: str | None = None
    waiting_on: Owner | None = None
    q: str | None = None
    placed_from: datetime | None = None
    placed_to: datetime | None = None


class OrderQueries:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._promises = Promises(engine)

    async def list(
        self, wanted: OrderFilter | None = None, cursor: str | None = None, limit: int = 50
    ) -> OrderPage:
        """The newest first, at most `limit` (1 to 200) of them.

        Raises:
            InvalidCursor: `cursor` is not a `next_cursor` that we gave.
        """
        limit = min(max(limit, 1), LIMIT_MAX)
        asked = _listed().where(*_conditions(wanted or OrderFilter()))
        if cursor:
            asked = asked.where(tuple_(orders.c.placed_at, orders.c.order_id) < _after(cursor))
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(asked.limit(limit + 1))).mappings().all()
            returns = await waiting_returns(connection, rows)
        more = len(rows) > limit
        return OrderPage(
            orders=tuple(views.summary(row, returns[row["order_id"]]) for row in rows[:limit]),
            next_cursor=_cursor(rows[limit - 1]) if more else None,
        )

    async def order(self, order_id: str) -> OrderView | None:
        """One order whole; None if there is none."""
        return await self._whole(orders.c.order_id == storable(order_id))

    async def by_track_token(self, token: str) -> OrderView | None:
        """The order whose customer has this token; show them no more than is theirs to see.

        It says no promise: that takes the whole queue to work out, and anybody may ask.
        """
        return await self._whole(orders.c.track_token == storable(token), promised=False)

    async def returned(self, return_id: str) -> ReturnView | None:
        """One return; None if there is none."""
        asked = select(returns).where(returns.c.return_id == storable(return_id))
        stuck = select(retrying).where(retrying.c.workflow_id == f"return:{storable(return_id)}")
        async with transaction(self._engine) as connection:
            row = (await connection.execute(asked)).mappings().one_or_none()
            note = (await connection.execute(stuck.order_by(retrying.c.since))).mappings().first()
        return views.return_view(row, note) if row else None

    async def events(self, order_id: str) -> tuple[EventView, ...] | None:
        """The order's journal, oldest first; None if there is no such order."""
        asked = select(journal).where(journal.c.order_id == storable(order_id))
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(asked.order_by(journal.c.id))).mappings().all()
            notes = await _notes(connection, (row["command_id"] for row in rows))
        return tuple(views.event_view(row, notes) for row in rows) or None

    async def _whole(
        self, which: ColumnElement[bool], *, promised: bool = True
    ) -> OrderView | None:
        async with transaction(self._engine) as connection:
            # One snapshot, so that the parts fit each other.
            await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            row = (await connection.execute(select(orders).where(which))).mappings().one_or_none()
            if row is None:
                return None
            parts: dict[str, list[Any]] = {}
            for name, statement in _PARTS.items():
                values = {"order_id": row["order_id"], "scans": SCANS_SHOWN}
                found = await connection.execute(text(statement), values)
                parts[name] = [dict(part) for part in found.mappings()]
            notes = await _notes(connection, (hold["hold_id"] for hold in row["holds"]))
            promise = None
            if promised:
                promise = await self._promises.of_order(connection, row["order_id"])
        return views.order_view(row, parts, notes, promise)


def _listed() -> Select[Any]:
    stuck = (
        select(func.to_jsonb(text("r.*")))
        .select_from(retrying.alias("r"))
        .where(text("r.workflow_id = 'order:' || orders.order_id"))
        .order_by(text("r.since"))
        .limit(1)
        .scalar_subquery()
        .label("retrying")
    )
    return (
        select(orders, addresses.c.address, stuck)
        .join(
            addresses,
            and_(
                addresses.c.order_id == orders.c.order_id,
                addresses.c.version == orders.c.address_version,
            ),
        )
        .order_by(orders.c.placed_at.desc(), orders.c.order_id.desc())
    )


def _conditions(wanted: OrderFilter) -> Iterable[ColumnElement[bool]]:
    if wanted.status is not None:
        yield orders.c.status == wanted.status.value
    if wanted.channel is not None:
        yield orders.c.channel == storable(wanted.channel)
    if wanted.waiting_on is not None:
        yield waiting_on(wanted.waiting_on)
    if wanted.placed_from is not None:
        yield orders.c.placed_at >= wanted.placed_from
    if wanted.placed_to is not None:
        yield orders.c.placed_at < wanted.placed_to
    if wanted.q and wanted.q.strip():
        yield orders.c.order_id.in_(_found(wanted.q.strip()))


def _found(q: str) -> Any:
    """Orders in whose words `q` stands, or with a tracking number that begins with it."""
    said = [order_words.c.words.contains(searchable(q), autoescape=True)]
    phone = digits(q)
    if len(phone) >= PHONE_DIGITS_MIN and not any(character.isalpha() for character in q):
        said.append(order_words.c.words.contains(phone))
    tracking = storable("".join(q.split()))
    with_label = select(parcels.c.order_id).join(labels, labels.c.parcel_id == parcels.c.parcel_id)
    return union(
        select(order_words.c.order_id).where(or_(*said)),
        with_label.where(labels.c.tracking_number.startswith(tracking, autoescape=True)),
        with_label.where(labels.c.tracking_number.startswith(tracking.upper(), autoescape=True)),
    )


async def _notes(connection: AsyncConnection, command_ids: Iterable[str]) -> dict[str, str]:
    """What operators wrote with their commands, by command."""
    wanted = list(filter(None, map(_uuid, set(command_ids))))
    if not wanted:
        return {}
    rows = await connection.execute(select(inbox.c.id, inbox.c.body).where(inbox.c.id.in_(wanted)))
    return {str(row.id): views.note_in(bytes(row.body)) for row in rows}


def _uuid(said: str) -> UUID | None:
    try:
        return UUID(said)
    except ValueError:
        return None


def _cursor(row: Any) -> str:
    place = f"{row['placed_at'].isoformat()} {row['order_id']}"
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _after(cursor: str) -> Any:
    try:
        place = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        placed_at, _, order_id = place.partition(" ")
        at = datetime.fromisoformat(placed_at)
    except (ValueError, binascii.Error, UnicodeError) as error:
        raise InvalidCursor("cursor: is none that we gave") from error
    if not order_id or at.tzinfo is None or "\0" in order_id:
        raise InvalidCursor("cursor: is none that we gave")
    return tuple_(literal(at), literal(order_id))
