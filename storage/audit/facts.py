"""What the tables say that must be compared with what others say: Temporal, journals of effects."""

from dataclasses import dataclass
from typing import Any

from storage.audit.snapshot import PART_TOLD, PAST_TELLING, Snapshot

_ORDERS = f"""
SELECT o.order_id, o.channel, o.channel_order_id, o.status, o.seq, o.currency,
       coalesce({PAST_TELLING}, false) AS told,
       extract(epoch FROM now() - o.updated_at)::float8 AS still_s,
       EXISTS (SELECT FROM inbox i WHERE i.order_id = o.order_id AND i.delivered_at IS NULL
                  AND i.parked_at IS NULL) AS being_told
  FROM orders o
"""  # noqa: S608 - only constants are put in
_LABELS = f"""
SELECT l.shipment_ref, l.parcel_id, p.order_id, l.tracking_number,
       NOT l.voided AND NOT l.given_up AS live, l.given_up, f.status = ANY (:part_left) AS gone,
       {PART_TOLD} AS told
  FROM labels l JOIN parcels p USING (parcel_id) JOIN fulfilments f USING (order_id, number)
"""  # noqa: S608 - only constants are put in
_NOT_VOIDED = """
SELECT data->>'label' AS key FROM journal WHERE code = 'label_not_voided' AND seq > 0
"""
_MONEY = """
SELECT key, order_id, kind, amount_minor, currency, exponent FROM money
 WHERE kind IN ('captured', 'refunded') ORDER BY at, key
"""
_BY_HAND = """
SELECT order_id, bool_or(return_id IS NULL AND code = ANY (:by_hand)
                         AND code <> 'refunded_already') AS untold
  FROM journal WHERE (code = ANY (:by_hand) OR code = 'refunded_more') AND seq > 0
                  OR code = 'paid_after_all'
 GROUP BY order_id
"""
_FULFILMENTS = "SELECT order_id, reference, status FROM fulfilments"
_PIECES = """
SELECT o.order_id, n.line_id, sum(n.sent) AS sent, sum(n.cancelled) AS cancelled
  FROM orders o CROSS JOIN LATERAL (
       SELECT l.line_id, l.quantity AS sent, 0 AS cancelled FROM fulfilments f,
              jsonb_to_recordset(f.lines) AS l (line_id text, quantity bigint)
        WHERE f.order_id = o.order_id AND f.status = ANY (:part_left)
        UNION ALL
       SELECT l.line_id, 0, l.quantity
         FROM jsonb_to_recordset(o.cancelled_lines) AS l (line_id text, quantity bigint)) n
 GROUP BY o.order_id, n.line_id
"""
_RETURNS = """
SELECT return_id, order_id, status, seq, extract(epoch FROM now() - updated_at)::float8 AS still_s
  FROM returns
"""
_TOLD = "SELECT key, state FROM effects WHERE key LIKE '%/tell-shipped'"
_ORDERLESS = """
SELECT i.id::text AS event_id, i.source, i.kind, i.order_id, i.body, i.delivered_at, i.settled_at,
       i.refused
  FROM inbox i
 WHERE i.kind = ANY (:kinds) AND i.delivered_at IS NOT NULL AND i.order_id IS NOT NULL
   AND i.refused = '' AND NOT EXISTS (SELECT FROM orders o WHERE o.order_id = i.order_id)
 ORDER BY i.id LIMIT 1000
"""
_HEARD = """
SELECT count(*) AS n FROM inbox
 WHERE kind = ANY (:kinds) AND delivered_at IS NOT NULL AND order_id IS NOT NULL
"""
_KEPT = """
SELECT DISTINCT order_id FROM inbox
 WHERE order_id IS NOT NULL AND (delivered_at IS NULL OR parked_at IS NOT NULL)
"""


@dataclass(frozen=True)
class OrderFact:
    """An order as our rows have it.

    `told`: its goods are booked out and its channel has been told. `being_told`: the inbox holds
    something for it that is not delivered. `still_s`: the seconds since it was last written.
    """

    order_id: str
    channel: str
    channel_order_id: str
    status: str
    seq: int
    currency: str
    told: bool
    still_s: float
    being_told: bool


