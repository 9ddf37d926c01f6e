"""Takes orders in from channels: once, never overwriting what came before."""

import secrets
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.addresses import Address
from domain.edits import edits
from domain.errors import Refused
from domain.ids import OrderId
from domain.lifecycles import OrderStatus
from domain.orders import Destination, MoneyBack, Order, PaymentStatus
from domain.records import JournalEntry
from domain.values import Message
from storage.documents import document, json_text, storable
from storage.orders import lock_order, new_address
from storage.outages import transaction
from storage.returns import pieces_given_back, refund_of_the_rest
from storage.words import words_of_address, words_of_order

TOKEN_BYTES = 24
_PAYMENTS = tuple(PaymentStatus)

_ACCEPT = text("""
WITH doc AS MATERIALIZED (SELECT CAST(:document AS jsonb) AS d),
made AS (
    INSERT INTO orders (order_id, channel, channel_order_id, number, placed_at, channel_updated_at,
        email, phone, note, currency, totals, presentment_total, payment, channel_cancelled,
        channel_cancel_reason, document, track_token)
    SELECT :order_id, d->>'channel', d->>'channel_order_id', d->>'number',
           CAST(d->>'placed_at' AS timestamptz), CAST(d->>'channel_updated_at' AS timestamptz),
           d->>'email', d->>'phone', d->>'note', d#>>'{totals,total,currency}', d->'totals',
           nullif(d->'presentment_total', 'null'), d->>'payment',
           CAST(d->>'cancelled' AS boolean), d->>'cancel_reason', d, :token
      FROM doc ON CONFLICT DO NOTHING RETURNING order_id),
lined AS (
    INSERT INTO order_lines (order_id, line_no, line_id, sku, title, quantity, unit_price_minor,
                             discount_minor, tax_minor, currency, exponent)
    SELECT order_id, n, l->>'line_id', l->>'sku', l->>'title', CAST(l->>'quantity' AS bigint),
           CAST(l#>>'{unit_price,amount_minor}' AS bigint),
           CAST(l#>>'{discount,amount_minor}' AS bigint),
           CAST(l#>>'{tax,amount_minor}' AS bigint),
           l#>>'{unit_price,currency}', CAST(l#>>'{unit_price,exponent}' AS smallint)
      FROM doc, made, jsonb_array_elements(d->'lines') WITH ORDINALITY AS lines (l, n)),
addressed AS (
    INSERT INTO addresses (order_id, version, source, address, by)
    SELECT order_id, 1, 'channel', d->'address', d->>'channel' FROM doc, made),
worded AS (
    INSERT INTO order_words (order_id, words) SELECT order_id, :words FROM made),
journalled AS (
    INSERT INTO journal (order_id, seq, entry, at, by, code)
    SELECT order_id, 0, 1, now(), d->>'channel', 'received' FROM doc, made)
SELECT order_id FROM made
""")
_MONEY = text("""
INSERT INTO money (key, order_id, kind, amount_minor, currency, exponent)
VALUES (:key, :order_id, :kind, :amount_minor, :currency, :exponent) ON CONFLICT DO NOTHING
""")
_ROW = text("""
SELECT o.status, o.payment, o.channel_cancelled, o.channel_updated_at, o.document,
       o.document->>'money_back' AS money_back, a.version, a.address
  FROM orders o JOIN LATERAL (
       SELECT version, address FROM addresses
        WHERE order_id = o.order_id AND source = 'channel' ORDER BY version DESC LIMIT 1) a ON true
 WHERE o.order_id = :order_id
""")
# Of an order with a return, or with a refund of ours, the channel only repeats what we did.
_MONEY_BACK_KNOWN = text("""
SELECT EXISTS (SELECT FROM channel_changes
                WHERE order_id = :order_id AND changes->>'money_back' = :said)
    OR EXISTS (SELECT FROM returns WHERE order_id = :order_id)
    OR EXISTS (SELECT FROM money WHERE order_id = :order_id AND kind = 'refunded')
    OR EXISTS (SELECT FROM effects WHERE key = :rest)
""")
_EARLIER = text("SELECT changes FROM channel_changes WHERE order_id = :order_id AND event = :event")
_REMEMBER = text("""
INSERT INTO channel_changes (order_id, event, changes)
VALUES (:order_id, :event, CAST(:changes AS jsonb))
""")
_CHANNEL_SAYS = text("""
UPDATE orders SET payment = :payment, channel_cancelled = :cancelled,
       channel_cancel_reason = CASE WHEN channel_cancelled THEN channel_cancel_reason
                                    ELSE :cancel_reason END,
       channel_updated_at = greatest(channel_updated_at, CAST(:updated_at AS timestamptz))
 WHERE order_id = :order_id
""")
_MORE_WORDS = text(
    "UPDATE order_words SET words = words || ' ' || :words WHERE order_id = :order_id"
)
_STATUS = text("SELECT status FROM orders WHERE order_id = :order_id")
_NOTE = text("""
INSERT INTO journal (order_id, seq, entry, at, by, code, why, command_id, data)
VALUES (:order_id, 0, 0, :at, :by, :code, :why, :command_id, CAST(:data AS jsonb))
ON CONFLICT DO NOTHING
""")


