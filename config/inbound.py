"""Who may send us webhooks, and how what they send is verified and read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr

from adapters.channels.reading import Unreadable, parse_body
from adapters.channels.shopify import inbound as shopify
from adapters.channels.shopify.order import needs_shipping, to_order
from domain.ids import InvalidOrderId, order_id
from domain.orders import Order
from domain.tracking import Scan
from domain.verbs import WarehouseSaid

ORDER = "order"
"""The body is the whole order as it stands."""
ORDER_TOUCHED = "order_touched"
"""The order changed, but the body does not say all of it: it has to be fetched."""
ANOTHER = "another"
"""Nothing that we act on; kept all the same."""
SCANS = "scans"
REPORT = "report"

SHOPIFY_TOPICS = {
    "orders/create": ORDER,
    "orders/updated": ORDER,
    "orders/paid": ORDER,
    "orders/cancelled": ORDER,
    "orders/edited": ORDER_TOUCHED,
}


@dataclass(frozen=True)
class Event:
    """An authentic webhook: what kind, the key its repeats share, and whose order, if it says so.

    `unreadable` names the field and the reason if nobody but an operator can make sense of it.
    """

    kind: str
    event_key: str
    order_id: str | None = None
    unreadable: str = ""


class Sender(Protocol):
    """Anybody who sends us webhooks."""

    def verify(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the sender, and nobody else, wrote exactly these bytes."""
        ...

    def event(self, headers: Mapping[str, str], body: bytes) -> Event:
        """What it is about; never raises, whatever the body holds."""
        ...


class ChannelSender(Sender, Protocol):
    def order(self, body: bytes) -> Order | None:
        """The order in a body of the kind `ORDER`; None if it is none of ours to send.

        Raises:
            Unreadable: names the field and the reason.
        """
        ...


class CarrierSender(Sender, Protocol):
    def scans(self, body: bytes) -> tuple[Scan, ...]: ...


class WarehouseSender(Sender, Protocol):
    def report(self, body: bytes) -> WarehouseSaid | None: ...


@dataclass(frozen=True)
class Senders:
    """Those that the settings name, by id."""

    channels: Mapping[str, ChannelSender]
    carriers: Mapping[str, CarrierSender]
    warehouses: Mapping[str, WarehouseSender]


def plain(secrets: Sequence[SecretStr]) -> tuple[str, ...]:
    return tuple(secret.get_secret_value() for secret in secrets)


class ShopifySender:
    """A shop's webhooks; `secrets` are valid at the same time."""

    def __init__(self, channel: str, secrets: Sequence[str]) -> None:
        self._channel = channel
        self._secrets = secrets

    def verify(self, headers: Mapping[str, str], body: bytes) -> bool:
        return shopify.verify(body, headers, self._secrets)

    def event(self, headers: Mapping[str, str], body: bytes) -> Event:
        told = shopify.event_of(headers, body)
        kind = SHOPIFY_TOPICS.get(told.topic, ANOTHER)
        if kind is ANOTHER:
            return Event(kind, told.event_key)
        try:
            own_id = shopify.own_order_id(parse_body(body))
            return Event(kind, told.event_key, order_id(self._channel, own_id))
        except (Unreadable, InvalidOrderId) as error:
            return Event(kind, told.event_key, unreadable=str(error))

    def order(self, body: bytes) -> Order | None:
        payload = parse_body(body)
        return to_order(self._channel, payload) if needs_shipping(payload) else None
