"""What happens to goods on this day: they come late, lie elsewhere, or are not there at all."""

import asyncio
from datetime import UTC, date, datetime, timedelta

from demo.outside import Json
from demo.shop import Sale
from demo.stage import LOOK_S, DidNotHappen, Fact, Stage, equal

LOOKS = 100
SOON, LATER = timedelta(days=7), timedelta(days=14)


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
    ordered = await stage.api.posted(
        "/supply/purchase-orders",
        {"destination": "berlin", "lines": [_line(sku, quantity + 1, SOON)]},
    )
    path = f"/supply/purchase-orders/{ordered['supply_id']}"
    await stage.sell(sale)
    await stage.until_waiting(sale, "stock")
    promised = await _promise(stage, sale)
    stage.say(sale, f"backordered: {promised['sentence']}")
    await stage.api.posted(f"{path}/reschedule", {"expected_on": str(_on(LATER))})
    moved = await _promise(stage, sale)
    stage.say(sale, f"the supplier is late: {moved['sentence']}")
    came = {"lines": [{"sku": sku, "quantity": 1}]}
    await stage.api.posted(f"{path}/receive", came)
    stage.say(sale, "one piece comes in: not enough")
    await asyncio.sleep(2)
    waiting = stage.standings[stage.order_id(sale)].what
    came = {"lines": [{"sku": sku, "quantity": quantity - 1}]}
    await stage.api.posted(f"{path}/receive", came)
    stage.say(sale, "the rest of it comes in")
    await stage.until_status(sale, "reserved", "fulfilling", "shipped")
    closed = await stage.api.posted(f"{path}/close", {"reason": "the supplier has no more"})
    return (
        equal("it is pegged to the purchase order", [ordered["supply_id"]], _pegged_to(promised)),
        _follows("its promise date follows the supply", SOON, promised),
        _follows("the date moves with the supply", LATER, moved),
        equal("a part of it is not enough", "stock", waiting),
        equal("what never came is on record", [("short", -1)], _differences(closed)),
    )


async def transferred(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    """It lies where nobody may send it to this customer from."""
    ((sku, quantity),) = sale.pieces().items()
    await stage.sell(sale)
    await stage.until_waiting(sale, "stock")
    before = await _promise(stage, sale)
    stage.say(sale, "it lies at Newark, which does not ship here")
    opened = await stage.api.posted(
        "/supply/transfers",
        {"origin": "newark", "destination": "berlin", "lines": [_line(sku, quantity, SOON)]},
    )
    path = f"/supply/transfers/{opened['supply_id']}"
    await stage.api.posted(f"{path}/dispatch")
    promised = await _promise(stage, sale)
    stage.say(sale, f"a transfer is under way: {promised['sentence']}")
    came = {"lines": [{"sku": sku, "quantity": quantity}]}
    closed = await stage.api.posted(f"{path}/receive", came)
    stage.say(sale, "the transfer arrives at Berlin")
    return (
        equal("no date before anything is on its way", None, before["deliver_on"]),
        equal("it is pegged to the transfer", [opened["supply_id"]], _pegged_to(promised)),
        _follows("its promise date follows the transfer", SOON, promised),
        equal("all of it arrives", ("closed", []), (closed["state"], _differences(closed))),
    )


def _line(sku: str, quantity: int, after: timedelta) -> Json:
    return {"sku": sku, "quantity": quantity, "expected_on": str(_on(after))}


def _on(after: timedelta) -> date:
    return datetime.now(UTC).date() + after


async def _promise(stage: Stage, sale: Sale) -> Json:
    """When it leaves and arrives, as the API tells now that it waits."""
    for _ in range(LOOKS):
        promise = (await stage.api.get(f"/orders/{stage.order_id(sale)}"))["promise"]
        if promise is not None:
            return dict(promise)
        await asyncio.sleep(LOOK_S)
    raise DidNotHappen("the order that waits has a promise")


def _pegged_to(promise: Json) -> list[str]:
    return sorted({one["supply_id"] for one in promise["pegs"]})


def _follows(must: str, after: timedelta, promise: Json) -> Fact:
    """The goods leave on the day on which they come, or after the weekend; then they travel."""
    day = _on(after)
    found = (promise["ship_on"] or "", promise["deliver_on"] or "")
    last = day + timedelta(days=3)
    holds = str(day) <= found[0] <= str(last) and found[0] < found[1]
    return Fact(f"{must}: {day}", " ".join(found).strip() or "no date", holds)


def _differences(supply: Json) -> list[tuple[str, int]]:
    return [(one["kind"], one["quantity"]) for one in supply["discrepancies"]]
