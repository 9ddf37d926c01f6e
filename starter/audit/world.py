"""Everything that one look of the audit sees: our tables, Temporal, the simulators' journal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from config.inbound import Senders
from domain.lifecycles import ENDED, ORDER, OrderStatus
from starter.audit.findings import Checked, Finding
from starter.audit.journal import Effects, ShopOrder
from starter.audit.temporal import Lives
from storage.audit.facts import Facts, OrderFact
from storage.audit.snapshot import ORDER_LEFT

Seen = TypeVar("Seen")

BEFORE_LEAVING = frozenset(ORDER) - ORDER_LEFT - {OrderStatus.CANCELLED}
"""Statuses of orders in whose name things are being done or taken back right now."""


@dataclass(frozen=True)
class World:
    """What there is to compare; `lives` and `effects` are None where there is none to ask.

    `shops` are the channels whose deeds are in the journal.
    """

    facts: Facts
    asked: tuple[Checked, ...]
    lives: Lives | None
    effects: Effects | None
    senders: Senders | None
    shops: frozenset[str]
    late_s: float

    @cached_property
    def by_shop_id(self) -> Mapping[str, OrderFact]:
        """Our orders by the shop's own id."""
        orders = self.facts.orders.values()
        return {order.channel_order_id: order for order in orders if order.channel in self.shops}

    @cached_property
    def sold(self) -> Sequence[tuple[OrderFact, ShopOrder]]:
        """Our orders and what their shop did with each."""
        shop = self.effects.shop if self.effects else {}
        known = ((self.by_shop_id.get(own_id), made) for own_id, made in shop.items())
        return [(order, made) for order, made in known if order and made.created is not None]

    def status(self, order_id: str) -> str:
        order = self.facts.orders.get(order_id)
        return order.status if order else "unknown"

    def live(self, order_id: str | None) -> bool:
        """Whether something may still happen to the order while we look."""
        if order_id is None:
            return True
        if self.lives is not None:
            return order_id in self.lives.orders
        return self.status(order_id) not in ENDED

    def moved(self, order_id: str | None) -> Any:
        """Another value as soon as the order's rows moved."""
        order = self.facts.orders.get(order_id or "")
        return (order.status, order.seq) if order else None


def checked(check: Callable[..., Checked], looked: int, findings: Iterable[Finding]) -> Checked:
    """The outcome of a check: its name is its function's, its sentence the docstring."""
    return Checked(check.__name__, check.__doc__ or "", looked, tuple(findings))


def each(
    checks: Iterable[Callable[[World, Seen], Checked]], world: World, seen: Seen | None, why: str
) -> list[Checked]:
    """The outcomes of checks against what was seen; without it they are skipped, and `why`."""
    if seen is None:
        return [Checked(check.__name__, check.__doc__ or "", skipped=why) for check in checks]
    return [check(world, seen) for check in checks]