class NewAddress(Message):
    address_version: int
    destination: Destination


class Changes(Message):
    """What a later word of the channel changed in our rows; its workflow must still be told.

    `differs` names what changed at the channel and is not followed (`lines`, `totals`): an
    operator's turn.
    """

    status: OrderStatus
    """Our order's own, now."""
    address: NewAddress | None = None
    payment: PaymentStatus | None = None
    cancelled: bool = False
    cancel_reason: str = ""
    money_back: MoneyBack | None = None
    """The channel gave money back, by itself and without a cancel; told once of each kind."""
    differs: tuple[str, ...] = ()


class OrderIntake:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def accept(self, order: Order) -> bool:
        """Keep an order that is new; False, and nothing is changed, if we have it already."""
        async with transaction(self._engine) as connection:
            made = await connection.scalar(
                _ACCEPT,
                {
                    "document": document(order),
                    "order_id": order.order_id,
                    "token": secrets.token_urlsafe(TOKEN_BYTES),
                    "words": words_of_order(order),
                },
            )
            if made is None:
                return False
            await _enter_payment(connection, order)
            return True

    async def in_doubt(self, order: Order) -> bool:
        """Whether it differs from what we have in a word of the same moment: which is the later?

        Channels date to the second; only the channel itself can tell then.
        """
        async with transaction(self._engine) as connection:
            row = (await connection.execute(_ROW, {"order_id": order.order_id})).one_or_none()
            if row is None or row.channel_updated_at is None:
                return False
            if row.channel_updated_at != order.channel_updated_at:
                return False
            moved = Address.model_validate(row.address) != order.address
            return moved or bool(await _differing(connection, order, row))

    async def reconcile(self, order: Order, event: str) -> Changes | None:
        """Take over what the channel now says of an order that we have; None if we have not.

        `event` names the message that said it. A repeat of it gets the same changes again, as the
        first time may have died before the workflow was told. What is older than the newest we
        have moves neither address nor lines.
        """
        key = {"order_id": order.order_id, "event": event}
        async with transaction(self._engine) as connection:
            if not await lock_order(connection, order.order_id):
                return None
            earlier = await connection.scalar(_EARLIER, key)
            if earlier is not None:
                status = await connection.scalar(_STATUS, {"order_id": order.order_id})
                return Changes.model_validate({**earlier, "status": status})
            changes = await _take_over(connection, order)
            if changes != Changes(status=changes.status):
                await connection.execute(_REMEMBER, {**key, "changes": document(changes)})
            return changes

    async def add_address(self, order_id: OrderId, address: Address, by: str) -> int:
        """Add an operator's version of the address. Returns the version.

        Raises:
            Refused: there is no such order.
        """
        async with transaction(self._engine) as connection:
            if not await lock_order(connection, order_id):
                raise Refused("orders", "unknown_order")
            await _add_words(connection, order_id, address)
            return await new_address(connection, order_id, "operator", address, by=by)

    async def note(self, order_id: OrderId, entry: JournalEntry) -> None:
        """Journal what no workflow will: once for each code and command."""
        values = {**entry.model_dump(exclude={"data"}), "data": json_text(entry.data)}
        async with transaction(self._engine) as connection:
            await connection.execute(_NOTE, {"order_id": order_id, **values})


