"""Asks the product why each order went where it went."""

from collections.abc import Iterable
from dataclasses import dataclass

from demo.outside import Api


@dataclass(frozen=True)
class Decided:
    """What was decided about an order, oldest first, and where its goods left in the end."""

    why: tuple[str, ...] = ()
    shipped_from: tuple[str, ...] = ()


async def decisions(api: Api, order_ids: Iterable[str]) -> dict[str, Decided]:
    """What `oms order why` tells of each order, without the candidates.

    Raises:
        Refusal: the API does not know one of them.
    """
    return {order_id: await _decided(api, order_id) for order_id in order_ids}


async def _decided(api: Api, order_id: str) -> Decided:
    kept = (await api.get(f"/orders/{order_id}/sourcing"))["decisions"]
    parts = [part for decision in kept for part in decision["reservations"]]
    return Decided(
        why=tuple(str(decision["sentence"]) for decision in reversed(kept)),
        shipped_from=tuple(part["location"] for part in parts if part["state"] == "shipped"),
    )
