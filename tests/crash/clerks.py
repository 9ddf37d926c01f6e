"""What checkouts and stock clerks tell us."""

from dataclasses import dataclass

from adapters.channels.shopify.order import to_order
from tests.crash.catalogue import CHANNEL
from tests.crash.orders import Placed, cart_of, line_id, payload
from tests.crash.saying import say
from tests.crash.world import World

WHILE_IT_LASTS_S = 600
EXPECTED_ON = "2090-01-01"


@dataclass(frozen=True)
class Document:
    """A purchase order, or a transfer from `origin`, of one SKU."""

    path: str
    sku: str
    destination: str
    origin: str = ""

    @property
    def supply_id(self) -> str:
        return self.path.rpartition("/")[2]


# -- goods


def bring(world: World, sku: str, location: str, quantity: int) -> None:
    """Goods come without a document."""
    goods = {"sku": sku, "location": location, "quantity": quantity, "reason": "delivery"}
    say(world, "/stock/receipts", goods)
    world.moved[sku, location] += quantity


def order_goods(world: World, sku: str, quantity: int, destination: str) -> Document:
    return _open(world, Document("/supply/purchase-orders", sku, destination), quantity)


def send_over(world: World, sku: str, quantity: int, origin: str, destination: str) -> Document:
    """A transfer, whose goods leave at once."""
    opened = _open(world, Document("/supply/transfers", sku, destination, origin), quantity)
    say(world, f"{opened.path}/dispatch", {})
    world.moved[sku, origin] -= quantity
    return opened


def _open(world: World, new: Document, quantity: int) -> Document:
    line = {"sku": new.sku, "quantity": quantity, "expected_on": EXPECTED_ON}
    places = {"destination": new.destination} | ({"origin": new.origin} if new.origin else {})
    supply = say(world, new.path, places | {"lines": [line]})
    return Document(f"{new.path}/{supply['supply_id']}", new.sku, new.destination, new.origin)


def take_in(world: World, document: Document, quantity: int, damaged: int = 0) -> None:
    """So many of it come, some of them damaged."""
    line = {"sku": document.sku, "quantity": quantity, "damaged": damaged}
    say(world, f"{document.path}/receive", {"lines": [line]})
    world.moved[document.sku, document.destination] += quantity
    world.damaged[document.sku, document.destination] += damaged


def count(world: World, sku: str, location: str, missing: int) -> None:
    """So many fewer are found than the record says."""
    at = "SELECT on_hand FROM stock WHERE sku = %s AND location = %s"
    found = world.rows(at, sku, location)[0]["on_hand"] - missing
    counted = {"location": location, "lines": [{"sku": sku, "quantity": found}]}
    say(world, "/stock/counts", counted)
    world.moved[sku, location] -= missing


# -- carts


def hold(world: World, order: Placed, for_s: int = WHILE_IT_LASTS_S) -> None:
    """A checkout holds what will be the order's; said again, from then on for so long."""
    lines = [
        {"line_id": str(line_id(order, place)), "sku": sku, "quantity": quantity}
        for place, (sku, quantity) in enumerate(order.lines)
    ]
    where = {"country": "DE", "postal_code": "10117"}
    cart = {"reservation_id": cart_of(order), "channel": CHANNEL, "destination": where}
    say(world, "/stock/reservations", cart | {"lines": lines, "expires_in_s": for_s})


def check_out(world: World, order: Placed) -> None:
    """The shop has the order, and its checkout tells us of it and of its cart."""
    world.control("shopify/orders", {"order": payload(order), "send": False})
    said = to_order(CHANNEL, payload(order)).model_dump(mode="json")
    say(world, "/orders", said | {"reservation_id": cart_of(order)})
    world.carts.append(order)