async def _take_over(connection: AsyncConnection, order: Order) -> Changes:
    row = (await connection.execute(_ROW, {"order_id": order.order_id})).one()
    later = row.channel_updated_at is None or (
        order.channel_updated_at is not None and order.channel_updated_at >= row.channel_updated_at
    )
    address = None
    if later and Address.model_validate(row.address) != order.address:
        version = await new_address(
            connection, order.order_id, "channel", order.address, by=order.channel
        )
        await _add_words(connection, order.order_id, order.address)
        address = NewAddress(address_version=version, destination=_destination(order.address))
    forward = _PAYMENTS.index(order.payment) > _PAYMENTS.index(PaymentStatus(row.payment))
    cancelled = order.cancelled and not row.channel_cancelled
    await connection.execute(
        _CHANNEL_SAYS,
        {
            "order_id": order.order_id,
            "payment": order.payment if forward else row.payment,
            "cancelled": order.cancelled or row.channel_cancelled,
            "cancel_reason": storable(order.cancel_reason),
            "updated_at": order.channel_updated_at,
        },
    )
    if forward:
        await _enter_payment(connection, order)
    return Changes(
        status=row.status,
        address=address,
        payment=order.payment if forward else None,
        cancelled=cancelled,
        cancel_reason=order.cancel_reason if cancelled else "",
        money_back=await _new_money_back(
            connection, order, row, order.payment if forward else PaymentStatus(row.payment)
        ),
        differs=await _differing(connection, order, row) if later else (),
    )


async def _new_money_back(
    connection: AsyncConnection, order: Order, row: Any, payment: PaymentStatus
) -> MoneyBack | None:
    """What the channel gave back of what was authorised or paid, if we neither knew nor did it."""
    said = order.money_back
    ours = order.cancelled or row.status in (OrderStatus.CANCELLING, OrderStatus.CANCELLED)
    if said is None or said == row.money_back or ours or payment is PaymentStatus.PENDING:
        return None
    rest = refund_of_the_rest(order.order_id)  # it may be out before its workflow writes it down
    values = {"order_id": order.order_id, "said": said.value, "rest": rest}
    return None if await connection.scalar(_MONEY_BACK_KNOWN, values) else said


async def _differing(connection: AsyncConnection, order: Order, row: Any) -> tuple[str, ...]:
    was = Order.model_validate(row.document)
    if not tuple(edits(was, order, {})):
        return ()
    return tuple(edits(was, order, await pieces_given_back(connection, order.order_id)))


async def _enter_payment(connection: AsyncConnection, order: Order) -> None:
    """Enter what the channel says of the money.

    Where our own capture made it paid, there is an entry already, or ours comes later and finds
    this one: an order has one.
    """
    kinds = {PaymentStatus.AUTHORISED: "authorised", PaymentStatus.PAID: "captured"}
    kind = kinds.get(order.payment)
    if kind is None:
        return
    total = order.paid_total or order.totals.total
    if total.amount_minor < 0:  # kept as it came; validation says what is wrong with it
        return
    await connection.execute(
        _MONEY,
        {
            "key": f"{order.order_id}/{order.payment.value}",
            "order_id": order.order_id,
            "kind": kind,
            "amount_minor": total.amount_minor,
            "currency": total.currency,
            "exponent": total.exponent,
        },
    )


async def _add_words(connection: AsyncConnection, order_id: str, address: Address) -> None:
    words = words_of_address(address)
    await connection.execute(_MORE_WORDS, {"order_id": order_id, "words": words})


def _destination(address: Address) -> Destination:
    return Destination(country=address.country, postal_code=address.postal_code)
