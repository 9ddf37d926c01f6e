"""Orders for goods that are not there, and the queue that they wait in."""

from tests.crash.catalogue import FAR, HOMES, NEAR, made_of
from tests.crash.orders import Placed
from tests.crash.world import World


def waiting_for(world: World, sku: str) -> Placed:
    """A split order, one part of which is not in stock."""
    order = split_with(world, sku)
    world.send(order)
    return order


def split_with(world: World, sku: str) -> Placed:
    """Not placed yet: one of `sku`, and something from elsewhere."""
    here = {HOMES[piece] for piece in made_of(sku)}
    other = FAR if HOMES[FAR] not in here else NEAR[0]
    return world.till.take((sku, 1), (other, 1))


def in_queue(world: World) -> set[str]:
    return {row["order_id"] for row in world.rows("SELECT order_id FROM stock_waiting")}


def wait_for_goods(world: World) -> set[str]:
    """The orders whose workflow knows that they wait."""
    rows = world.rows("SELECT order_id FROM orders WHERE wait_what = 'stock'")
    return {row["order_id"] for row in rows}
