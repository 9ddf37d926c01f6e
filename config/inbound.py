"""Who may send us webhooks, and how what they send is verified and read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr

from adapters.carriers import easypost_webhooks as easypost
from adapters.channels.reading import Unreadable, parse_body
from adapters.channels.shopify import inbound as shopify
from adapters.channels.shopify.order import all_sent, needs_shipping, to_order
from adapters.warehouses import webhooks as warehouse
from config.settings import Settings
from domain.ids import InvalidOrderId, order_id
from domain.orders import Order
from domain.tracking import Scan
from domain.verbs import WarehouseSaid

ORDER_CREATED = "order_created"
ORDER_UPDATED = "order_updated"
ORDER_PAID = "order_paid"
ORDER_CANCELLED = "order_cancelled"
WHOLE_ORDERS = frozenset({ORDER_CREATED, ORDER_UPDATED, ORDER_PAID, ORDER_CANCELLED})
"""Kinds whose body is the whole order as it stands."""
ORDER_TOUCHED = "order_touched"
"""The order changed, but the body does not say all of it: it has to be fetched."""
ANOTHER = "another"
"""Nothing that we act on; kept all the same."""
SCANS = "scans"
REPORT = "report"

SHOPIFY_TOPICS = {
    "orders/create": ORDER_CREATED,
    "orders/updated": ORDER_UPDATED,
    "orders/paid": ORDER_PAID,
    "orders/cancelled": ORDER_CANCELLED,
    "orders/edited": ORDER_TOUCHED,
}


@dataclass(frozen=True)
class Event:
    """An authentic webhook: what kind, the key its repeats share, and whose order, if it says so.

    `unreadable` names the field and the reason if nobody but an operator can make sense of it.
    `tracking_number` is of the one parcel that it is about.
    """

    kind: str
    event_key: str
    order_id: str | None = None
    unreadable: str = ""
    tracking_number: str = ""


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
        """The order in a body that holds a whole one; None if it is none of ours to send.

        Raises:
            Unreadable: names the field and the reason.
        """
        ...

    def all_sent(self, body: bytes) -> bool:
        """Whether the channel has sent all of such an order already.

        Raises:
            Unreadable: as `order`.
        """
        ...


class CarrierSender(Sender, Protocol):
    def scans(self, body: bytes) -> tuple[Scan, ...]:
        """The scans in a body of the kind `SCANS`.

        Raises:
            ValueError: names the field and the reason.
        """
        ...


class WarehouseSender(Sender, Protocol):
    def report(self, body: bytes) -> WarehouseSaid:
        """What a body of the kind `REPORT` says.

        Raises:
            ValueError: names the field and the reason.
        """
        ...


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

    def all_sent(self, body: bytes) -> bool:
        return all_sent(parse_body(body))


class EasyPostSender:
    """EasyPost's webhooks; a tracker's order is found by its tracking number."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = secrets

    def verify(self, headers: Mapping[str, str], body: bytes) -> bool:
        return easypost.verify(body, headers, self._secrets)

    def event(self, headers: Mapping[str, str], body: bytes) -> Event:  # noqa: ARG002 - all is in the body
        key = easypost.event_key(body)
        try:
            found = easypost.to_scans(body)
        except ValueError as error:
            return Event(SCANS, key, unreadable=str(error))
        if not found:
            return Event(ANOTHER, key)
        return Event(SCANS, key, tracking_number=found[0].tracking_number)

    def scans(self, body: bytes) -> tuple[Scan, ...]:
        return easypost.to_scans(body)


class HttpWarehouseSender:
    """The webhooks of the warehouse at one location."""

    def __init__(self, location: str, secrets: Sequence[str]) -> None:
        self._location = location
        self._secrets = secrets

    def verify(self, headers: Mapping[str, str], body: bytes) -> bool:
        return warehouse.verify(body, headers, self._secrets)

    def event(self, headers: Mapping[str, str], body: bytes) -> Event:
        key = warehouse.event_key(body, headers)
        try:
            report = warehouse.to_report(body, self._location)
        except ValueError as error:
            return Event(REPORT, key, unreadable=str(error))
        return Event(REPORT, key, report.order_id)

    def report(self, body: bytes) -> WarehouseSaid:
        return warehouse.to_report(body, self._location).said


def senders_of(settings: Settings) -> Senders:
    """Everybody whom the settings name, with the secrets that are valid now."""
    return Senders(
        channels={
            channel: ShopifySender(channel, plain(shop.secrets))
            for channel, shop in settings.channels.items()
        },
        carriers={
            carrier: EasyPostSender(plain(account.secrets))
            for carrier, account in settings.carriers.items()
        },
        warehouses={
            location: HttpWarehouseSender(location, plain(account.secrets))
            for location, account in settings.warehouses.items()
        },
    )
