"""Whether everything that was accepted is there."""

from collections.abc import Iterator

from adapters.channels.reading import Unreadable
from config.inbound import Senders
from starter.audit.findings import Checked, Finding
from starter.audit.journal import Effects
from starter.audit.world import World, checked, each
from storage.audit.facts import Orderless


def all_intake(world: World) -> list[Checked]:
    announced = each((announced_orders_exist,), world, world.effects, "no journal")
    return [accepted_orders_exist(world), *announced]


def accepted_orders_exist(world: World) -> Checked:
    """Every order that the inbox accepted and delivered is in our orders: nothing is lost."""
    findings = (
        Finding(
            "accepted_orders_exist",
            row.order_id,
            "an order",
            f"none, though {row.kind} of {row.source} was delivered",
            row.order_id,
            (row.row,),
        )
        for row in world.facts.orderless
        if _is_ours(row, world.senders)
    )
    return checked(accepted_orders_exist, world.facts.heard, findings)


def announced_orders_exist(world: World, effects: Effects) -> Checked:
    """Every order that a shop made and whose webhook we answered with 2xx is in our orders."""

    def lost() -> Iterator[Finding]:
        for own_id in sorted(effects.announced):
            made = effects.shop.get(own_id)
            ids = [f"{shop}-{own_id}" for shop in sorted(world.shops)]
            known = own_id in world.by_shop_id or world.facts.kept.intersection(ids)
            if made is not None and made.ships and not known:
                rows = tuple(deed.shown() for deed in made.deeds[:1])
                yield Finding(
                    "announced_orders_exist", own_id, "an order", "none", ids[0] if ids else None,
                    rows,
                )  # fmt: skip

    looked = len(effects.announced)
    return checked(announced_orders_exist, looked, lost())


def _is_ours(row: Orderless, senders: Senders | None) -> bool:
    """Whether it was an order that must be sent; what we cannot tell is a counter-example."""
    channel = row.source.partition(":")[2]
    sender = senders.channels.get(channel) if senders else None
    if sender is None:
        return True
    try:
        return sender.order(row.body) is not None
    except (Unreadable, ValueError):
        return True
