"""What happens to goods on this day: they come late, lie elsewhere, or are not there at all."""

import asyncio
from datetime import UTC, date, datetime, timedelta

from demo.outside import Json
from demo.shop import Sale
from demo.stage import Fact, Stage, equal


async def out_of_stock(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    await stage.sell(sale)
    await stage.until_waiting(sale, "stock")
    stage.say(sale, "out of stock everywhere: it queues for goods to come")
    await asyncio.sleep(3)
    for sku, quantity in sale.pieces().items():
        await stage.receive(sku, "berlin", quantity)
    stage.say(sale, "the goods come in at Berlin")
    return ()


async def not_in_stock(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    """The record said that there was some; there is none."""
    await _found_short(stage, sale, found=0, reason="not_in_stock")
    stage.say(sale, "the picker finds none of it: the record is corrected")
    return ()


async def broken_on_the_shelf(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    await _found_short(stage, sale, found=1, reason="damaged")
    stage.say(sale, "the picker finds one whole, the other broken")
    return ()


async def _found_short(stage: Stage, sale: Sale, **found: int | str) -> None:
    (sku,) = sale.pieces()
    short = {
        "match": str(sale.shop_id), "reason": "short", "when": "after_accepting",
        "short": [{"sku": sku, **found}],
    }  # fmt: skip
    await stage.world.control("warehouse/reject", short)
    await stage.sell(sale)


async def backordered(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    """A purchase order brings it: late, in two deliveries, and one piece never."""
    ((sku, quantity),) = sale.pieces().items()
    soon, later = _days()
    ordered = await stage.api.posted(
        "/supply/purchase-orders",
        {"destination": "berlin", "lines": [_line(sku, quantity + 1, soon)]},
    )
    path = f"/supply/purchase-orders/{ordered['supply_id']}"
    await stage.sell(sale)
    await stage.until_waiting(sale, "stock")
    promised = await _promise(stage, sale)
    stage.say(sale, f"backordered: {promised['sentence']}")
    await stage.api.posted(f"{path}/reschedule", {"expected_on": str(later)})
    moved = await _promise(stage, sale)
    stage.say(sale, f"the supplier is late: {moved['sentence']}")
    await _receive(stage, path, sku, 1)
    stage.say(sale, "one piece comes in: not enough")
    await asyncio.sleep(2)
    waiting = stage.standings[stage.order_id(sale)].what
    await _receive(stage, path, sku, quantity - 1)
    stage.say(sale, "the rest of it comes in")
    await stage.until_status(sale, "reserved", "fulfilling", "shipped", "delivered")
    closed = await stage.api.posted(f"{path}/close", {"reason": "the supplier has no more"})
    return (
        equal("it is pegged to the purchase order", [ordered["supply_id"]], _pegged_to(promised)),
        _follows("its promise date follows the supply", soon, promised),
        _follows("the date moves with the supply", later, moved),
        equal("a part of it is not enough", "stock", waiting),
        equal("what never came is on record", [("short", -1)], _differences(closed)),
    )


async def transferred(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    """It lies where nobody may send it to this customer from."""
    ((sku, quantity),) = sale.pieces().items()
    soon, _ = _days()
    await stage.sell(sale)
    await stage.until_waiting(sale, "stock")
    before = await _promise(stage, sale)
    stage.say(sale, "it lies at Newark, which does not ship here")
    opened = await stage.api.posted(
        "/supply/transfers",
        {"origin": "newark", "destination": "berlin", "lines": [_line(sku, quantity, soon)]},
    )
    path = f"/supply/transfers/{opened['supply_id']}"
    await stage.api.posted(f"{path}/dispatch")
    promised = await _promise(stage, sale)
    stage.say(sale, f"a transfer is under way: {promised['sentence']}")
    closed = await _receive(stage, path, sku, quantity)
    stage.say(sale, "the transfer arrives at Berlin")
    left = await _on_hand(stage, sku, "newark")
    return (
        equal("no date before anything is on its way", None, before["deliver_on"]),
        equal("it is pegged to the transfer", [opened["supply_id"]], _pegged_to(promised)),
        _follows("its promise date follows the transfer", soon, promised),
        equal("all of it arrives", ("closed", []), (closed["state"], _differences(closed))),
        equal("what is not wanted stays where it lay", 1, left),
    )


def _days() -> tuple[date, date]:
    """When goods are expected at first, and when the supplier is late."""
    today = datetime.now(UTC).date()
    return today + timedelta(days=7), today + timedelta(days=14)


def _line(sku: str, quantity: int, expected_on: date) -> Json:
    return {"sku": sku, "quantity": quantity, "expected_on": str(expected_on)}


async def _receive(stage: Stage, path: str, sku: str, quantity: int) -> Json:
    """So many of it come in on a purchase order or transfer. What that is now."""
    came = {"lines": [{"sku": sku, "quantity": quantity}]}
    return dict(await stage.api.posted(f"{path}/receive", came))


async def _promise(stage: Stage, sale: Sale) -> Json:
    """When it leaves and arrives, as the API tells now that it waits."""
    path = f"/orders/{stage.order_id(sale)}"
    return dict(await stage.until_told("who waits has a promise", path, "promise"))


def _pegged_to(promise: Json) -> list[str]:
    return sorted({one["supply_id"] for one in promise["pegs"]})


def _follows(must: str, day: date, promise: Json) -> Fact:
    """The goods leave on the day on which they come, or after the weekend; then they travel."""
    leaves, arrives = promise["ship_on"] or "", promise["deliver_on"] or ""
    holds = str(day) <= leaves <= str(day + timedelta(days=3)) and leaves < arrives
    return Fact(f"{must}: {day}", f"{leaves} {arrives}".strip() or "no date", holds)


async def _on_hand(stage: Stage, sku: str, location: str) -> int:
    levels = (await stage.api.get("/stock", sku=sku, location=location))["levels"]
    return sum(one["on_hand"] for one in levels)


def _differences(supply: Json) -> list[tuple[str, int]]:
    return [(one["kind"], one["quantity"]) for one in supply["discrepancies"]]
