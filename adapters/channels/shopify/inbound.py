"""Says whether a webhook is Shopify's, which event it tells of and which order that is about.

https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from adapters.channels.reading import Reader

_SIGNATURE = "x-shopify-hmac-sha256"
_KEY_LIMIT = 200


class Event(NamedTuple):
    """What a delivery's headers say. `event_key` is the same for every delivery of one event."""

    topic: str
    event_key: str
    webhook_id: str
    shop_domain: str
    triggered_at: str
    """As Shopify claims it, unread."""


def verify(raw_body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> bool:
    """Whether one of `secrets` signed exactly these bytes; two are valid during a rotation.

    Takes the same time whichever secret fits. An empty secret signs nothing.
    """
    given = _lowered(headers).get(_SIGNATURE, "").encode("utf-8", "backslashreplace")
    matches = [
        hmac.compare_digest(_signature(raw_body, secret), given) for secret in secrets if secret
    ]
    return any(matches)


def _signature(raw_body: bytes, secret: str) -> bytes:
    return base64.b64encode(hmac.digest(secret.encode(), raw_body, hashlib.sha256))


def event_of(headers: Mapping[str, str], raw_body: bytes) -> Event:
    """Read what a delivery's headers say of its event.

    The key is made of the topic and of the first there is of: the Event-Id, which repeats share;
    the Webhook-Id; the body's hash. The topic belongs to it, since one deed in the shop may be
    told under several.
    """
    said = _lowered(headers)
    topic = said.get("x-shopify-topic", "").strip().lower()[:_KEY_LIMIT]
    webhook_id = said.get("x-shopify-webhook-id", "").strip()
    own = said.get("x-shopify-event-id", "").strip() or webhook_id
    key = f"{topic}:{own or 'sha256-' + hashlib.sha256(raw_body).hexdigest()}"
    if len(key) > _KEY_LIMIT or not (key.isascii() and key.isprintable()):
        key = "sha256-" + hashlib.sha256(key.encode("utf-8", "backslashreplace")).hexdigest()
    return Event(
        topic=topic,
        event_key=key,
        webhook_id=webhook_id[:_KEY_LIMIT],
        shop_domain=said.get("x-shopify-shop-domain", "").strip().lower()[:_KEY_LIMIT],
        triggered_at=said.get("x-shopify-triggered-at", "").strip()[:_KEY_LIMIT],
    )


def own_order_id(payload: Mapping[str, object]) -> str:
    """Shopify's own id of the order that a payload is about, without reading the rest of it.

    `orders/edited` names it in `order_edit.order_id`, refunds and fulfilments in `order_id`, an
    order itself in `id`.

    Raises:
        Unreadable: there is none, or it is no positive whole number.
    """
    told = Reader(payload)
    edit = told.inner("order_edit")
    if edit is not None:
        return edit.own_id("order_id")
    return told.own_id("order_id" if told.has("order_id") else "id")


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