@dataclass(frozen=True)
class LabelFact:
    shipment_ref: str
    parcel_id: str
    order_id: str
    tracking_number: str
    live: bool
    given_up: bool
    gone: bool
    """Its fulfilment has left, and if `told`, its shop knows."""
    told: bool


@dataclass(frozen=True)
class MoneyFact:
    key: str
    order_id: str
    kind: str
    amount_minor: int
    currency: str
    exponent: int


@dataclass(frozen=True)
class FulfilmentFact:
    order_id: str
    reference: str
    status: str


@dataclass(frozen=True)
class PiecesFact:
    """Pieces of a line that left, and that were cancelled after others had left."""

    order_id: str
    line_id: str
    sent: int
    cancelled: int


@dataclass(frozen=True)
class ReturnFact:
    return_id: str
    order_id: str
    status: str
    seq: int
    still_s: float


@dataclass(frozen=True)
class Orderless:
    """A delivered row of the inbox that holds an order which we do not have."""

    event_id: str
    source: str
    kind: str
    order_id: str
    body: bytes
    row: dict[str, Any]


@dataclass(frozen=True)
class Facts:
    orders: dict[str, OrderFact]
    labels: tuple[LabelFact, ...]
    not_voided: frozenset[str]
    """The keys of the labels that the journal says an operator went on without."""
    money: tuple[MoneyFact, ...]
    by_hand: dict[str, bool]
    """The orders that money may have been given back for by hand, or more than our books can hold;
    and whether the channel need not have heard from us what of them will not be sent."""
    fulfilments: tuple[FulfilmentFact, ...]
    pieces: tuple[PiecesFact, ...]
    returns: tuple[ReturnFact, ...]
    told: dict[str, str]
    """The state of the deed of telling a channel, by its key."""
    heard: int
    """Delivered rows of the inbox that hold orders."""
    orderless: tuple[Orderless, ...]
    kept: frozenset[str]
    """Orders that the inbox has something for that is undelivered or an operator's."""


async def facts_of(snapshot: Snapshot, order_kinds: frozenset[str]) -> Facts:
    """Everything that is compared outside of PostgreSQL, of one moment.

    `order_kinds` are the kinds of inbox rows that hold a whole order.
    """
    kinds = sorted(order_kinds)
    return Facts(
        orders={row["order_id"]: OrderFact(**row) for row in await snapshot.rows(_ORDERS)},
        labels=tuple(LabelFact(**row) for row in await snapshot.rows(_LABELS)),
        not_voided=frozenset(row["key"] for row in await snapshot.rows(_NOT_VOIDED)),
        money=tuple(MoneyFact(**row) for row in await snapshot.rows(_MONEY)),
        by_hand={row["order_id"]: row["untold"] for row in await snapshot.rows(_BY_HAND)},
        fulfilments=tuple(FulfilmentFact(**row) for row in await snapshot.rows(_FULFILMENTS)),
        pieces=tuple(PiecesFact(**row) for row in await snapshot.rows(_PIECES)),
        returns=tuple(ReturnFact(**row) for row in await snapshot.rows(_RETURNS)),
        told={row["key"]: row["state"] for row in await snapshot.rows(_TOLD)},
        heard=int((await snapshot.rows(_HEARD, kinds=kinds))[0]["n"]),
        orderless=tuple(
            _orderless(dict(row)) for row in await snapshot.rows(_ORDERLESS, kinds=kinds)
        ),
        kept=frozenset(row["order_id"] for row in await snapshot.rows(_KEPT)),
    )


def _orderless(row: dict[str, Any]) -> Orderless:
    return Orderless(
        event_id=row["event_id"],
        source=row["source"],
        kind=row["kind"],
        order_id=row["order_id"],
        body=bytes(row.pop("body")),
        row={name: value if value is None else str(value) for name, value in row.items()},
    )
