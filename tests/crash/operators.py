"""What the crash runs' operators and customers do, several at a time."""

from concurrent.futures import ThreadPoolExecutor

from tests.crash.orders import Placed, line_id
from tests.crash.saying import say
from tests.crash.world import World, patiently


def until_fulfilments(world: World, orders: list[Placed], status: str) -> None:
    """Until each part of each order is there."""
    ids = [order.order_id for order in orders]
    parts = sum(order.parts for order in orders)

    def there() -> bool:
        query = "SELECT 1 FROM fulfilments WHERE order_id = ANY (%s) AND status = %s"
        return len(world.rows(query, ids, status)) == parts

    world.until(f"all {status}", there)


def tell_all(world: World, orders: list[Placed], verb: str, body: dict[str, object]) -> None:
    """Operators at work, several at a time; it was heard, and will be done."""
    with ThreadPoolExecutor(8) as desk:
        said = [
            desk.submit(say, world, f"/orders/{order.order_id}/{verb}", body) for order in orders
        ]
        world.until(f"all told to {verb}", lambda: all(future.done() for future in said))
    for future in said:
        future.result()


def send_all_back(world: World, orders: list[Placed]) -> None:
    """Everything comes back, is put on the shelf and refunded; ends when the returns are closed."""
    with ThreadPoolExecutor(len(orders)) as desk:
        returning = [desk.submit(_send_back, world, order) for order in orders]
        world.until("all returns asked for", lambda: all(f.done() for f in returning))
        asked = [future.result() for future in returning]

    def closed() -> bool:
        rows = world.rows(
            "SELECT return_id FROM returns WHERE return_id = ANY (%s) AND status = 'closed'",
            asked,
        )
        return len(rows) == len(asked)

    world.until("all returns closed", closed)


def _send_back(world: World, order: Placed) -> str:
    """Everything comes back, is put on the shelf and refunded; in a thread of its own."""
    path = f"/orders/{order.order_id}"
    patiently(lambda: world.have_arrived(order))
    lines = [
        {"line_id": str(line_id(order, place)), "quantity": quantity}
        for place, (_, quantity) in enumerate(order.lines)
    ]
    wanted = [{**line, "reason": "unwanted"} for line in lines]
    say(world, f"{path}/returns", {"lines": wanted})
    query = "SELECT return_id, status FROM returns WHERE order_id = %s"
    patiently(lambda: world.rows(query, order.order_id))
    return_id: str = world.rows(query, order.order_id)[0]["return_id"]
    say(world, f"/returns/{return_id}/receive")
    patiently(lambda: world.rows(query, order.order_id)[0]["status"] == "received")
    found = [
        {
            "line_id": line["line_id"],
            "restock": line["quantity"],
            "discard": 0,
            "refund": line["quantity"],
        }
        for line in lines
    ]
    say(world, f"/returns/{return_id}/inspect", {"lines": found})
    return return_id
