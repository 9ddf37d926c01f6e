"""Whether each order and return has the workflow that it should have, and no other."""

from collections.abc import Container, Iterator

from domain.ids import OrderId, ReturnId, return_workflow_id, workflow_id
from domain.lifecycles import ENDED, RETURN_ENDED
from starter.audit.findings import Checked, Finding
from starter.audit.temporal import MISSING, Lives
from starter.audit.world import World, checked, each
from storage.audit.facts import OrderFact, ReturnFact

BAD_ENDS = frozenset({"failed", "terminated", "timed_out", "canceled"})
DEATH_S = 20
"""Seconds until another worker has done the task of one that died: Temporal's 10, and a pause."""


def all_lives(world: World) -> list[Checked]:
    checks = (orders_run, orders_never_fail, ended_orders_rest, returns_run)
    return each(checks, world, world.lives, "Temporal was not asked")


def orders_run(world: World, lives: Lives) -> Checked:
    """Every accepted order that has not ended has one running workflow."""
    due = [order for order in world.facts.orders.values() if order.status not in ENDED]
    findings = (
        _finding("orders_run", order, "its workflow runs", _state(lives, order))
        for order in due
        if order.order_id not in lives.orders
        and not _starting(order)
        and _state(lives, order) not in BAD_ENDS
    )
    return checked(orders_run, len(due), findings)


def orders_never_fail(world: World, lives: Lives) -> Checked:
    """No order's workflow is failed, terminated, timed out or cancelled while its order is open."""
    due = [order for order in world.facts.orders.values() if order.status not in ENDED]
    findings = (
        _finding("orders_never_fail", order, "its workflow runs", _state(lives, order))
        for order in due
        if _state(lives, order) in BAD_ENDS
    )
    return checked(orders_never_fail, len(due), findings)


def ended_orders_rest(world: World, lives: Lives) -> Checked:
    """No workflow runs for an order that ended 20 s ago, or for one that we do not have."""
    orders = world.facts.orders
    findings = (
        Finding(
            "ended_orders_rest",
            workflow_id(OrderId(order_id)),
            "no running workflow",
            f"running, order {world.status(order_id)}",
            order_id,
        )
        for order_id in sorted(lives.orders)
        if order_id not in orders or _long_ended(orders[order_id], ENDED)
    )
    ended = sum(order.status in ENDED for order in orders.values())
    return checked(ended_orders_rest, ended, findings)


def returns_run(world: World, lives: Lives) -> Checked:
    """Each return has a running workflow from its first word to its end, and none after it."""

    def wrong() -> Iterator[Finding]:
        for one in world.facts.returns:
            runs, ended = one.return_id in lives.returns, one.status in RETURN_ENDED
            if one.seq and runs == ended and (not ended or _long_ended(one, RETURN_ENDED)):
                name = return_workflow_id(ReturnId(one.return_id))
                expected = "no running workflow" if ended else "its workflow runs"
                found = f"{lives.asked.get(name, 'running')}, return {one.status}"
                yield Finding("returns_run", name, expected, found, one.order_id)

    return checked(returns_run, len(world.facts.returns), wrong())


def _starting(order: OrderFact) -> bool:
    """The relay has not delivered it yet; how long that may take is the inbox's own invariant."""
    return order.seq == 0 and order.being_told


def _long_ended(one: OrderFact | ReturnFact, ends: Container[str]) -> bool:
    """So long that its workflow has ended, too, even if a worker died between the two."""
    return one.status in ends and one.still_s > DEATH_S


def _state(lives: Lives, order: OrderFact) -> str:
    return lives.asked.get(workflow_id(OrderId(order.order_id)), MISSING)


def _finding(invariant: str, order: OrderFact, expected: str, found: str) -> Finding:
    row = {"order_id": order.order_id, "status": order.status, "seq": order.seq}
    return Finding(
        invariant,
        workflow_id(OrderId(order.order_id)),
        expected,
        f"{found}, order {order.status}",
        order.order_id,
        (row,),
    )
