"""Makes and reads the identities of orders, returns, workflows and effects, each in one place."""

import re
import unicodedata
from typing import NewType
from urllib.parse import quote, unquote

OrderId = NewType("OrderId", str)
ChannelId = NewType("ChannelId", str)
ReturnId = NewType("ReturnId", str)

CART = "cart:"
"""Begins the id of what may become an order; no order's id does."""
ORDER_ID_LIMIT = 200
EFFECT_KEY_LIMIT = 255

_CHANNEL = re.compile(r"[a-z0-9]+")
_ORDER_ID = re.compile(r"[a-z0-9]+-[A-Za-z0-9_.~%-]+")
_KEY_PART = re.compile(r"[A-Za-z0-9_.~-]+")


class InvalidOrderId(ValueError):
    """An order id that cannot be made or read; `field` and `reason` say what is wrong."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class InvalidEffectKey(ValueError):
    """A part that an effect's key cannot hold; `part` is its place, counted from one."""

    def __init__(self, part: int, reason: str) -> None:
        super().__init__(f"part {part}: {reason}")
        self.part = part
        self.reason = reason


def order_id(channel: str, own_id: str) -> OrderId:
    """Make the id `<channel>-<own id>`, the same for the same order and for no other.

    A channel id has no "-", so the first one ends it. The channel's own id is percent-encoded
    as UTF-8 except for RFC 3986's unreserved characters; no "/" survives, since effect keys are
    split on it.

    Raises:
        InvalidOrderId: names `channel` or `own_id` and why it will not do.
    """
    _check_channel(channel)
    _check_own_id(own_id)
    made = f"{channel}-{quote(own_id, safe='')}"
    if len(made) > ORDER_ID_LIMIT:
        raise InvalidOrderId("own_id", f"makes an id of more than {ORDER_ID_LIMIT} characters")
    return OrderId(made)


def parse_order_id(text: str) -> tuple[ChannelId, str]:
    """Read an id back into the channel's id and the channel's own id for the order.

    Only the spelling that `order_id` makes is taken, so that one order never has two ids.

    Raises:
        InvalidOrderId: names `order_id` and why it will not do.
    """
    if len(text) > ORDER_ID_LIMIT:
        raise InvalidOrderId("order_id", f"has more than {ORDER_ID_LIMIT} characters")
    if not _ORDER_ID.fullmatch(text):
        raise InvalidOrderId("order_id", "is not <channel id>-<the channel's own order id>")
    channel, _, encoded = text.partition("-")
    try:
        own_id = unquote(encoded, errors="strict")
        again = order_id(channel, own_id)
    except (UnicodeDecodeError, InvalidOrderId) as error:
        raise InvalidOrderId("order_id", "holds a percent-encoding that we never make") from error
    if again != text:
        raise InvalidOrderId("order_id", "is spelled other than we spell it")
    return ChannelId(channel), own_id


def workflow_id(order: OrderId) -> str:
    return f"order:{order}"


def return_workflow_id(return_id: ReturnId) -> str:
    return f"return:{return_id}"


def cart_id(reservation_id: str) -> OrderId:
    """Whose stock it is that a checkout holds before there is an order."""
    return OrderId(f"{CART}{reservation_id}")


def effect_key(owner: str, *parts: str | int) -> str:
    """Name one outside deed: the order (or a key of its), the part and the generation, with "/".

    For example `effect_key(order, "f1", "p1", "label", 1)`. Never put an attempt, a run id or a
    clock into it: the key must be the same each time the deed is tried again.

    Raises:
        InvalidEffectKey: no part, or one that is empty or holds other than `[A-Za-z0-9_.~-]`.
    """
    if not parts:
        raise InvalidEffectKey(1, "is missing")
    for place, part in enumerate(parts, start=1):
        if not _KEY_PART.fullmatch(str(part)):
            raise InvalidEffectKey(place, "must be letters, digits or any of _ . ~ -")
    key = "/".join((owner, *(str(part) for part in parts)))
    if len(key) > EFFECT_KEY_LIMIT:
        raise InvalidEffectKey(len(parts), f"makes a key of more than {EFFECT_KEY_LIMIT}")
    return key


def _check_channel(channel: str) -> None:
    if not channel:
        raise InvalidOrderId("channel", "is empty")
    if len(channel) >= ORDER_ID_LIMIT:
        raise InvalidOrderId("channel", f"has {ORDER_ID_LIMIT} characters or more")
    if not _CHANNEL.fullmatch(channel):
        raise InvalidOrderId("channel", "must be lower-case letters a to z and digits")


def _check_own_id(own_id: str) -> None:
    if len(own_id) >= ORDER_ID_LIMIT:
        raise InvalidOrderId("own_id", f"has {ORDER_ID_LIMIT} characters or more")
    if not own_id.strip():
        raise InvalidOrderId("own_id", "is empty")
    categories = {unicodedata.category(character) for character in own_id}
    if "Cc" in categories:
        raise InvalidOrderId("own_id", "holds a control character")
    if "Cs" in categories:
        raise InvalidOrderId("own_id", "holds half a surrogate pair, which is no character")
